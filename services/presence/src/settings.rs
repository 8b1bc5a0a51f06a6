//! What can be set.

use std::time::Duration;

/// Settings of the presence service.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long after the last socket is gone a user goes offline: longer than a page takes to reload.
    pub offline_after: Duration,
    /// How long typing lasts that is not renewed.
    pub typing_timeout: Duration,
    /// How long the sessions of a bridge count as open after its stream ended.
    pub orphan_grace: Duration,
    /// Bridges at the same time, those included whose stream ended within `orphan_grace`. More are refused.
    pub max_bridges: usize,
    /// Sessions of one bridge. More are not counted.
    pub max_sessions_per_bridge: usize,
    /// Users typing at the same time, in all conversations. More are refused.
    pub max_typing: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            offline_after: Duration::from_secs(5),
            typing_timeout: Duration::from_secs(6),
            orphan_grace: Duration::from_secs(10),
            max_bridges: 256,
            max_sessions_per_bridge: 100_000,
            max_typing: 50_000,
        }
    }
}
