//! What can be set.

use std::time::Duration;

/// Settings of the notification service.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long events stay in the log. Notifications themselves stay.
    pub retain: Duration,
    /// How long an idempotency key is remembered.
    pub idempotency: Duration,
    /// Recipients of a bulk message who are notified in one transaction.
    pub bulk_group: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            retain: Duration::from_secs(7 * 24 * 60 * 60),
            idempotency: Duration::from_secs(24 * 60 * 60),
            bulk_group: 100,
        }
    }
}
