//! `[services.client]`: how clients of the services treat their endpoints.

use std::{path::PathBuf, time::Duration};

use serde::Deserialize;

use crate::{
    section::{Invalid, Section, between},
    tls::named,
    value,
};

/// What a client does when endpoints are slow, sick or gone.
#[derive(Debug, Clone, PartialEq, Deserialize)]
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
    /// Root certificates for services that have TLS, in PEM; `None`: those of the system.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// The certificate that is shown to services that ask for one.
    #[serde(default)]
    pub cert_file: Option<PathBuf>,
    /// Its private key.
    #[serde(default)]
    pub key_file: Option<PathBuf>,
    /// The name that their certificates must be for, instead of the one that they are called by.
    #[serde(default)]
    pub server_name: Option<String>,
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
        between("max_clock_skew", self.max_clock_skew, least, hour)?;
        self.validate_tls()
    }
}

impl ClientSettings {
    fn validate_tls(&self) -> Result<(), Invalid> {
        named("ca_file", self.ca_file.as_ref())?;
        named("cert_file", self.cert_file.as_ref())?;
        named("key_file", self.key_file.as_ref())?;
        let alone = |key: &str, other: &str| {
            Err(Invalid::new(
                key,
                format!("stands without {other}"),
                "a certificate with its key, or neither",
            ))
        };
        match (&self.cert_file, &self.key_file) {
            (Some(_), None) => return alone("cert_file", "key_file"),
            (None, Some(_)) => return alone("key_file", "cert_file"),
            (Some(_), Some(_)) | (None, None) => {}
        }
        let is_name = |name: &str| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:".contains(&b))
        };
        match &self.server_name {
            Some(name) if !is_name(name) => {
                let allowed = "a name or an address without a port, such as \"chat.internal\"";
                Err(Invalid::new("server_name", format!("{name:?} is no name"), allowed))
            }
            Some(_) | None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Settings, Sources};

    #[test]
    fn a_certificate_has_its_key_and_a_server_its_name() {
        let client = Settings::load(&Sources::default()).unwrap().settings.services.client;
        assert_eq!(client.validate_tls(), Ok(()));
        let file = Some("client.pem".into());
        let mut alone = client.clone();
        alone.cert_file = file.clone();
        assert_eq!(alone.validate_tls().unwrap_err().key, "cert_file");
        alone.key_file = file;
        assert_eq!(alone.validate_tls(), Ok(()));
        alone.server_name = Some("https://chat".to_owned());
        assert_eq!(alone.validate_tls().unwrap_err().key, "server_name");
        alone.ca_file = Some("".into());
        assert_eq!(alone.validate_tls().unwrap_err().key, "ca_file");
    }
}
