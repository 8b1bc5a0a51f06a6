//! Instagram as a channel: customers' messages come in by Meta's webhooks, ours go out by its Graph API.
//!
//! [`Instagram::new`] takes [`Settings`]; the plugin SDK runs what comes of it. The API is "Instagram API with Instagram
//! Login", at `graph.instagram.com`: <https://developers.facebook.com/docs/instagram-platform/>.
//!
//! | files | hold |
//! |---|---|
//! | `inbound` | the webhook: signature, notification, items, events |
//! | `outbound` | deliveries, the window in which a message may be sent, typing |
//! | `api`, `error` | the calls that are made, and what their refusals mean |
//! | `accounts` | how each account is, and what a person should do about it |
//! | `profiles` | who customers are |
//!
//! At Meta the app's webhook is `<public url>/instagram/webhook`, subscribed to `messages`, `message_reactions`, `message_edit`,
//! `messaging_postbacks` and `messaging_seen`. Instagram reports that a message was read and not that it was delivered.

mod accounts;
mod api;
mod error;
mod inbound;
mod lenient;
mod outbound;
mod profiles;
mod settings;

use std::{sync::Arc, time::Duration};

use causeway_plugin_sdk::{
    CancellationToken, Host, Plugin, Profile, Sent, Undelivered,
    axum::Router,
    proto::plugin::{Capabilities, Delivery, PluginKind, TextUnit, Typing},
    webhook::Refusals,
};

pub use settings::{Account, Secret, Settings, WrongSetting};

use accounts::Accounts;
use api::Graph;
use profiles::Profiles;

/// The plugin's name, which is also the source of its customers.
const NAME: &str = "instagram";
/// Longest text of one message, in bytes of UTF-8.
const TEXT_LIMIT: u32 = 1_000;

/// The plugin.
#[derive(Debug)]
pub struct Instagram {
    inner: Arc<Inner>,
}

/// What the webhook's handlers share with deliveries.
#[derive(Debug)]
struct Inner {
    accounts: Accounts,
    graph: Graph,
    profiles: Profiles,
    refusals: Refusals,
    app_secret: Secret,
    verify_token: Secret,
    check_every: Duration,
}

/// Why the plugin cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting cannot be used.
    #[error(transparent)]
    Setting(#[from] WrongSetting),
    /// The HTTP client cannot be set up, for example because the system has no certificates.
    #[error("cannot set up the HTTP client: {0}")]
    Client(reqwest::Error),
}

impl Instagram {
    /// Sets the plugin up; nothing is asked of Instagram yet. Fails when a setting cannot be used, such as an app secret that
    /// is not there, or when there is no TLS.
    pub fn new(settings: Settings) -> Result<Self, StartError> {
        settings.check()?;
        let graph = Graph::new(&settings)?;
        let missing = |setting: &str| WrongSetting { setting: setting.to_owned(), problem: "is required" };
        let inner = Inner {
            accounts: Accounts::new(&settings.accounts),
            graph,
            profiles: Profiles::new(settings.profile_cache),
            refusals: Refusals::new(NAME),
            app_secret: settings.app_secret.ok_or_else(|| missing("app_secret"))?,
            verify_token: settings.verify_token.ok_or_else(|| missing("verify_token"))?,
            check_every: settings.check_every,
        };
        Ok(Self { inner: Arc::new(inner) })
    }
}

impl Plugin for Instagram {
    fn profile(&self) -> Profile {
        Profile {
            name: NAME.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            kind: PluginKind::Channel,
            capabilities: Capabilities {
                text_limit: TEXT_LIMIT,
                text_unit: TextUnit::Bytes.into(),
                attachment_kinds: outbound::KINDS.map(str::to_owned).to_vec(),
                can_edit: false,
                can_delete: false,
                can_show_typing: true,
            },
        }
    }

    fn routes(self: Arc<Self>, host: Host) -> Router {
        inbound::routes(self.inner.clone(), host)
    }

    async fn run(self: Arc<Self>, host: Host, stop: CancellationToken) {
        let Inner { accounts, graph, check_every, .. } = &*self.inner;
        let watch = async {
            loop {
                let again = accounts.check(graph, &host, *check_every).await;
                tokio::time::sleep(again).await;
            }
        };
        stop.run_until_cancelled(watch).await;
    }

    async fn deliver(&self, host: &Host, delivery: Delivery) -> Result<Sent, Undelivered> {
        outbound::deliver(&self.inner, host, delivery).await
    }

    async fn typing(&self, typing: Typing) {
        outbound::typing(&self.inner, typing).await;
    }
}
