//! `[plugins]`: the integrations that come along. Each one's own keys are in the file of its name; one that has no account and
//! no source does not run.

pub mod instagram;
pub mod notices;
pub mod telegram;

use std::net::SocketAddr;

use serde::Deserialize;

pub use self::{instagram::InstagramSettings, notices::NoticesSettings, telegram::TelegramSettings};
use crate::{
    section::{Invalid, Section},
    services::web_url,
    value,
};

/// The integrations that come along.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PluginsSettings {
    /// HTTP of the plugins.
    #[serde(deserialize_with = "value::address")]
    pub listen: SocketAddr,
    /// How providers and browsers reach that listener; `None`: as `listen` says.
    #[serde(default)]
    pub public_url: Option<String>,
    /// Telegram.
    pub telegram: TelegramSettings,
    /// Instagram.
    pub instagram: InstagramSettings,
    /// Notices.
    pub notices: NoticesSettings,
}

impl Section for PluginsSettings {
    const NAME: &'static str = "plugins";

    fn validate(&self) -> Result<(), Invalid> {
        match &self.public_url {
            Some(url) => web_url("public_url", url),
            None => Ok(()),
        }
    }
}
