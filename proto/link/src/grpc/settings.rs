//! How clients treat the endpoints of a service.

use std::time::Duration;

/// What a client does when endpoints are slow, sick or gone. `[services.client]` of the configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Deadline of a single call whose caller names none.
    pub timeout: Duration,
    /// How often a call is made at most, the first time included.
    pub attempts: u32,
    /// How many calls may be made again, as a share of all.
    pub retry_ratio: f64,
    /// How many may be made again at once, beyond that share.
    pub retry_burst: u32,
    /// How often each endpoint is asked whether it is well.
    pub health_interval: Duration,
    /// How often a `dns:///` name is resolved again.
    pub dns_interval: Duration,
    /// After so many failures in a row an endpoint is left out…
    pub eject_after: u32,
    /// … for so long the first time, and longer each time…
    pub eject_for: Duration,
    /// … but no longer than this.
    pub eject_at_most: Duration,
    /// With fewer calls than this in [`Settings::breaker_window`], the breaker stays closed.
    pub breaker_calls: u32,
    /// How far back the breaker looks.
    pub breaker_window: Duration,
    /// How long an open breaker answers by itself before it lets a few calls through.
    pub breaker_pause: Duration,
    /// By how much a service's clock may differ from ours.
    pub max_clock_skew: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            attempts: 3,
            retry_ratio: 0.2,
            retry_burst: 100,
            health_interval: Duration::from_secs(2),
            dns_interval: Duration::from_secs(5),
            eject_after: 5,
            eject_for: Duration::from_secs(2),
            eject_at_most: Duration::from_secs(60),
            breaker_calls: 20,
            breaker_window: Duration::from_secs(5),
            breaker_pause: Duration::from_secs(1),
            max_clock_skew: Duration::from_secs(5),
        }
    }
}
