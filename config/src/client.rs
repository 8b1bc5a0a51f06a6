//! `[services.client]`: how clients of the services treat their endpoints.

use std::time::Duration;

use serde::Deserialize;

use crate::{
    section::{Invalid, Section, between},
    value,
};

/// What a client does when endpoints are slow, sick or gone.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientSettings {
    /// Deadline of a call whose caller sets none.
    #[serde(deserialize_with = "value::duration")]
    pub timeout: Duration,
    /// How often each endpoint is asked whether it is well.
    #[serde(deserialize_with = "value::duration")]
    pub health_interval: Duration,
    /// How often a `dns:///` name is resolved again.
    #[serde(deserialize_with = "value::duration")]
    pub dns_interval: Duration,
    /// How often a call is made at most, the first time included.
    pub attempts: u32,
    /// How many calls may be made again, as a share of all.
    pub retry_ratio: f64,
    /// How many may be made again at once, beyond that share.
    pub retry_burst: u32,
    /// Failures in a row after which an endpoint is left out.
    pub eject_after: u32,
    /// For how long, the first time.
    #[serde(deserialize_with = "value::duration")]
    pub eject_for: Duration,
    /// For how long at most.
    #[serde(deserialize_with = "value::duration")]
    pub eject_at_most: Duration,
    /// With fewer calls than this in the window, the breaker stays closed.
    pub breaker_calls: u32,
    /// How far back the breaker looks.
    #[serde(deserialize_with = "value::duration")]
    pub breaker_window: Duration,
    /// How long it refuses calls before it lets a few through.
    #[serde(deserialize_with = "value::duration")]
    pub breaker_pause: Duration,
    /// By how much a service's clock may differ.
    #[serde(deserialize_with = "value::duration")]
    pub max_clock_skew: Duration,
}

impl Section for ClientSettings {
    const NAME: &'static str = "services.client";

    fn validate(&self) -> Result<(), Invalid> {
        let (least, minute, hour) =
            (Duration::from_millis(100), Duration::from_secs(60), Duration::from_secs(3600));
        between("timeout", self.timeout, least, hour)?;
        between("health_interval", self.health_interval, least, minute)?;
        between("dns_interval", self.dns_interval, least, hour)?;
        between("attempts", self.attempts, 1, 10)?;
        between("retry_ratio", self.retry_ratio, 0.0, 1.0)?;
        between("retry_burst", self.retry_burst, 0, 100_000)?;
        between("eject_after", self.eject_after, 1, 10_000)?;
        between("eject_for", self.eject_for, least, hour)?;
        between("eject_at_most", self.eject_at_most, self.eject_for, hour)?;
        between("breaker_calls", self.breaker_calls, 1, 1_000_000)?;
        between("breaker_window", self.breaker_window, least, hour)?;
        between("breaker_pause", self.breaker_pause, least, minute)?;
        between("max_clock_skew", self.max_clock_skew, least, hour)
    }
}
