//! Pauses between attempts to reach a service: growing, random, and short again after something lasted.

use std::time::Duration;

use tonic::Status;
use tonic_types::StatusExt;

const SHORTEST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(1);

/// A service that goes away in order asks to go on elsewhere at once. One that does so again and again is not believed.
const HANDED_OVER: Duration = Duration::from_secs(1);

/// What lasted for this long was good.
const GOOD: Duration = Duration::from_secs(10);

/// The pause to come, before it is shortened at random.
#[derive(Debug)]
pub(crate) struct Backoff(Duration);

impl Default for Backoff {
    fn default() -> Self {
        Self(SHORTEST)
    }
}

impl Backoff {
    /// The pause after a stream that held for `lasted` and ended so.
    pub(crate) fn after_stream(&mut self, lasted: Duration, end: &Status) -> Duration {
        let asked = end.get_details_retry_info().and_then(|info| info.retry_delay);
        if asked == Some(Duration::ZERO) && lasted >= HANDED_OVER {
            self.0 = SHORTEST;
            return Duration::ZERO;
        }
        self.after(lasted)
    }

    /// The pause after something that held for `lasted`.
    pub(crate) fn after(&mut self, lasted: Duration) -> Duration {
        if lasted >= GOOD {
            self.0 = SHORTEST;
        }
        let pause = self.0.mul_f64(rand::random_range(0.5..1.0));
        self.0 = (self.0 * 2).min(LONGEST);
        pause
    }
}

#[cfg(test)]
mod tests {
    use tonic::Code;
    use tonic_types::ErrorDetails;

    use super::*;

    #[test]
    fn what_is_handed_over_goes_on_at_once_unless_it_was_only_just_opened() {
        let at_once = ErrorDetails::with_retry_info(Some(Duration::ZERO));
        let handed_over = Status::with_error_details(Code::Unavailable, "the server stops", at_once);
        let (mut backoff, lasted) = (Backoff::default(), Duration::from_secs(2));
        assert_eq!(backoff.after_stream(lasted, &handed_over), Duration::ZERO);
        assert!(backoff.after_stream(Duration::ZERO, &handed_over) > Duration::ZERO);
        assert!(backoff.after_stream(lasted, &Status::unavailable("lost")) > Duration::ZERO);
    }

    #[test]
    fn pauses_grow_to_a_limit_and_are_short_after_something_good() {
        let mut backoff = Backoff::default();
        let pauses: Vec<_> = (0..12).map(|_| backoff.after(Duration::ZERO)).collect();
        assert!(pauses[0] <= SHORTEST);
        assert!(pauses.iter().all(|pause| *pause <= LONGEST));
        assert!(pauses[11] >= LONGEST / 2);
        assert!(backoff.after(GOOD) <= SHORTEST);
    }
}
