//! How long to wait before the next attempt: longer each time, and never the same for all.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(50);
const LAST: Duration = Duration::from_secs(1);

/// The pauses between attempts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// The next pause: between half and all of what has doubled since 50 ms, at most 1 s.
    pub fn pause(&mut self) -> Duration {
        let most = FIRST.saturating_mul(1 << self.attempts.min(10)).min(LAST);
        self.attempts = self.attempts.saturating_add(1);
        most.mul_f64(rand::random_range(0.5..1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_second_and_no_further() {
        let mut backoff = Backoff::default();
        let pauses: Vec<_> = (0..20).map(|_| backoff.pause()).collect();
        assert!(pauses[0] >= FIRST / 2 && pauses[0] <= FIRST);
        assert!(pauses.iter().all(|pause| *pause <= LAST));
        assert!(pauses[19] >= LAST / 2);
    }
}
