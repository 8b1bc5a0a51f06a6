//! `[services.presence]`: who is online and who types.

use std::{net::SocketAddr, time::Duration};

use serde::Deserialize;

use crate::{
    section::{Invalid, Section, between},
    services::service_url,
    value,
};

/// The presence service.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PresenceSettings {
    /// Its listener, as a process of its own.
    #[serde(deserialize_with = "value::address")]
    pub listen: SocketAddr,
    /// Where the others reach it.
    pub url: String,
    /// Its operators' listener, as a process of its own; `None`: it has none.
    #[serde(default, deserialize_with = "value::optional_address")]
    pub admin: Option<SocketAddr>,
    /// How long after the last socket a user counts as online.
    #[serde(deserialize_with = "value::duration")]
    pub offline_after: Duration,
    /// How long a user types without saying so again.
    #[serde(deserialize_with = "value::duration")]
    pub typing_timeout: Duration,
    /// How long sockets of a lost bridge count as open.
    #[serde(deserialize_with = "value::duration")]
    pub orphan_grace: Duration,
}

impl Section for PresenceSettings {
    const NAME: &'static str = "services.presence";

    fn validate(&self) -> Result<(), Invalid> {
        let hour = Duration::from_secs(3600);
        service_url("url", &self.url)?;
        between("offline_after", self.offline_after, Duration::ZERO, hour)?;
        between("typing_timeout", self.typing_timeout, Duration::from_millis(100), hour)?;
        between("orphan_grace", self.orphan_grace, Duration::ZERO, hour)
    }
}
