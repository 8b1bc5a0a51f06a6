//! How fast a plugin's events are taken.
//!
//! Whoever else writes waits for the job of the store that is being carried out, and then shares a commit with the next one. So a
//! plugin that has the store to itself gets large jobs, which save most; once somebody waits for a write of his own, jobs of
//! events are small, with a rest after each, and a flood of events costs the plugin time and hardly anybody else.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Events in one job when nobody else writes: more would save little.
pub(super) const MOST: usize = 64;

/// Events in one job when somebody does.
const FEW: usize = 8;

/// How long plugins are considerate after somebody wrote.
const CONSIDERATE: Duration = Duration::from_secs(1);

/// The longest rest after a small job.
const REST: Duration = Duration::from_millis(10);

/// When somebody wrote for whom plugins make way. All attachments of a host share it.
#[derive(Debug, Default)]
pub(super) struct Pace(Mutex<Option<Instant>>);

impl Pace {
    /// Somebody writes and waits for it.
    pub(super) fn make_way(&self, now: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
    }

    /// How many events the next job may take.
    pub(super) fn batch(&self, now: Instant) -> usize {
        if self.is_shared(now) { FEW } else { MOST }
    }

    /// How long to leave the store to others after a job that took so long.
    pub(super) fn rest(&self, now: Instant, took: Duration) -> Duration {
        if self.is_shared(now) { took.min(REST) } else { Duration::ZERO }
    }

    fn is_shared(&self, now: Instant) -> bool {
        let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.is_some_and(|at| now.saturating_duration_since(at) <= CONSIDERATE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugin_that_is_alone_takes_large_jobs_and_no_rest() {
        let (pace, now) = (Pace::default(), Instant::now());
        assert_eq!(pace.batch(now), MOST);
        assert_eq!(pace.rest(now, Duration::from_millis(5)), Duration::ZERO);
    }

    #[test]
    fn a_plugin_makes_way_for_a_while_after_somebody_wrote() {
        let (pace, now) = (Pace::default(), Instant::now());
        pace.make_way(now);
        let soon = now + CONSIDERATE;
        assert_eq!(pace.batch(soon), FEW);
        assert_eq!(pace.rest(soon, Duration::from_millis(5)), Duration::from_millis(5));
        assert_eq!(pace.rest(soon, Duration::from_secs(5)), REST);
        let later = soon + Duration::from_millis(1);
        assert_eq!(pace.batch(later), MOST);
    }
}
