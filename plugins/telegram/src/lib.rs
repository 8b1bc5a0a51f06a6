//! Telegram as a channel: customers who write to a bot appear in support conversations, and what support answers reaches them.
//!
//! Start at [`Telegram`], which is the plugin, and [`Settings`], which are what it needs. Updates come in by `inbound`: asked for
//! (`inbound/polling.rs`) or brought (`inbound/webhook.rs`), and read in `inbound.rs`. Deliveries go out by `outbound`, at the
//! pace that Telegram wants (`outbound/pace.rs`). `api` is the Bot API (<https://core.telegram.org/bots/api>), of which the methods
//! and types are frankenstein's. Customers' files stay at Telegram; `links` makes their addresses, and `files` fetches them when
//! somebody looks.
//!
//! Nothing is stored here. An update is taken as read when the host has settled what it says.

mod account;
mod api;
mod error;
mod files;
mod inbound;
mod links;
mod outbound;
pub mod settings;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{
    Router,
    routing::{get, post},
};
use causeway_plugin_sdk::{
    CancellationToken, Host, Plugin, Profile, Sent, Undelivered, axum,
    proto::plugin::{Delivery, PluginKind, Typing},
    webhook::Refusals,
};
use futures_util::future::join_all;
use tokio::sync::Semaphore;

use crate::{account::Account, links::Links};
pub use causeway_plugin_sdk::Secret;
pub use settings::{Bot, Mode, Pace, Settings, SettingsError};

/// The plugin's name: the customers' source, and the first segment of its addresses.
pub const NAME: &str = "telegram";

/// The plugin, with all its bots.
#[derive(Debug)]
pub struct Telegram {
    /// By name.
    accounts: BTreeMap<String, Account>,
    links: Links,
    refusals: Refusals,
    /// Turns to fetch a file.
    fetching: Arc<Semaphore>,
    poll_timeout: Duration,
}

/// What routes are given.
#[derive(Clone)]
struct Desk {
    telegram: Arc<Telegram>,
    host: Host,
}

impl Telegram {
    /// Nothing is asked of Telegram yet. Fails when the settings are wrong.
    pub fn new(settings: &Settings) -> Result<Self, SettingsError> {
        settings.check()?;
        let client = api::client(settings)?;
        let account = |bot: &Bot| (bot.account.clone(), Account::new(&client, settings, bot));
        Ok(Self {
            accounts: settings.bots.iter().map(account).collect(),
            links: Links::new(settings),
            refusals: Refusals::new(NAME),
            fetching: Arc::new(Semaphore::new(files::MAX_FETCHING)),
            poll_timeout: settings.poll_timeout,
        })
    }

    fn account(&self, name: &str) -> Option<&Account> {
        self.accounts.get(name)
    }

    /// What one bot does on its own: it ends when the plugin stops.
    async fn pursue(&self, account: &Account, host: &Host) {
        match &account.mode {
            Mode::Polling => {
                let Err(stopped) = inbound::polling::run(account, &self.links, host, self.poll_timeout).await;
                tracing::debug!(account = account.name, "{stopped}");
            }
            Mode::Webhook { secret_token } => {
                match inbound::webhook::keep(account, &self.links, secret_token.expose(), host).await {}
            }
        }
    }
}

impl Plugin for Telegram {
    fn profile(&self) -> Profile {
        Profile {
            name: NAME.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            kind: PluginKind::Channel,
            capabilities: outbound::capabilities(),
        }
    }

    fn routes(self: Arc<Self>, host: Host) -> Router {
        Router::new()
            .route("/webhook/{account}", post(inbound::webhook::receive))
            .route("/files/{account}/{file_id}/{name}", get(files::open))
            .with_state(Desk { telegram: self, host })
    }

    async fn run(self: Arc<Self>, host: Host, stop: CancellationToken) {
        let pursuits = join_all(self.accounts.values().map(|account| self.pursue(account, &host)));
        // What is given up here is settled or comes again.
        let _ = stop.run_until_cancelled(pursuits).await;
    }

    async fn deliver(&self, host: &Host, delivery: Delivery) -> Result<Sent, Undelivered> {
        match self.account(&delivery.account) {
            Some(account) => outbound::deliver(account, host, delivery).await,
            None => {
                let text = format!("no bot is set up for the account {:?}", delivery.account);
                Err(error::permanent("unknown_account", text))
            }
        }
    }

    async fn typing(&self, typing: Typing) {
        if let Some(account) = self.account(&typing.account) {
            outbound::typing::show(account, &typing).await;
        }
    }
}
