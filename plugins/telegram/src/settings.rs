//! What a person decides: which bots there are, and where Telegram and we are.

mod check;

use std::{num::NonZeroU32, time::Duration};

use causeway_plugin_sdk::Secret;
pub use check::SettingsError;

/// Telegram's own Bot API.
pub const TELEGRAM: &str = "https://api.telegram.org";

/// The whole plugin's settings.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Base URL of the Bot API, [`TELEGRAM`] or a Bot API server of one's own.
    pub api: String,
    /// Base URL at which the plugins' listener is reached from outside; `/telegram/…` follows it.
    pub public_url: String,
    /// Signs the links to customers' files, at least 16 bytes. Links that were made with another one stop working.
    pub file_secret: Secret,
    /// The bots.
    pub bots: Vec<Bot>,
    /// How long Telegram holds back its answer while there are no updates; 1 to 50 s.
    pub poll_timeout: Duration,
    /// How long an answer may take.
    pub request_timeout: Duration,
    /// How fast messages go out.
    pub pace: Pace,
}

/// One bot.
#[derive(Debug, Clone)]
pub struct Bot {
    /// Name of the provider account, 1 to 128 of A-Z, a-z, 0-9, `_`, `-` and `.`; the bot's user name is a good one. Customers
    /// and messages are kept under it, so it stays.
    pub account: String,
    /// As `@BotFather` shows it, for example `123456:ABC-DEF`.
    pub token: Secret,
    /// How updates come.
    pub mode: Mode,
}

/// How a bot's updates come.
#[derive(Debug, Clone)]
pub enum Mode {
    /// We ask for them.
    Polling,
    /// Telegram calls `<public_url>/telegram/webhook/<account>`.
    Webhook {
        /// What Telegram shows with each call: 1 to 256 of A-Z, a-z, 0-9, `_` and `-`.
        secret_token: Secret,
    },
}

/// How fast messages go out. The defaults stay under the limits of
/// <https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this>.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Messages per second of one bot.
    pub per_second: NonZeroU32,
    /// Messages per second to one chat.
    pub chat_per_second: NonZeroU32,
    /// Messages to one chat that may go out at once after a silence.
    pub chat_burst: NonZeroU32,
}

impl Default for Pace {
    fn default() -> Self {
        // Telegram names 30 a second; its seconds are not ours, so one less.
        let [per_second, chat_per_second, chat_burst] =
            [29, 1, 3].map(|count| NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN));
        Self { per_second, chat_per_second, chat_burst }
    }
}

impl Settings {
    /// These bots, with everything else as it is by default.
    pub fn new(public_url: impl Into<String>, file_secret: Secret, bots: Vec<Bot>) -> Self {
        Self {
            api: TELEGRAM.to_owned(),
            public_url: public_url.into(),
            file_secret,
            bots,
            poll_timeout: Duration::from_secs(25),
            request_timeout: Duration::from_secs(20),
            pace: Pace::default(),
        }
    }
}
