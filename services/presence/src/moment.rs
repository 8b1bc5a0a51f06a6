//! A point in time as the pure parts take it: they never look at a clock themselves.

use std::time::Duration;

/// Now, on both clocks: deadlines go by the one that never jumps, what people see by the wall clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    /// Since the service started.
    pub elapsed: Duration,
    /// Microseconds since the Unix epoch.
    pub micros: i64,
}
