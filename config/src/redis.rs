//! `[redis]`: what several processes of a service share.

use std::{path::PathBuf, time::Duration};

use serde::Deserialize;

use crate::{
    Secret,
    section::{Invalid, Section, between},
    value,
};

/// Redis, when there is one.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedisSettings {
    /// Where it is, credentials included; `None`: each process is alone.
    #[serde(default)]
    pub url: Option<Secret>,
    /// A root certificate for `rediss`, in PEM; `None`: those of the system.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// What the names of channels and keys begin with.
    pub prefix: String,
    /// Whether to publish by shard where Redis can.
    pub sharded: bool,
    /// How long start-up waits for it.
    #[serde(deserialize_with = "value::duration")]
    pub start_timeout: Duration,
    /// How long connecting to a node may take.
    #[serde(deserialize_with = "value::duration")]
    pub connect_timeout: Duration,
    /// How long a command waits for its answer.
    #[serde(deserialize_with = "value::duration")]
    pub response_timeout: Duration,
    /// How often the log is looked at while Redis is away.
    #[serde(deserialize_with = "value::duration")]
    pub fallback_poll: Duration,
    /// How long a topic that nobody has stays subscribed to.
    #[serde(deserialize_with = "value::duration")]
    pub linger: Duration,
}

impl Section for RedisSettings {
    const NAME: &'static str = "redis";

    fn validate(&self) -> Result<(), Invalid> {
        let (least, minute) = (Duration::from_millis(10), Duration::from_secs(60));
        if let Some(url) = &self.url {
            is_url(url)?;
        }
        if self.prefix.is_empty() || self.prefix.contains(|c: char| c.is_whitespace() || "{}".contains(c)) {
            let problem = format!("{:?} cannot begin a name", self.prefix);
            return Err(Invalid::new(
                "prefix",
                problem,
                "a word without spaces and braces, such as \"causeway\"",
            ));
        }
        between("start_timeout", self.start_timeout, Duration::ZERO, Duration::from_secs(3600))?;
        between("connect_timeout", self.connect_timeout, least, minute)?;
        between("response_timeout", self.response_timeout, least, minute)?;
        between("fallback_poll", self.fallback_poll, least, minute)?;
        between("linger", self.linger, Duration::ZERO, Duration::from_secs(3600))
    }
}

/// The kind of URL; the rest is read when it is used.
fn is_url(url: &Secret) -> Result<(), Invalid> {
    let (scheme, rest) = url.expose().split_once("://").unwrap_or_default();
    let kinds = ["redis", "redis+sentinel", "redis+cluster", "rediss", "rediss+sentinel", "rediss+cluster"];
    if kinds.contains(&scheme) && !rest.is_empty() {
        return Ok(());
    }
    let allowed = "\"redis://host:port\", \"redis+sentinel://host:port,host:port/primary\" or \
                   \"redis+cluster://host:port,host:port\"; rediss instead of redis for TLS";
    Err(Invalid::new("url", "is not where a Redis can be", allowed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_is_none_is_refused_and_not_repeated() {
        for url in ["hunter2", "http://:hunter2@h", "redis://"] {
            let invalid = is_url(&Secret::new(url).unwrap()).unwrap_err();
            assert!(!format!("{invalid:?}").contains("hunter2"));
        }
        assert!(is_url(&Secret::new("rediss+sentinel://:hunter2@h/main").unwrap()).is_ok());
    }
}
