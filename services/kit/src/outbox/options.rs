//! How an outbox is worked off.

use std::time::Duration;

use rand::Rng;

/// How an outbox is worked off.
#[derive(Debug, Clone)]
pub struct Options {
    /// At most this many items are given to the handler at once.
    pub batch: usize,
    /// The wait after the first failed attempt; it doubles with each, up to `longest`.
    pub first: Duration,
    /// The longest wait between attempts, unless the handler says its own.
    pub longest: Duration,
    /// An item is given up after this many attempts; `None`: never.
    pub attempts: Option<u32>,
    /// How long to wait for more once something is owed: a commit for each item would be as much work for the disk again
    /// as what caused it.
    pub gather: Duration,
    /// How long a batch that is in hand may go on after the stop.
    pub grace: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            batch: 256,
            first: Duration::from_millis(500),
            longest: Duration::from_secs(60),
            attempts: None,
            gather: Duration::from_millis(50),
            grace: Duration::from_secs(5),
        }
    }
}

impl Options {
    /// The wait after `attempts` earlier ones: between half and all of what doubling gives, so that what failed together
    /// does not come again together.
    pub(crate) fn backoff(&self, attempts: u32) -> Duration {
        let doubled = self.first.saturating_mul(1_u32.checked_shl(attempts).unwrap_or(u32::MAX));
        doubled.min(self.longest).mul_f64(rand::rng().random_range(0.5..=1.0))
    }
}
