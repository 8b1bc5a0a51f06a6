//! Who is online: a pure state machine over what the bridges report. Time is an argument, and what follows
//! from a report comes back as [`Change`]s.
//!
//! A user is online while a session is open and for `offline_after` after the last one; a session is open
//! until it is reported closed, or its stream ended and the bridge did not report it again within
//! `orphan_grace`.
//!
//! Users and conversations are kept by the UUID that stands for their id, so that any form of an id finds
//! them.

mod bridge;
mod report;
mod roster;

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use causeway_proto::{
    id,
    presence::{PresenceStatus, SessionOpened, UserPresence},
    time::from_micros,
};
use uuid::Uuid;

pub(crate) use self::report::{Change, Refused, Remembered, Report, Stream};
use self::{
    bridge::{Bridge, Session},
    roster::Roster,
};
use crate::{moment::Moment, settings::Settings};

/// The whole state.
#[derive(Debug)]
pub(crate) struct Ledger {
    settings: Settings,
    bridges: HashMap<Arc<str>, Bridge>,
    users: HashMap<Uuid, User>,
    roster: Roster,
    /// When users without a session go offline.
    leaving: BTreeSet<(Duration, Uuid)>,
    streams: u64,
}

#[derive(Debug)]
struct User {
    id: String,
    name: String,
    sessions: usize,
    /// The latest end of a session, in microseconds since the Unix epoch.
    last_seen: i64,
    /// Set while there is no session.
    offline_at: Option<Duration>,
}

