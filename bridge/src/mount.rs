//! Which dialect answers on which host and path.
//!
//! A mount puts all paths of a dialect under a prefix, on one host or on any. [`Mounts::find`] looks at the mounts of the
//! request's host first and then at those of any host; among several paths that match, the one with a fixed segment where
//! the others have `{id}` wins. Two mounts with the same path on the same host cannot both be meant.

use std::{borrow::Cow, fmt};

use causeway_config::bridge::{BridgeSettings, MountSettings, MountedDialect, RootChatDialect};
use percent_encoding::percent_decode_str;

use crate::dialect::{Dialect, Route};

/// The path that `jobs` and `helpdesk` share.
const SHARED_CHAT: &str = "/ws/chat/{id}";
/// What rooms frontends ask before they choose a path.
const CONVERSATION: &str = "/api/conversations/{id}";

/// All paths of the bridge, in the order in which they are tried.
#[derive(Debug)]
pub(crate) struct Mounts(Vec<Entry>);

/// What a path is for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target {
    /// A socket.
    Socket(&'static Route),
    /// `GET` of a conversation, in the `rooms` dialect.
    Conversation,
}

/// A path that was found.
#[derive(Debug)]
pub(crate) struct Found<'a> {
    /// Whose it is.
    pub(crate) dialect: Dialect,
    /// What it is for.
    pub(crate) target: Target,
    /// What the mount puts before the dialect's own path; empty at the root.
    pub(crate) prefix: &'a str,
    /// What stands in place of `{id}`, as it came.
    pub(crate) segment: Option<&'a str>,
}

/// Two mounts that claim one path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "bridge.mounts: {first} and {second} both claim {path}; give one of them another `host` or `prefix`, or leave one out"
)]
pub struct MountConflict {
    first: String,
    second: String,
    path: String,
}

#[derive(Debug)]
struct Entry {
    mount: Mount,
    target: Target,
    segments: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Mount {
    dialect: Dialect,
    host: Option<String>,
    prefix: String,
}

/// Fixed segments come first, so that sorted entries are tried in the right order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Fixed(String),
    Id,
}

/// Whether two mounts of the settings claim the same path.
pub fn check(settings: &BridgeSettings) -> Result<(), MountConflict> {
    Mounts::new(settings).map(drop)
}

impl Mounts {
    /// The mounts of the settings; where they name none, every dialect at the root and under its own name.
    pub(crate) fn new(settings: &BridgeSettings) -> Result<Self, MountConflict> {
        let entries = if settings.mounts.is_empty() {
            everywhere(settings.root_chat_dialect)
        } else {
            settings.mounts.iter().flat_map(|mount| Mount::from(mount).entries()).collect()
        };
        Self::from_entries(entries)
    }

    fn from_entries(mut entries: Vec<Entry>) -> Result<Self, MountConflict> {
        entries.sort_by(|left, right| left.rank().cmp(&right.rank()));
        match entries.windows(2).find(|pair| pair[0].rank() == pair[1].rank()) {
            Some(pair) => Err(MountConflict {
                first: pair[0].mount.to_string(),
                second: pair[1].mount.to_string(),
                path: format!("{}{}", pair[0].mount.prefix, pair[0].own_path()),
            }),
            None => Ok(Self(entries)),
        }
    }

    /// What is at this path of this host, with or without a slash at its end. `host` may have a port.
    pub(crate) fn find<'a>(&'a self, host: Option<&str>, path: &'a str) -> Option<Found<'a>> {
        let host = host.map(name_of_host);
        let path = path.strip_prefix('/')?;
        let given: Vec<&str> = path.strip_suffix('/').unwrap_or(path).split('/').collect();
        self.0.iter().filter(|entry| entry.is_on(host.as_deref())).find_map(|entry| entry.matched(&given))
    }
}

impl Found<'_> {
    /// What stands in place of `{id}`, percent-decoded (RFC 3986 §2.1). Bytes that are no text stay a text that is
    /// nobody's id.
    pub(crate) fn id(&self) -> Option<String> {
        self.segment.map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
    }
}

