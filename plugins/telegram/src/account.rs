//! One bot: its way to Telegram, its pace, and what its operators were last told.

use std::sync::{Mutex, PoisonError};

use causeway_plugin_sdk::{Host, proto::plugin::AccountState};
use reqwest::Client;

use crate::{
    api::Api,
    error::ApiError,
    outbound::{pace::Pacer, typing::Typists},
    settings::{Bot, Mode, Settings},
};

/// A bot that runs.
#[derive(Debug)]
pub(crate) struct Account {
    /// Its name.
    pub(crate) name: String,
    pub(crate) api: Api,
    /// How its updates come.
    pub(crate) mode: Mode,
    pub(crate) pace: Pacer,
    pub(crate) typists: Typists,
    told: Mutex<Option<(AccountState, String)>>,
}

impl Account {
    /// Nothing is asked of Telegram yet.
    pub(crate) fn new(client: &Client, settings: &Settings, bot: &Bot) -> Self {
        Self {
            name: bot.account.clone(),
            api: Api::new(client.clone(), settings, bot.token.expose()),
            mode: bot.mode.clone(),
            pace: Pacer::new(settings.pace),
            typists: Typists::default(),
            told: Mutex::default(),
        }
    }

    /// The account works.
    pub(crate) async fn works(&self, host: &Host) {
        self.tell(host, AccountState::Connected, String::new()).await;
    }

    /// The account does not work, and is tried again. Logged when that is news.
    pub(crate) async fn fails(&self, host: &Host, error: &ApiError) {
        let (state, advice) = self.advice(error);
        self.tell(host, state, advice).await;
    }

    /// Tells how the account is, when that is news.
    pub(crate) async fn tell(&self, host: &Host, state: AccountState, advice: String) {
        if !self.is_news(state, &advice) {
            return;
        }
        let account = self.name.as_str();
        match state {
            AccountState::Connected => tracing::info!(account, "the bot works"),
            _ => tracing::warn!(account, state = state.as_str_name(), advice, "the bot does not work"),
        }
        host.account(account, state, &advice).await;
    }

    fn is_news(&self, state: AccountState, advice: &str) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.as_ref().is_some_and(|(before, said)| *before == state && said == advice) {
            return false;
        }
        *told = Some((state, advice.to_owned()));
        true
    }

    /// What a failure means for the account, and what a person should do.
    fn advice(&self, error: &ApiError) -> (AccountState, String) {
        let account = &self.name;
        match error {
            ApiError::Refused(refusal) if refusal.is_about_the_token() => (
                AccountState::BadCredentials,
                format!(
                    "Telegram does not know the token of {account}: set its `token` to what @BotFather shows."
                ),
            ),
            ApiError::Refused(refusal) if refusal.code == 409 && refusal.says("webhook") => (
                AccountState::Reconnecting,
                format!(
                    "Something else set a webhook for {account}: stop it, or set its `mode` to \"webhook\"."
                ),
            ),
            ApiError::Refused(refusal) if refusal.code == 409 => (
                AccountState::Reconnecting,
                format!(
                    "Something else asks for the updates of {account}: only one program may, so stop the other."
                ),
            ),
            ApiError::Refused(refusal) if refusal.code == 400 => (
                AccountState::Reconnecting,
                format!(
                    "Telegram refuses the settings of {account}: {refusal}",
                    refusal = refusal.description
                ),
            ),
            ApiError::Refused(refusal) => {
                (AccountState::Reconnecting, format!("Telegram says: {}", refusal.description))
            }
            ApiError::Unreachable(_) => {
                (AccountState::Reconnecting, format!("{error}. Is there a way out to the `api` that is set?"))
            }
            ApiError::NoAnswer(_) | ApiError::Unasked(_) => (AccountState::Reconnecting, error.to_string()),
        }
    }
}
