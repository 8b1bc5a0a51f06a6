//! What the keys of `[plugins.telegram]` and `[plugins.instagram]` mean, and what a plugin is made from.

use std::path::PathBuf;

use anyhow::Context as _;
use causeway_config::{
    PluginsSettings, Secret,
    plugins::telegram::{BotMode, BotSettings},
};
use causeway_instagram::Instagram;
use causeway_notices::Notices;
use causeway_telegram::Telegram;

use super::{Which, notices};
use crate::failure::Usage;

/// What plugins are made from.
pub(super) struct Makings<'a> {
    pub(super) settings: &'a PluginsSettings,
    /// Where providers and browsers reach the plugins' listener.
    pub(super) public_url: String,
    /// What links to customers' files are signed with.
    pub(super) file_key: Secret,
}

/// Finds what is wrong with the settings of the plugins that have something to do.
pub(crate) fn check(settings: &PluginsSettings) -> anyhow::Result<()> {
    let unused = "what is signed with it is never sent";
    let file_key = Secret::new(unused).context("it is not empty")?;
    let public_url = settings.public_url.clone().unwrap_or_else(|| format!("http://{}", settings.listen));
    let makings = Makings { settings, public_url, file_key };
    for which in Which::configured(settings) {
        match which {
            Which::Telegram => drop(makings.telegram()?),
            Which::Instagram => drop(makings.instagram()?),
            Which::Notices => drop(makings.notices()?),
        }
    }
    Ok(())
}

impl Makings<'_> {
    pub(super) fn telegram(&self) -> anyhow::Result<Telegram> {
        let set = &self.settings.telegram;
        let settings = causeway_telegram::Settings {
            api: set.api.clone(),
            pace: causeway_telegram::Pace {
                per_second: set.per_second,
                chat_per_second: set.chat_per_second,
                ..causeway_telegram::Pace::default()
            },
            ..causeway_telegram::Settings::new(
                self.public_url.clone(),
                hidden(&self.file_key)?,
                each(&set.bots, bot_of)?,
            )
        };
        Telegram::new(&settings).map_err(|error| wrong("plugins.telegram", &error))
    }

    pub(super) fn notices(&self) -> anyhow::Result<Notices> {
        let set = &self.settings.notices;
        let settings = causeway_notices::Settings {
            webhooks: each(&set.webhooks, notices::webhook)?,
            feeds: each(&set.feeds, |_, feed| Ok(notices::feed(feed)))?,
            tables: each(&set.tables, notices::table)?,
        };
        Notices::new(&settings).map_err(|error| wrong("plugins.notices", &error))
    }

    pub(super) fn instagram(&self) -> anyhow::Result<Instagram> {
        let set = &self.settings.instagram;
        let key = |name: &str| format!("plugins.instagram.{name}");
        let given = |name: &str, inline: &Option<Secret>, file: &Option<PathBuf>| {
            hidden(&secret(&key(name), inline, file)?)
        };
        let mut accounts = Vec::with_capacity(set.accounts.len());
        for (index, account) in set.accounts.iter().enumerate() {
            let name = format!("accounts[{index}].access_token");
            accounts.push(causeway_instagram::Account {
                account: account.account.clone(),
                instagram_id: account.instagram_id.clone(),
                access_token: given(&name, &account.access_token, &account.access_token_file)?,
                app_id: account.app_id.clone(),
                human_agent: account.human_agent,
            });
        }
        let settings = causeway_instagram::Settings {
            api: set.api.clone(),
            version: set.version.clone(),
            accounts,
            app_secret: Some(given("app_secret", &set.app_secret, &set.app_secret_file)?),
            verify_token: Some(given("verify_token", &set.verify_token, &set.verify_token_file)?),
            ..causeway_instagram::Settings::default()
        };
        Instagram::new(settings).map_err(|error| wrong("plugins.instagram", &error))
    }
}

fn each<S, T>(list: &[S], read: impl Fn(usize, &S) -> anyhow::Result<T>) -> anyhow::Result<Vec<T>> {
    list.iter().enumerate().map(|(index, item)| read(index, item)).collect()
}

fn bot_of(index: usize, bot: &BotSettings) -> anyhow::Result<causeway_telegram::Bot> {
    let key = |name: &str| format!("plugins.telegram.bots[{index}].{name}");
    let token = secret(&key("token"), &bot.token, &bot.token_file)?;
    let mode = match bot.mode {
        BotMode::Polling => causeway_telegram::Mode::Polling,
        BotMode::Webhook => {
            let secret = secret(&key("webhook_secret"), &bot.webhook_secret, &bot.webhook_secret_file)?;
            causeway_telegram::Mode::Webhook { secret_token: hidden(&secret)? }
        }
    };
    Ok(causeway_telegram::Bot { account: bot.account.clone(), token: hidden(&token)?, mode })
}

/// A secret that stands in the settings or in a file.
pub(super) fn secret(key: &str, inline: &Option<Secret>, file: &Option<PathBuf>) -> anyhow::Result<Secret> {
    match (inline, file) {
        (_, Some(file)) => Secret::in_file(file)
            .map_err(|error| Usage::error(format!("{key}_file: cannot read {}: {error}", file.display()))),
        (Some(secret), None) => Ok(secret.clone()),
        (None, None) => Err(Usage::error(format!("{key} is missing"))),
    }
}

/// The same secret as plugins keep it.
fn hidden(secret: &Secret) -> anyhow::Result<causeway_plugin_sdk::Secret> {
    causeway_plugin_sdk::Secret::new(secret.expose()).context("a secret is empty")
}

fn wrong(section: &str, error: &dyn std::fmt::Display) -> anyhow::Error {
    Usage::error(format!("{section}: {error}"))
}
