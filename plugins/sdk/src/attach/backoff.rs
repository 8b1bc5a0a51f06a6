//! Pauses between attempts to attach: growing, random, and short again after something lasted.

use std::time::Duration;

const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(10);

/// The longest pause after a host that welcomed the plugin before it was lost.
const LONGEST_AFTER_WELCOME: Duration = Duration::from_secs(1);

/// An attachment that lasted for this long was good.
const GOOD: Duration = Duration::from_secs(5);

/// The pause to come, before it is shortened at random.
#[derive(Debug)]
pub(super) struct Backoff(Duration);

impl Default for Backoff {
    fn default() -> Self {
        Self(SHORTEST)
    }
}

impl Backoff {
    /// The pause after an attachment that lasted for so long; `None` when there was no Welcome.
    pub(super) fn after(&mut self, lasted: Option<Duration>) -> Duration {
        match lasted {
            Some(lasted) if lasted >= GOOD => self.0 = SHORTEST,
            Some(_) => self.0 = self.0.min(LONGEST_AFTER_WELCOME),
            None => {}
        }
        let pause = self.0.mul_f64(rand::random_range(0.5..1.0));
        self.0 = (self.0 * 2).min(LONGEST);
        pause
    }
}

/// A pause that the host asked for, a little longer at random, so that not all come back at once.
pub(super) fn asked_for(pause: Duration) -> Duration {
    pause.mul_f64(rand::random_range(1.0..1.2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit_and_are_short_after_something_good() {
        let mut backoff = Backoff::default();
        let pauses: Vec<_> = (0..12).map(|_| backoff.after(None)).collect();
        assert!(pauses[0] <= SHORTEST);
        assert!(pauses.iter().all(|pause| *pause <= LONGEST));
        assert!(pauses[11] >= LONGEST / 2);
        assert!(backoff.after(Some(Duration::ZERO)) <= LONGEST_AFTER_WELCOME);
        assert!(backoff.after(Some(GOOD)) <= SHORTEST);
    }

    #[test]
    fn a_host_is_not_asked_again_before_the_time_that_it_named() {
        let named = Duration::from_secs(3);
        assert!((0..100).all(|_| asked_for(named) >= named && asked_for(named) < named * 2));
    }
}
