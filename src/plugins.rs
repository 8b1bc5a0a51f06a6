//! Settings → plugin. What a key of `[plugins]` means to a plugin is said here and nowhere else.
//!
//! Each plugin has a credential of its own in the data directory, which its host is told of before the plugin attaches.

mod makings;
mod notices;

use std::time::Duration;

use anyhow::Context as _;
use causeway_config::{PluginsSettings, Secret};
use causeway_plugin_sdk::{Metrics, Runtime, RuntimeOptions};
use causeway_proto::{
    client::{Credential, Grpc},
    plugin::{AddPluginRequest, PluginKind, plugins_client::PluginsClient},
};
use futures_util::FutureExt;
use tokio::{net::TcpListener, sync::oneshot};
use tonic::Code;

use self::makings::Makings;
pub(crate) use self::makings::check;
use crate::host::{Host, bind};

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
    ended: oneshot::Receiver<()>,
    /// Their names and where their webhooks come in, for people; empty when there are none.
    pub(crate) described: String,
    /// How long they may take to end.
    pub(crate) window: Duration,
}

impl RunningPlugins {
    /// Ends when all have finished what they had in hand, once the process drains.
    pub(crate) async fn drained(self) {
        // The sender is dropped in any case when they have.
        let _ = self.ended.await;
    }
}

/// Runs plugins until the process drains; `reach` makes clients of their hosts. Fails when a setting cannot be used. A plugin that
/// its host does not let in stops the process.
pub(crate) async fn start(
    host: &mut Host,
    which: &[Which],
    reach: impl Fn(Which, Credential) -> anyhow::Result<Grpc>,
) -> anyhow::Result<RunningPlugins> {
    let settings = &host.settings.plugins;
    let needs_listener = which.iter().any(|which| which.needs_listener(settings));
    let listener = match needs_listener {
        true => Some(bind(settings.listen, "plugins.listen", "CAUSEWAY_PLUGINS__LISTEN").await?),
        false => None,
    };
    let mut described: String = which.iter().map(|which| which.name()).collect::<Vec<_>>().join(", ");
    let address = listener.as_ref().map(TcpListener::local_addr).transpose()?;
    if let Some(address) = address {
        described.push_str(&format!(" at http://{address}"));
    }
    let public_url = settings.public_url.as_ref().map(|url| url.trim_end_matches('/').to_owned());
    let public_url = public_url.unwrap_or_else(|| format!("http://{}", address.unwrap_or(settings.listen)));
    let makings = Makings { settings, public_url, file_key: host.dir.file_links_key()?.secret };

    let mut metrics = Metrics::default();
    host.context.metrics.register(|registry| metrics = Metrics::register(registry));
    let stop = host.lifecycle.drain.clone();
    let drain = RuntimeOptions::default().drain;
    let mut runtime = Runtime::new(RuntimeOptions { listener, drain, metrics }, stop.clone());
    let mut admissions = Vec::with_capacity(which.len());
    for which in which.iter().copied() {
        let token = host.dir.plugin_token(which.name())?.secret;
        let credential =
            Credential::bearer(token.expose()).context("a plugin's credential cannot be sent")?;
        let way = reach(which, credential)?;
        match which {
            Which::Telegram => runtime.add(makings.telegram()?, way),
            Which::Instagram => runtime.add(makings.instagram()?, way),
            Which::Notices => runtime.add(makings.notices()?, way),
        }
        admissions.push((which, PluginsClient::new(reach(which, host.credential()?)?), token));
    }
    let (end, ended) = oneshot::channel();
    host.lifecycle.essential("the task of the plugins", async move {
        let _end = end;
        for (which, hosts, token) in admissions {
            match stop.run_until_cancelled(admit(which, hosts, &token)).await {
                Some(Ok(())) => {}
                Some(Err(error)) => return tracing::error!(%error, "a plugin cannot run"),
                None => return,
            }
        }
        runtime.run().await;
    });
    Ok(RunningPlugins { ended, described, window: drain + PAUSE })
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
        // Boxed, because the compiler cannot see that such a call may change threads.
        match hosts.add_plugin(request).boxed().await {
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
