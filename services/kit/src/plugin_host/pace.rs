//! How many events of a plugin go into one job of the store.
//!
//! Whoever else writes waits for the job that is being carried out, and then shares a commit with the next one. So a plugin that
//! has the store to itself gets large jobs, which save most; once somebody else writes, its jobs are small, and a flood of
//! events costs it time and hardly anybody else.

use std::time::{Duration, Instant};

use super::host::Inner;
use crate::store::measure::StoreMeasure;

/// Events in one job when nobody else writes: more would save little.
pub(super) const MOST: usize = 64;

/// Events in one job when somebody does.
const FEW: usize = 8;

/// How long jobs stay small after somebody wrote.
const CONSIDERATE: Duration = Duration::from_secs(1);

/// The longest rest after a small job.
const REST: Duration = Duration::from_millis(10);

/// The pace of one attachment.
pub(super) struct Pace {
    store: StoreMeasure,
    /// Jobs of the store when it was looked at last.
    seen: u64,
    /// Jobs of this attachment since.
    own: u64,
    /// When somebody else was noticed last.
    others: Option<Instant>,
}

impl Pace {
    /// Of an attachment that begins now.
    pub(super) fn new(host: &Inner) -> Self {
        let store = host.store.metrics().stores.of(host.service);
        Self { seen: store.jobs(), store, own: 0, others: None }
    }

    /// A job of this attachment was carried out; whether it was committed.
    pub(super) fn did(&mut self, committed: bool) {
        self.own += u64::from(committed);
    }

    /// How many events the next job may take.
    pub(super) fn batch(&self) -> usize {
        if self.others.is_none() { MOST } else { FEW }
    }

    /// Looks who else wrote; how long to leave the store to them after jobs that took so long.
    pub(super) fn rest(&mut self, now: Instant, took: Duration) -> Duration {
        let jobs = self.store.jobs();
        if jobs.saturating_sub(self.seen) > self.own {
            self.others = Some(now);
        }
        (self.seen, self.own) = (jobs, 0);
        self.others = self.others.filter(|at| now.duration_since(*at) <= CONSIDERATE);
        if self.others.is_none() { Duration::ZERO } else { took.min(REST) }
    }
}
