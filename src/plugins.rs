//! Settings → plugin. What a key of `[plugins]` means to a plugin is said here and nowhere else.
//!
//! Each plugin has a credential of its own in the data directory, which its host is told of before the plugin attaches.

mod notices;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::Context as _;
use causeway_config::{
    PluginsSettings, Secret,
    plugins::telegram::{BotMode, BotSettings},
};
use causeway_instagram::Instagram;
use causeway_notices::Notices;
use causeway_plugin_sdk::{Metrics, Runtime, RuntimeOptions};
use causeway_proto::{
    client::{Credential, Grpc},
    plugin::{AddPluginRequest, PluginKind, plugins_client::PluginsClient},
};
use causeway_telegram::Telegram;
use tokio::net::TcpListener;
use tonic::Code;

use crate::{
    failure::Usage,
    host::{Host, bind},
};

/// How long a plugin's host may take to answer before it is asked again.
const PAUSE: Duration = Duration::from_secs(1);

/// The integrations that come along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    Telegram,
    Instagram,
    Notices,
}

impl Which {
    /// Those for which there is something to do.
    pub(crate) fn configured(settings: &PluginsSettings) -> Vec<Self> {
        let all = [Self::Telegram, Self::Instagram, Self::Notices];
        all.into_iter().filter(|which| which.is_configured(settings)).collect()
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Telegram => "telegram",
            Self::Instagram => "instagram",
            Self::Notices => "notices",
        }
    }

    pub(crate) fn kind(self) -> PluginKind {
        match self {
            Self::Telegram | Self::Instagram => PluginKind::Channel,
            Self::Notices => PluginKind::NoticeSource,
        }
    }

    /// Whether there is anything for it to do.
    pub(crate) fn is_configured(self, settings: &PluginsSettings) -> bool {
        match self {
            Self::Telegram => !settings.telegram.bots.is_empty(),
            Self::Instagram => !settings.instagram.accounts.is_empty(),
            Self::Notices => !settings.notices.is_empty(),
        }
    }

    fn needs_listener(self, settings: &PluginsSettings) -> bool {
        match self {
            Self::Telegram | Self::Instagram => true,
            Self::Notices => !settings.notices.webhooks.is_empty(),
        }
    }
}

/// Plugins that run.
pub(crate) struct RunningPlugins {
    run: tokio::task::JoinHandle<()>,
    /// Their names and where their webhooks come in, for people; empty when there are none.
    pub(crate) described: String,
    /// How long they may take to end.
    pub(crate) window: Duration,
}

impl RunningPlugins {
    /// Ends when all have finished what they had in hand, once the process drains.
    pub(crate) async fn drained(self) {
        // A panic was logged where it happened.
        let _ = self.run.await;
    }
}

/// Runs plugins until the process drains; `reach` makes clients of their hosts. Fails when a setting cannot be used, or when a
/// host does not let them in.
pub(crate) async fn start(
    host: &Host,
    which: &[Which],
    reach: impl Fn(Which, Credential) -> anyhow::Result<Grpc>,
) -> anyhow::Result<RunningPlugins> {
    let settings = &host.settings.plugins;
    let needs_listener = which.iter().any(|which| which.needs_listener(settings));
    let listener = match needs_listener {
        true => Some(bind(settings.listen, "plugins.listen", "CAUSEWAY_PLUGINS__LISTEN").await?),
        false => None,
    };
    let address = listener.as_ref().map(TcpListener::local_addr).transpose()?;
    let place = Place { host, settings, address };
    let mut metrics = Metrics::default();
    host.context.metrics.register(|registry| metrics = Metrics::register(registry));
    let drain = RuntimeOptions::default().drain;
    let mut runtime = Runtime::new(RuntimeOptions { listener, drain, metrics }, host.lifecycle.drain.clone());
    for which in which.iter().copied() {
        let token = host.dir.plugin_token(which.name())?.secret;
        admit(which, PluginsClient::new(reach(which, host.credential()?)?), &token).await?;
        let credential =
            Credential::bearer(token.expose()).context("a plugin's credential cannot be sent")?;
        let way = reach(which, credential)?;
        match which {
            Which::Telegram => runtime.add(place.telegram()?, way),
            Which::Instagram => runtime.add(place.instagram()?, way),
            Which::Notices => runtime.add(place.notices()?, way),
        }
    }
    let mut described: String = which.iter().map(|which| which.name()).collect::<Vec<_>>().join(", ");
    if let Some(address) = address {
        described.push_str(&format!(" at http://{address}"));
    }
    Ok(RunningPlugins { run: tokio::spawn(runtime.run()), described, window: drain + PAUSE })
}

/// Tells a host of a plugin's credential; waits while the host is away.
async fn admit(which: Which, mut hosts: PluginsClient<Grpc>, token: &Secret) -> anyhow::Result<()> {
    let mut waits = false;
    loop {
        let request = AddPluginRequest {
            name: which.name().to_owned(),
            kind: which.kind().into(),
            token: token.expose().to_owned(),
        };
        match hosts.add_plugin(request).await {
            Ok(_) => return Ok(()),
            Err(status) if status.code() == Code::Unavailable => {
                if !std::mem::replace(&mut waits, true) {
                    tracing::info!(
                        plugin = which.name(),
                        why = status.message(),
                        "waiting for the plugin's host"
                    );
                }
                tokio::time::sleep(PAUSE).await;
            }
            Err(status) => {
                let (name, said) = (which.name(), status.message());
                anyhow::bail!("the host does not let the plugin {name} in: {said}")
            }
        }
    }
}

/// What a plugin's settings are made from.
struct Place<'a> {
    host: &'a Host,
    settings: &'a PluginsSettings,
    /// Where the plugins' listener is.
    address: Option<SocketAddr>,
}

impl Place<'_> {
    fn public_url(&self) -> String {
        let configured = self.settings.public_url.as_ref().map(|url| url.trim_end_matches('/').to_owned());
        configured.unwrap_or_else(|| format!("http://{}", self.address.unwrap_or(self.settings.listen)))
    }

    fn telegram(&self) -> anyhow::Result<Telegram> {
        let set = &self.settings.telegram;
        let key = self.host.dir.file_links_key()?.secret;
        let settings = causeway_telegram::Settings {
            api: set.api.clone(),
            pace: causeway_telegram::Pace {
                per_second: set.per_second,
                chat_per_second: set.chat_per_second,
                ..causeway_telegram::Pace::default()
            },
            ..causeway_telegram::Settings::new(self.public_url(), hidden(&key)?, each(&set.bots, bot_of)?)
        };
        Telegram::new(&settings).map_err(|error| wrong("plugins.telegram", &error))
    }

    fn notices(&self) -> anyhow::Result<Notices> {
        let set = &self.settings.notices;
        let settings = causeway_notices::Settings {
            webhooks: each(&set.webhooks, notices::webhook)?,
            feeds: each(&set.feeds, |_, feed| Ok(notices::feed(feed)))?,
            tables: each(&set.tables, notices::table)?,
        };
        Notices::new(&settings).map_err(|error| wrong("plugins.notices", &error))
    }

    fn instagram(&self) -> anyhow::Result<Instagram> {
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
fn secret(key: &str, inline: &Option<Secret>, file: &Option<PathBuf>) -> anyhow::Result<Secret> {
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
