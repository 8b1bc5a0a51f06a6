//! Waits that double, up to a limit: for a provider that is away.

use std::time::Duration;

use rand::Rng;

/// How long to wait after the next failure.
#[derive(Debug)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    failures: u32,
}

impl Backoff {
    /// The first wait, and the longest but for what is added at random.
    pub fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest: longest.max(first), failures: 0 }
    }

    /// It works again.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// It failed: how long to wait, up to a half longer than it should be, so that not all come back at once.
    #[expect(clippy::should_implement_trait, reason = "it is no iterator: it can begin anew")]
    pub fn next(&mut self) -> Duration {
        let wait = self.first.saturating_mul(1 << self.failures.min(20)).min(self.longest);
        self.failures = self.failures.saturating_add(1);
        wait.mul_f64(rand::rng().random_range(1.0..1.5))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_limit() {
        let second = Duration::from_secs(1);
        let mut backoff = Backoff::new(second, 60 * second);
        for expected in [1, 2, 4, 8, 16, 32, 60, 60] {
            let wait = backoff.next();
            assert!((expected * second..=expected * second * 3 / 2).contains(&wait), "{expected}: {wait:?}");
        }
        backoff.reset();
        assert!(backoff.next() < 2 * second);
        for _ in 0..100 {
            assert!(backoff.next() <= 90 * second);
        }
    }
}
