//! What is allowed, as it is configured.

use std::time::Duration;

use causeway_config::BridgeSettings;

/// What is allowed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Caps {
    /// Sockets of all users together; 0 for any number.
    pub(crate) connections: usize,
    /// Sockets of one user; 0 for any number.
    pub(crate) connections_per_user: usize,
    /// Frames a second of one user, over all sockets; 0 for any number.
    pub(crate) frames_per_second: u32,
    /// Frames that a user who was quiet may send at once.
    pub(crate) burst: u32,
}

impl From<&BridgeSettings> for Caps {
    fn from(settings: &BridgeSettings) -> Self {
        Self {
            connections: settings.max_connections,
            connections_per_user: settings.max_connections_per_user,
            frames_per_second: settings.rate.frames_per_second,
            burst: settings.rate.burst,
        }
    }
}

impl Caps {
    /// How long an empty bucket takes to be full.
    pub(super) fn refill(self) -> Duration {
        match self.frames_per_second {
            0 => Duration::ZERO,
            frames => Duration::from_secs(1) * self.burst.max(1) / frames,
        }
    }
}
