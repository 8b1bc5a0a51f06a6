//! Whether the clock of this machine is right, as the database's has it.

use std::time::Duration;

use causeway_proto::time::Clock;
use prometheus_client::metrics::gauge::Gauge;

/// By how much the clocks may differ before a person is told.
const TOLERANCE: Duration = Duration::from_secs(2);

/// By how much the machine's clock is wrong.
pub(super) struct Skew {
    pub(super) store: &'static str,
    /// In milliseconds; positive when the machine is behind.
    pub(super) gauge: Gauge,
    pub(super) was_told: bool,
}

impl Skew {
    /// Has the clock follow the database's, and tells a person when the machine's own is wrong, once until it is right again.
    pub(super) fn look(&mut self, clock: &Clock, database: i64) {
        let behind = clock.follow(database);
        self.gauge.set(behind / 1_000);
        let seconds = behind as f64 / 1e6;
        let is_wrong = behind.unsigned_abs() > u64::try_from(TOLERANCE.as_micros()).unwrap_or(u64::MAX);
        if is_wrong && !self.was_told {
            tracing::warn!(
                store = self.store,
                "the clock of this machine is {:.1} s {} the database's, which is taken for right: set the machine's",
                seconds.abs(),
                if behind > 0 { "behind" } else { "ahead of" },
            );
        }
        self.was_told = is_wrong;
    }
}
