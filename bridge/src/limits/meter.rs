//! How many frames of a user this bridge has taken since it last said so, and how long it takes none because the user has spent
//! more on all bridges together.

use std::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering},
    time::Duration,
};

/// One for each user. Reading it costs no lock.
#[derive(Debug, Default)]
pub(super) struct Meter {
    taken: AtomicU32,
    /// In microseconds of the limits' clock.
    owed_until: AtomicU64,
}

impl Meter {
    /// How long the user still owes.
    pub(super) fn owes(&self, now: Duration) -> Option<Duration> {
        let until = Duration::from_micros(self.owed_until.load(Ordering::Relaxed));
        until.checked_sub(now).filter(|wait| !wait.is_zero())
    }

    /// From `now` the user owes this much, and no more than that.
    pub(super) fn owe(&self, now: Duration, owed: Duration) {
        let until = if owed.is_zero() { Duration::ZERO } else { now + owed };
        self.owed_until.store(u64::try_from(until.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Counts a frame; whether it is the first since the last [`Meter::read`].
    pub(super) fn count(&self) -> bool {
        self.taken.fetch_add(1, Ordering::Relaxed) == 0
    }

    /// How many there were, and begins anew.
    pub(super) fn read(&self) -> u32 {
        self.taken.swap(0, Ordering::Relaxed)
    }
}
