//! `[stop]`: how a process ends.

use std::time::Duration;

use serde::Deserialize;

use crate::{
    section::{Invalid, Section, between},
    value,
};

/// How a process ends on SIGTERM.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StopSettings {
    /// How long new connections are still taken once nothing is ready any more.
    #[serde(deserialize_with = "value::duration")]
    pub lead: Duration,
    /// From the signal to the end, whatever is still under way then.
    #[serde(deserialize_with = "value::duration")]
    pub timeout: Duration,
}

impl Section for StopSettings {
    const NAME: &'static str = "stop";

    fn validate(&self) -> Result<(), Invalid> {
        let (second, day) = (Duration::from_secs(1), Duration::from_secs(24 * 3600));
        between("lead", self.lead, Duration::ZERO, Duration::from_secs(3600))?;
        between("timeout", self.timeout, second, day)
    }
}

impl StopSettings {
    /// The hard limit must leave room for the orderly way, in which sockets are closed over `drain`.
    pub(crate) fn leaves_room_for(&self, drain: Duration) -> Result<(), Invalid> {
        let orderly = self.lead.saturating_add(drain);
        if self.timeout > orderly {
            return Ok(());
        }
        let problem = format!("{:?} is over before all sockets are closed", self.timeout);
        let allowed = format!("more than stop.lead and bridge.drain together, which are {orderly:?}");
        Err(Invalid::new("timeout", problem, allowed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hard_limit_is_longer_than_the_orderly_way() {
        let seconds = Duration::from_secs;
        let stop = StopSettings { lead: seconds(5), timeout: seconds(30) };
        assert!(stop.validate().is_ok());
        assert!(stop.leaves_room_for(seconds(24)).is_ok());
        assert_eq!(stop.leaves_room_for(seconds(25)).unwrap_err().key, "timeout");
    }
}