impl Ledger {
    /// Nobody is online.
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            settings,
            bridges: HashMap::new(),
            users: HashMap::new(),
            roster: Roster::default(),
            leaving: BTreeSet::new(),
            streams: 0,
        }
    }

    /// Counts users as online until the bridges had time to attach and report them again.
    pub(crate) fn restore(&mut self, remembered: Vec<Remembered>, now: Moment) {
        let offline_at = now.elapsed + self.settings.orphan_grace + self.settings.offline_after;
        for Remembered { user_id: id, display_name: name, last_seen } in remembered {
            let key = id::to_uuid(&id);
            let user = User { id, name, sessions: 0, last_seen, offline_at: Some(offline_at) };
            self.users.insert(key, user);
            self.leaving.insert((offline_at, key));
        }
    }

    /// A bridge attaches. `None` when there are too many.
    pub(crate) fn attach(&mut self, bridge_id: &str, now: Moment) -> Option<Stream> {
        let bridge: Arc<str> = bridge_id.into();
        if self.bridges.len() >= self.settings.max_bridges && !self.bridges.contains_key(&bridge) {
            return None;
        }
        self.streams += 1;
        let number = self.streams;
        self.bridges.entry(Arc::clone(&bridge)).or_default().attach(number, now);
        Some(Stream { bridge, number })
    }

    /// A bridge reports. A session that is not known, or known already, changes nothing.
    pub(crate) fn apply(
        &mut self,
        stream: &Stream,
        report: Report,
        now: Moment,
    ) -> Result<Vec<Change>, Refused> {
        let limit = self.settings.max_sessions_per_bridge;
        let bridge = self.attached(stream).ok_or(Refused::Superseded)?;
        match report {
            Report::Opened(opened) if bridge.is_full_for(&opened.session_id, limit) => Err(Refused::Full),
            Report::Opened(opened) => Ok(self.open(stream, opened, now)),
            Report::Closed(closed) => {
                let session = bridge.close(&closed.session_id);
                Ok(session.and_then(|session| self.close(session, now)).into_iter().collect())
            }
            Report::Synced => {
                let orphans = bridge.take_unreported();
                Ok(orphans
                    .into_iter()
                    .filter_map(|(session, end)| self.close(session, Moment { micros: end.micros, ..now }))
                    .collect())
            }
        }
    }

    /// A stream has ended. Its sessions count on for a while.
    pub(crate) fn lose(&mut self, stream: &Stream, now: Moment) {
        if let Some(bridge) = self.attached(stream) {
            bridge.end(now);
        }
    }

    /// What time alone has changed. The later it is called the later it tells, but what it tells is the same.
    pub(crate) fn expire(&mut self, now: Moment) -> Vec<Change> {
        let mut changes = self.drop_orphans(now);
        while let Some((offline_at, user)) = self.leaving.first().copied()
            && offline_at <= now.elapsed
        {
            self.leaving.pop_first();
            let Some(user) = self.users.remove(&user) else { continue };
            changes.push(Change::Offline(UserPresence {
                user_id: user.id,
                display_name: user.name,
                status: PresenceStatus::Offline.into(),
                last_seen: Some(from_micros(user.last_seen)),
                sessions: 0,
            }));
        }
        changes
    }

    /// When to call [`Ledger::expire`] next.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        let orphans = self.bridges.values().filter_map(Bridge::first_end).min();
        let orphans = orphans.map(|end| end + self.settings.orphan_grace);
        let leaving = self.leaving.first().map(|(at, _)| *at);
        orphans.into_iter().chain(leaving).min()
    }

    /// Presence of a user who is online; `None` for any other.
    pub(crate) fn presence(&self, user: Uuid, now: Moment) -> Option<UserPresence> {
        self.users.get(&user).map(|user| user.online(now))
    }

    /// Ids of the users with a socket on the conversation, sorted.
    pub(crate) fn present(&self, conversation: Uuid) -> Vec<String> {
        let users = self.roster.users(conversation).filter_map(|user| self.user_id(user));
        let mut ids: Vec<String> = users.map(str::to_owned).collect();
        ids.sort_unstable();
        ids
    }

    /// Canonical id of a user who is online.
    pub(crate) fn user_id(&self, user: Uuid) -> Option<&str> {
        self.users.get(&user).map(|user| user.id.as_str())
    }

    /// Canonical id of a conversation with a socket on it.
    pub(crate) fn conversation_id(&self, conversation: Uuid) -> Option<&str> {
        self.roster.id(conversation)
    }

    /// How many users are online.
    pub(crate) fn user_count(&self) -> usize {
        self.users.len()
    }

    /// How many bridges are attached, or were until lately.
    pub(crate) fn bridge_count(&self) -> usize {
        self.bridges.len()
    }

    /// How many sessions are open.
    pub(crate) fn session_count(&self) -> usize {
        self.bridges.values().map(Bridge::session_count).sum()
    }

    fn attached(&mut self, stream: &Stream) -> Option<&mut Bridge> {
        self.bridges.get_mut(&stream.bridge).filter(|bridge| bridge.is_attached(stream.number))
    }

    fn open(&mut self, stream: &Stream, opened: SessionOpened, now: Moment) -> Vec<Change> {
        let SessionOpened { session_id, user_id, display_name, conversation_id } = opened;
        let user = id::to_uuid(&user_id);
        // The new one is counted before the one that it replaces is not, so that nobody seems to leave.
        let online = self.arrive(user, user_id, display_name, now);
        let joins = !conversation_id.is_empty();
        let conversation = joins.then(|| self.roster.join(conversation_id, user));
        let session = Session { stream: stream.number, user, conversation };
        let replaced = self.attached(stream).and_then(|bridge| bridge.open(session_id, session));
        let left = replaced.and_then(|session| self.close(session, now));
        online.into_iter().chain(left).collect()
    }

    fn arrive(&mut self, key: Uuid, id: String, name: String, now: Moment) -> Option<Change> {
        if let Some(user) = self.users.get_mut(&key) {
            user.name = name;
            user.sessions += 1;
            if let Some(offline_at) = user.offline_at.take() {
                self.leaving.remove(&(offline_at, key));
            }
            return None;
        }
        let user = User { id, name, sessions: 1, last_seen: now.micros, offline_at: None };
        let presence = user.online(now);
        self.users.insert(key, user);
        Some(Change::Online(presence))
    }

    /// `now` says when the session stopped counting, and when its user was last seen.
    fn close(&mut self, session: Session, now: Moment) -> Option<Change> {
        let Session { user: key, conversation, .. } = session;
        if let Some(user) = self.users.get_mut(&key) {
            user.sessions = user.sessions.saturating_sub(1);
            user.last_seen = user.last_seen.max(now.micros);
            if user.sessions == 0 {
                let offline_at = now.elapsed + self.settings.offline_after;
                user.offline_at = Some(offline_at);
                self.leaving.insert((offline_at, key));
            }
        }
        let conversation = conversation?;
        self.roster.leave(conversation, key).then_some(Change::Left { conversation, user: key })
    }

    fn drop_orphans(&mut self, now: Moment) -> Vec<Change> {
        let grace = self.settings.orphan_grace;
        let Some(limit) = now.elapsed.checked_sub(grace) else { return Vec::new() };
        let mut orphans: Vec<_> =
            self.bridges.values_mut().flat_map(|bridge| bridge.take_overdue(limit)).collect();
        self.bridges.retain(|_, bridge| !bridge.is_gone());
        // In the order in which they were due: the last one decides when its user goes offline.
        orphans.sort_by_key(|(_, end)| end.elapsed);
        orphans
            .into_iter()
            .filter_map(|(session, end)| {
                self.close(session, Moment { elapsed: end.elapsed + grace, micros: end.micros })
            })
            .collect()
    }
}

impl User {
    fn online(&self, now: Moment) -> UserPresence {
        UserPresence {
            user_id: self.id.clone(),
            display_name: self.name.clone(),
            status: PresenceStatus::Online.into(),
            last_seen: Some(from_micros(now.micros)),
            sessions: u32::try_from(self.sessions).unwrap_or(u32::MAX),
        }
    }
}

#[cfg(test)]
mod properties;
