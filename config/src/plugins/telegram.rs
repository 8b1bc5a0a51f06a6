//! `[plugins.telegram]`: bots.

use std::path::PathBuf;

use serde::Deserialize;

use crate::{
    secret::{self, Secret},
    section::{Invalid, Section},
    services::web_url,
};

/// The Telegram channel. It runs when there is a bot.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TelegramSettings {
    /// Where the Bot API is.
    pub api: String,
    /// Messages per second of one bot.
    pub per_second: std::num::NonZeroU32,
    /// Messages per second to one chat.
    pub chat_per_second: std::num::NonZeroU32,
    /// The bots.
    pub bots: Vec<BotSettings>,
}

/// One bot.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BotSettings {
    /// Under which its customers are kept; it must not change.
    pub account: String,
    /// As `@BotFather` shows it.
    #[serde(default)]
    pub token: Option<Secret>,
    /// File with the token.
    #[serde(default)]
    pub token_file: Option<PathBuf>,
    /// How updates come.
    #[serde(default)]
    pub mode: BotMode,
    /// For the webhook: what Telegram shows with each call.
    #[serde(default)]
    pub webhook_secret: Option<Secret>,
    /// File with it.
    #[serde(default)]
    pub webhook_secret_file: Option<PathBuf>,
}

/// How a bot's updates come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BotMode {
    /// We ask for them.
    #[default]
    Polling,
    /// Telegram calls.
    Webhook,
}

impl Section for TelegramSettings {
    const NAME: &'static str = "plugins.telegram";

    fn validate(&self) -> Result<(), Invalid> {
        web_url("api", &self.api)?;
        for (index, bot) in self.bots.iter().enumerate() {
            bot.validate().map_err(|invalid| invalid.within(&format!("bots[{index}]")))?;
        }
        Ok(())
    }
}

impl BotSettings {
    fn validate(&self) -> Result<(), Invalid> {
        if self.account.is_empty() {
            return Err(Invalid::new(
                "account",
                "is empty",
                "the bot's user name, such as \"shop_support_bot\"",
            ));
        }
        secret::one("token", self.token.as_ref(), self.token_file.as_ref())?;
        if self.mode == BotMode::Webhook {
            secret::one("webhook_secret", self.webhook_secret.as_ref(), self.webhook_secret_file.as_ref())?;
        }
        Ok(())
    }
}
