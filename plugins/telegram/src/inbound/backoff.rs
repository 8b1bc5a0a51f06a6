//! How long to wait while something goes wrong.

use std::time::Duration;

use rand::Rng;

/// Waits that grow while something goes wrong, each a little different, so that many do not come back at once.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(500);
    const LONGEST: Duration = Duration::from_secs(30);

    /// It went well.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// It went wrong: how long to wait.
    pub(super) fn next(&mut self) -> Duration {
        let longest = (Self::FIRST * (1 << self.failures.min(10))).min(Self::LONGEST);
        self.failures = self.failures.saturating_add(1);
        longest.mul_f64(rand::rng().random_range(0.5..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_a_bound() {
        let mut backoff = Backoff::default();
        let waits: Vec<Duration> = (0..50).map(|_| backoff.next()).collect();
        assert!(waits[0] <= Backoff::FIRST && waits[0] >= Backoff::FIRST / 2);
        assert!(waits[49] <= Backoff::LONGEST && waits[49] >= Backoff::LONGEST / 2);
        backoff.reset();
        assert!(backoff.next() <= Backoff::FIRST);
    }
}
