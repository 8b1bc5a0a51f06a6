//! How long a client has spoken over its limit.

use std::time::Duration;

use tokio::time::Instant;

/// Abuse that goes on for this long closes the socket.
const PATIENCE: Duration = Duration::from_secs(5);

/// A pause in abuse of this length breaks it.
const PAUSE: Duration = Duration::from_secs(1);

/// How long frames have come over the limit without a pause.
#[derive(Debug, Default)]
pub(crate) struct Abuse(Option<Streak>);

#[derive(Debug, Clone, Copy)]
struct Streak {
    since: Instant,
    last: Instant,
}

impl Abuse {
    /// Notes a frame over the limit; true when it has gone on for too long.
    pub(crate) fn rejected(&mut self, now: Instant) -> bool {
        let streak = match self.0 {
            Some(streak) if now.saturating_duration_since(streak.last) < PAUSE => {
                Streak { last: now, ..streak }
            }
            _ => Streak { since: now, last: now },
        };
        self.0 = Some(streak);
        now.saturating_duration_since(streak.since) >= PATIENCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_seconds_without_a_pause_are_too_long() {
        let start = Instant::now();
        let mut abuse = Abuse::default();
        let mut at = Duration::ZERO;
        while at < PATIENCE {
            assert!(!abuse.rejected(start + at), "{at:?}");
            at += Duration::from_millis(500);
        }
        assert!(abuse.rejected(start + at));
    }

    #[test]
    fn a_pause_starts_it_over() {
        let start = Instant::now();
        let mut abuse = Abuse::default();
        for second in 0..20 {
            assert!(!abuse.rejected(start + Duration::from_millis(second * 1_001)));
        }
    }
}
