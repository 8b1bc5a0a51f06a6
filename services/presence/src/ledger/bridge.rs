//! The sessions of one bridge, over the streams that it reports them on.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use uuid::Uuid;

use crate::moment::Moment;

/// One socket of a user.
#[derive(Debug)]
pub(super) struct Session {
    /// The stream that last reported it.
    pub stream: u64,
    pub user: Uuid,
    pub conversation: Option<Uuid>,
}

/// A session that is gone without a report, and when its stream ended.
pub(super) type Orphan = (Session, Moment);

/// A bridge: the stream that it is attached with, and those that ended but whose sessions still count.
#[derive(Debug, Default)]
pub(super) struct Bridge {
    attached: Option<u64>,
    ended: VecDeque<(u64, Moment)>,
    sessions: HashMap<String, Session>,
}

impl Bridge {
    /// Goes on with a new stream. One that is still there has lost its place: its peer is likely gone.
    pub(super) fn attach(&mut self, stream: u64, now: Moment) {
        self.end(now);
        self.attached = Some(stream);
    }

    /// Whether `stream` is the one that may report.
    pub(super) fn is_attached(&self, stream: u64) -> bool {
        self.attached == Some(stream)
    }

    /// The stream has ended; its sessions wait for the bridge to come back.
    pub(super) fn end(&mut self, now: Moment) {
        if let Some(stream) = self.attached.take() {
            self.ended.push_back((stream, now));
        }
    }

    /// Whether nothing is left to remember.
    pub(super) fn is_gone(&self) -> bool {
        self.attached.is_none() && self.ended.is_empty()
    }

    /// Whether a session of this id would be one too many.
    pub(super) fn is_full_for(&self, session_id: &str, limit: usize) -> bool {
        self.sessions.len() >= limit && !self.sessions.contains_key(session_id)
    }

    /// Adds a session, and gives back the one that had its id.
    pub(super) fn open(&mut self, session_id: String, session: Session) -> Option<Session> {
        self.sessions.insert(session_id, session)
    }

    pub(super) fn close(&mut self, session_id: &str) -> Option<Session> {
        self.sessions.remove(session_id)
    }

    /// Takes out what earlier streams reported and the attached one did not.
    pub(super) fn take_unreported(&mut self) -> Vec<Orphan> {
        let ended = std::mem::take(&mut self.ended);
        ended.into_iter().flat_map(|end| self.take_orphans(end)).collect()
    }

    /// Takes out what streams reported that ended at `limit` or before.
    pub(super) fn take_overdue(&mut self, limit: Duration) -> Vec<Orphan> {
        let mut orphans = Vec::new();
        while let Some(end) = self.ended.pop_front_if(|(_, at)| at.elapsed <= limit) {
            orphans.extend(self.take_orphans(end));
        }
        orphans
    }

    /// When the earliest of the ended streams did.
    pub(super) fn first_end(&self) -> Option<Duration> {
        self.ended.front().map(|(_, at)| at.elapsed)
    }

    pub(super) fn session_count(&self) -> usize {
        self.sessions.len()
    }

    fn take_orphans(&mut self, (stream, at): (u64, Moment)) -> Vec<Orphan> {
        self.sessions
            .extract_if(|_, session| session.stream == stream)
            .map(|(_, session)| (session, at))
            .collect()
    }
}
