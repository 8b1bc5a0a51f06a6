//! What can be set.

use std::time::Duration;

use causeway_link::redis::Redis;

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
    /// Where presence is kept when several processes share it; `None`: in this process.
    pub shared: Option<SharedAt>,
}

/// Where several processes share presence.
#[derive(Debug, Clone)]
pub struct SharedAt {
    /// The Redis of all of them. It must not evict keys (`maxmemory-policy noeviction`).
    pub redis: Redis,
    /// What keys begin with: processes with the same one share presence.
    pub prefix: String,
    /// How long the streams of a process count as attached after it was last heard of.
    pub lease: Duration,
    /// Users who are remembered as last seen, where Redis remembers them: where stores are files. The longest gone are forgotten.
    pub max_seen: usize,
}

impl SharedAt {
    /// With the usual lease and size.
    pub fn new(redis: Redis, prefix: impl Into<String>) -> Self {
        Self { redis, prefix: prefix.into(), lease: Duration::from_secs(10), max_seen: 500_000 }
    }
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
            shared: None,
        }
    }
}
