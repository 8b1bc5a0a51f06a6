//! Errors that mean wrong usage. Everything else that goes wrong is a failure: see [`exit_code`].

use std::fmt;

use causeway_config::ConfigError;

/// What was typed cannot be right, whatever the state of the servers.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl Usage {
    /// An error of that text.
    pub(crate) fn error(text: impl Into<String>) -> anyhow::Error {
        Self(text.into()).into()
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// 2 for wrong usage and broken configuration, 1 for anything else.
pub(crate) fn exit_code(error: &anyhow::Error) -> u8 {
    if error.is::<Usage>() || error.is::<ConfigError>() { 2 } else { 1 }
}
