//! `[admin]` and `[log]`: what operators see.

use std::net::SocketAddr;

use serde::Deserialize;

use crate::{
    section::{Invalid, Section},
    value,
};

/// The operators' listener.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdminSettings {
    /// `GET /metrics` and `GET /healthz`.
    #[serde(deserialize_with = "value::address")]
    pub listen: SocketAddr,
}

/// Logs, on standard error.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogSettings {
    /// For people or for machines.
    pub format: LogFormat,
    /// A level, or levels by target, as `info,causeway_bridge=debug`.
    pub level: String,
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// A line of text.
    Human,
    /// A JSON object in a line.
    Json,
}

impl Section for AdminSettings {
    const NAME: &'static str = "admin";

    fn validate(&self) -> Result<(), Invalid> {
        Ok(())
    }
}

impl Section for LogSettings {
    const NAME: &'static str = "log";

    fn validate(&self) -> Result<(), Invalid> {
        let wrong = self.level.split(',').map(str::trim).find(|directive| !is_directive(directive));
        match wrong {
            None => Ok(()),
            Some(directive) => {
                let allowed =
                    "error, warn, info, debug, trace or off, or by target as \"info,causeway_bridge=debug\"";
                Err(Invalid::new("level", format!("{directive:?} is not a level"), allowed))
            }
        }
    }
}

fn is_directive(directive: &str) -> bool {
    const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];
    let (target, level) = directive.split_once('=').unwrap_or(("all", directive));
    let target =
        !target.is_empty() && target.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':');
    target && LEVELS.contains(&level.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_go_by_target_too() {
        let level =
            |level: &str| LogSettings { format: LogFormat::Human, level: level.to_owned() }.validate();
        assert!(level("info").is_ok());
        assert!(level("info,causeway_bridge=debug,tonic::transport=off").is_ok());
        assert!(level("loud").is_err());
        assert!(level("info,=debug").is_err());
        assert!(level("").is_err());
    }
}
