//! One stream as its process remembers it: enough to write it anew when Redis has lost it.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use causeway_proto::presence::SessionOpened;
use tokio::time::Instant;

/// Sessions that are remembered beyond their end.
const MAX_ENDED: usize = 10_000;

/// A stream that is attached to this process, or was until lately.
#[derive(Debug)]
pub(super) struct Desk {
    /// The bridge.
    pub bridge: Arc<str>,
    /// Locked while reports are on their way to Redis, so that they arrive in their order.
    pub held: tokio::sync::Mutex<Held>,
    known_as: Mutex<KnownAs>,
    stale: AtomicBool,
    superseded: AtomicBool,
    sessions: AtomicUsize,
}

/// How Redis knows a stream.
#[derive(Debug, Clone, Default)]
pub(super) struct KnownAs {
    /// Its name, which is a new one whenever it is written anew; nothing before Redis has answered for the first time.
    pub stream: String,
    /// When it attached, as each partition says.
    pub since: Vec<String>,
    /// The epoch of each partition that has all that is held.
    pub epochs: Vec<String>,
    /// When it ended.
    pub lost: Option<Instant>,
}

/// What is remembered of a stream.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// Whether the bridge has reported all it has.
    pub is_synced: bool,
    sessions: HashMap<String, Session>,
    ended: VecDeque<(Instant, SessionOpened)>,
}

/// An open session.
#[derive(Debug, Clone)]
pub(super) struct Session {
    pub opened: SessionOpened,
    /// Whether Redis has had it, so that what follows from it was told.
    pub was_written: bool,
}

impl Desk {
    /// A stream that Redis does not know of.
    pub(super) fn new(bridge: Arc<str>, partitions: usize) -> Self {
        let nothing = vec![String::new(); partitions];
        let known_as = KnownAs { since: nothing.clone(), epochs: nothing, ..KnownAs::default() };
        Self {
            bridge,
            held: tokio::sync::Mutex::default(),
            known_as: Mutex::new(known_as),
            stale: AtomicBool::new(true),
            superseded: AtomicBool::default(),
            sessions: AtomicUsize::default(),
        }
    }

    /// How Redis knows it.
    pub(super) fn known_as(&self) -> MutexGuard<'_, KnownAs> {
        self.known_as.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether Redis does not have what is held here.
    pub(super) fn is_stale(&self) -> bool {
        self.stale.load(Ordering::SeqCst)
    }

    pub(super) fn set_stale(&self, stale: bool) {
        self.stale.store(stale, Ordering::SeqCst);
    }

    /// Whether the bridge has attached with another stream.
    pub(super) fn is_superseded(&self) -> bool {
        self.superseded.load(Ordering::SeqCst)
    }

    pub(super) fn supersede(&self) {
        self.superseded.store(true, Ordering::SeqCst);
    }

    /// How many sessions it has.
    pub(super) fn session_count(&self) -> usize {
        self.sessions.load(Ordering::Relaxed)
    }

    /// Notes how many sessions it has.
    pub(super) fn count(&self, held: &Held) {
        self.sessions.store(held.sessions.len(), Ordering::Relaxed);
    }
}

impl Held {
    /// Whether a session of this id would be one too many.
    pub(super) fn is_full_for(&self, session_id: &str, limit: usize) -> bool {
        self.sessions.len() >= limit && !self.sessions.contains_key(session_id)
    }

    /// Adds a session, and gives back the one that had its id.
    pub(super) fn open(&mut self, opened: SessionOpened) -> Option<Session> {
        let session_id = opened.session_id.clone();
        self.sessions.insert(session_id, Session { opened, was_written: false })
    }

    /// Takes a session out. It is remembered, and those that ended before `settled` are not any more.
    pub(super) fn close(&mut self, session_id: &str, settled: Instant) -> Option<Session> {
        let session = self.sessions.remove(session_id)?;
        while self.ended.len() >= MAX_ENDED || self.ended.front().is_some_and(|(at, _)| *at < settled) {
            self.ended.pop_front();
        }
        if session.was_written {
            self.ended.push_back((Instant::now(), session.opened.clone()));
        }
        Some(session)
    }

    /// Redis did not take the session.
    pub(super) fn refuse(&mut self, session_id: &str) {
        self.sessions.remove(session_id);
    }

    /// Redis has the session.
    pub(super) fn written(&mut self, session_id: &str) {
        if let Some(session) = self.sessions.get_mut(session_id) {
            session.was_written = true;
        }
    }

    /// All that are open.
    pub(super) fn sessions(&self) -> impl Iterator<Item = &Session> {
        self.sessions.values()
    }

    /// Sessions that ended after `settled`.
    pub(super) fn ended_after(&self, settled: Instant) -> impl Iterator<Item = &SessionOpened> {
        let ended = self.ended.iter().filter(move |(at, _)| *at >= settled);
        ended.map(|(_, opened)| opened)
    }
}