impl Entry {
    /// Mounts of a host before those of any host; then fixed segments before `{id}`.
    fn rank(&self) -> (bool, &Option<String>, &[Segment]) {
        (self.mount.host.is_none(), &self.mount.host, &self.segments)
    }

    fn is_on(&self, host: Option<&str>) -> bool {
        self.mount.host.as_deref().is_none_or(|wanted| host == Some(wanted))
    }

    fn matched<'a>(&'a self, given: &[&'a str]) -> Option<Found<'a>> {
        let mut segment = None;
        if given.len() != self.segments.len() {
            return None;
        }
        for (wanted, given) in self.segments.iter().zip(given) {
            match wanted {
                Segment::Fixed(wanted) if wanted == given => {}
                Segment::Id if !given.is_empty() => segment = Some(*given),
                Segment::Fixed(_) | Segment::Id => return None,
            }
        }
        Some(Found { dialect: self.mount.dialect, target: self.target, prefix: &self.mount.prefix, segment })
    }

    fn own_path(&self) -> &'static str {
        match self.target {
            Target::Socket(route) => route.path,
            Target::Conversation => CONVERSATION,
        }
    }
}

impl Mount {
    fn entries(self) -> Vec<Entry> {
        let sockets = self.dialect.translator().routes().iter().map(Target::Socket);
        let api = (self.dialect == Dialect::Rooms).then_some(Target::Conversation);
        sockets.chain(api).map(|target| Entry::new(self.clone(), target)).collect()
    }
}

impl Entry {
    fn new(mount: Mount, target: Target) -> Self {
        let mut entry = Self { mount, target, segments: Vec::new() };
        let path = format!("{}{}", entry.mount.prefix, entry.own_path());
        entry.segments = path.split('/').skip(1).map(Segment::from).collect();
        entry
    }
}

impl From<&str> for Segment {
    fn from(text: &str) -> Self {
        if text == "{id}" { Self::Id } else { Self::Fixed(text.to_owned()) }
    }
}

impl From<&MountSettings> for Mount {
    fn from(settings: &MountSettings) -> Self {
        let dialect = match settings.dialect {
            MountedDialect::Rooms => Dialect::Rooms,
            MountedDialect::Envelope => Dialect::Envelope,
            MountedDialect::Jobs => Dialect::Jobs,
            MountedDialect::Helpdesk => Dialect::Helpdesk,
            MountedDialect::Campus => Dialect::Campus,
        };
        Self { dialect, host: settings.host.clone(), prefix: settings.prefix.clone().unwrap_or_default() }
    }
}

impl fmt::Display for Mount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.host.as_deref().unwrap_or("every host");
        let prefix = if self.prefix.is_empty() { "/" } else { &self.prefix };
        write!(f, "{} (on {host} at {prefix})", self.dialect.name())
    }
}

/// Every dialect at the root and under its own name. Of the two that share a path, only one has it at the root.
fn everywhere(chat: RootChatDialect) -> Vec<Entry> {
    let yields = match chat {
        RootChatDialect::Jobs => Dialect::Helpdesk,
        RootChatDialect::Helpdesk => Dialect::Jobs,
    };
    let at = |dialect, prefix| Mount { dialect, host: None, prefix };
    let root = Dialect::ALL.into_iter().flat_map(|dialect| at(dialect, String::new()).entries());
    let root = root.filter(|entry| entry.mount.dialect != yields || entry.own_path() != SHARED_CHAT);
    let named =
        Dialect::ALL.into_iter().flat_map(|dialect| at(dialect, format!("/{}", dialect.name())).entries());
    root.chain(named).collect()
}

/// A `Host` header without its port, in lower case.
fn name_of_host(host: &str) -> Cow<'_, str> {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        name.to_ascii_lowercase().into()
    } else {
        name.into()
    }
}

#[cfg(test)]
mod tests;
