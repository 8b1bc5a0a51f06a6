//! What the jobs of one group leave behind for after the commit.

use std::{collections::HashMap, sync::Arc};

use super::log::Head;
use crate::bus::Envelope;

/// The state that outlives a job but not, except for its counters, the group.
pub(super) struct Batch {
    /// Microseconds since the epoch, the same for the whole group.
    pub(super) now: i64,
    /// Position of the next event in the log. Taken back positions leave gaps, which nobody minds.
    pub(super) position: i64,
    /// Where the logs end that the group has put events into, so that each is asked for once.
    pub(super) heads: HashMap<String, Head>,
    /// Events to publish after the commit, in the order of the log.
    pub(super) events: Vec<Arc<Envelope>>,
    /// Whether something was put into the outbox.
    pub(super) owed: bool,
}

impl Batch {
    /// For a log whose last position is `position`.
    pub(super) fn after(position: i64) -> Self {
        Self { now: 0, position: position + 1, heads: HashMap::new(), events: Vec::new(), owed: false }
    }

    /// Starts a group at `now`, which never goes backwards, behind what others have put into the log.
    pub(super) fn begin(&mut self, now: i64, position: Option<i64>) {
        self.now = self.now.max(now);
        if let Some(position) = position {
            self.position = position + 1;
        }
        self.take_back(0);
        self.owed = false;
    }

    /// Forgets all events but the first `kept`.
    pub(super) fn take_back(&mut self, kept: usize) {
        self.heads.clear();
        self.events.truncate(kept);
    }

    /// The position for an event.
    pub(super) fn take_position(&mut self) -> i64 {
        let position = self.position;
        self.position += 1;
        position
    }
}
