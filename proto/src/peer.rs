//! Who calls whom. Both sides name their part, version and protocol in a header, so that two that do not fit refuse each other
//! by name, and a service says what time it has, so that a wrong clock is seen. Callers without the header are let in: other
//! languages, and people with grpcurl.

use std::fmt;

use http::{HeaderMap, HeaderValue};

/// Metadata in which a caller and a service name themselves, as `chat/0.1.0; protocol=1`.
pub const PEER: &str = "causeway-peer";

/// Metadata in which a service that was called by a named peer says its time: microseconds since the Unix epoch, in decimal.
pub const TIME: &str = "causeway-time";

/// The protocol that this build speaks. It grows when two builds could misunderstand each other.
pub const PROTOCOL: u32 = 1;

/// The oldest protocol that this build still speaks, so that parts can be upgraded one after the other.
pub const OLDEST: u32 = 1;

/// Longest header that is read, in bytes.
const LONGEST: usize = 200;

/// One side of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Its part or parts: `bridge`, `chat+presence`.
    pub part: String,
    /// Its version.
    pub version: String,
    /// The newest protocol that it speaks.
    pub protocol: u32,
    /// The oldest.
    pub oldest: u32,
}

impl Peer {
    /// This build, as this part.
    pub fn here(part: impl Into<String>) -> Self {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Self { part: part.into(), version, protocol: PROTOCOL, oldest: OLDEST }
    }

    /// As it stands in the header; `None` when the name of the part cannot stand there.
    pub fn header(&self) -> Option<HeaderValue> {
        let Self { part, version, protocol, oldest } = self;
        let older = if oldest == protocol { String::new() } else { format!("; oldest={oldest}") };
        HeaderValue::try_from(format!("{part}/{version}; protocol={protocol}{older}")).ok()
    }

    /// Who is named in these headers; `None` when nobody is. What cannot be read is a peer that fits nobody.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(PEER)?;
        let text = value.to_str().ok().filter(|text| text.len() <= LONGEST);
        Some(text.and_then(Self::read).unwrap_or_else(Self::unreadable))
    }

    fn read(text: &str) -> Option<Self> {
        let mut fields = text.split(';').map(str::trim);
        let (part, version) = fields.next()?.split_once('/')?;
        let (mut protocol, mut oldest) = (None, None);
        for field in fields {
            match field.split_once('=')? {
                ("protocol", number) => protocol = Some(number.parse().ok()?),
                ("oldest", number) => oldest = Some(number.parse().ok()?),
                // Said by newer builds to each other.
                (_, _) => {}
            }
        }
        let protocol = protocol?;
        let oldest = oldest.unwrap_or(protocol);
        (!part.is_empty() && oldest <= protocol).then(|| Self {
            part: part.to_owned(),
            version: version.to_owned(),
            protocol,
            oldest,
        })
    }

    fn unreadable() -> Self {
        Self {
            part: "a peer without a readable name".to_owned(),
            version: String::new(),
            protocol: 0,
            oldest: 0,
        }
    }

    /// Whether there is a protocol that both speak. When there is none, the error names both sides.
    pub fn fits(&self, other: &Self) -> Result<(), Misfit> {
        if self.oldest.max(other.oldest) <= self.protocol.min(other.protocol) {
            return Ok(());
        }
        Err(Misfit { here: self.clone(), there: other.clone() })
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { part, version, protocol, oldest } = self;
        write!(f, "{part}")?;
        if !version.is_empty() {
            write!(f, " {version}")?;
        }
        if oldest == protocol {
            write!(f, " (protocol {protocol})")
        } else {
            write!(f, " (protocols {oldest} to {protocol})")
        }
    }
}

/// Two peers with no protocol in common.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{here} and {there} speak no common protocol: run versions of Causeway that fit each other")]
pub struct Misfit {
    /// Whoever says so.
    pub here: Peer,
    /// The other side.
    pub there: Peer,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(http::HeaderName::from_static(PEER), HeaderValue::try_from(value).unwrap())])
    }

    #[test]
    fn a_peer_reads_what_another_has_written() {
        for (oldest, protocol) in [(1, 1), (1, 3)] {
            let peer = Peer { oldest, protocol, ..Peer::here("chat") };
            let written = peer.header().unwrap();
            assert_eq!(Peer::of(&headers(written.to_str().unwrap())), Some(peer));
        }
        assert_eq!(Peer::of(&HeaderMap::new()), None);
    }

    #[test]
    fn words_of_newer_builds_are_passed_over() {
        let peer = Peer::of(&headers("chat/9.0.0; protocol=1; colour=blue")).unwrap();
        assert_eq!(peer.version, "9.0.0");
    }

    #[test]
    fn two_fit_when_there_is_a_protocol_that_both_speak() {
        let old = Peer { oldest: 1, protocol: 1, ..Peer::here("bridge") };
        let both = Peer { oldest: 1, protocol: 2, ..Peer::here("chat") };
        let new = Peer { oldest: 2, protocol: 2, ..Peer::here("chat") };
        assert!(old.fits(&both).is_ok() && both.fits(&new).is_ok() && new.fits(&both).is_ok());
        let refused = new.fits(&old).unwrap_err().to_string();
        let version = env!("CARGO_PKG_VERSION");
        assert!(refused.contains(&format!("chat {version} (protocol 2)")), "{refused}");
        assert!(refused.contains(&format!("bridge {version} (protocol 1)")), "{refused}");
    }

    #[test]
    fn what_cannot_be_read_fits_nobody() {
        for wrong in
            ["", "chat", "chat/1", "chat/1; protocol=x", "/1; protocol=1", "chat/1; protocol=1; oldest=2"]
        {
            let peer = Peer::of(&headers(wrong)).unwrap();
            assert!(Peer::here("chat").fits(&peer).is_err(), "{wrong}");
        }
    }
}
