//! `[plugins.instagram]`: professional accounts, all subscribed by one app.

use std::path::PathBuf;

use serde::Deserialize;

use crate::{
    secret::{self, Secret},
    section::{Invalid, Section},
    services::web_url,
};

/// The Instagram channel. It runs when there is an account.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstagramSettings {
    /// Where the Graph API is, without a version.
    pub api: String,
    /// The version that is spoken.
    pub version: String,
    /// What Meta signs webhooks with.
    #[serde(default)]
    pub app_secret: Option<Secret>,
    /// File with it.
    #[serde(default)]
    pub app_secret_file: Option<PathBuf>,
    /// What Meta shows to subscribe.
    #[serde(default)]
    pub verify_token: Option<Secret>,
    /// File with it.
    #[serde(default)]
    pub verify_token_file: Option<PathBuf>,
    /// The accounts.
    pub accounts: Vec<InstagramAccountSettings>,
}

/// One account.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstagramAccountSettings {
    /// Under which its customers are kept; it must not change.
    pub account: String,
    /// Its id at Instagram.
    pub instagram_id: String,
    /// An access token of the account.
    #[serde(default)]
    pub access_token: Option<Secret>,
    /// File with it.
    #[serde(default)]
    pub access_token_file: Option<PathBuf>,
    /// Our app, by which echoes of our own messages are known.
    #[serde(default)]
    pub app_id: Option<String>,
    /// Whether support people may answer for seven days.
    #[serde(default)]
    pub human_agent: bool,
}

impl Section for InstagramSettings {
    const NAME: &'static str = "plugins.instagram";

    fn validate(&self) -> Result<(), Invalid> {
        web_url("api", &self.api)?;
        if self.accounts.is_empty() {
            return Ok(());
        }
        secret::one("app_secret", self.app_secret.as_ref(), self.app_secret_file.as_ref())?;
        secret::one("verify_token", self.verify_token.as_ref(), self.verify_token_file.as_ref())?;
        for (index, account) in self.accounts.iter().enumerate() {
            let (inline, file) = (account.access_token.as_ref(), account.access_token_file.as_ref());
            secret::one("access_token", inline, file)
                .map_err(|invalid| invalid.within(&format!("accounts[{index}]")))?;
        }
        Ok(())
    }
}
