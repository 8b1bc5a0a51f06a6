//! Keeps a plugin attached to its host, as `proto/causeway/plugin/v1/plugin.proto` says, until it stops.
//!
//! [`run`] opens one stream after another ([`stream`]) and pauses between them ([`ending`], [`backoff`]). What outlives a
//! stream is the [`attachment`]: [`events`] on their way to the host, with [`lanes`] of those that the host wants later;
//! [`deliveries`] in the plugin's [`hands`] and the [`report`]s of them; and [`accounts`]. All of these are values that take
//! the time as an argument; only `stream` holds the connection.

mod accounts;
mod attachment;
mod backoff;
mod deliveries;
mod ending;
mod events;
mod hands;
mod lanes;
mod report;
mod stream;
#[cfg(test)]
mod tests;

use std::time::Duration;

use attachment::Attachment;
use backoff::{Backoff, asked_for};
use causeway_proto::{client::Grpc, plugin::plugin_host_client::PluginHostClient};
use ending::{Again, Ending};
pub(crate) use hands::Hands;
use stream::Stream;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::{Profile, host::Requests, metrics::PluginMetrics};

/// How a plugin is told to end.
#[derive(Debug, Clone)]
pub(crate) struct Ends {
    /// Take no new deliveries.
    pub(crate) stop: CancellationToken,
    /// No more events come: end when all is settled and reported.
    pub(crate) finish: CancellationToken,
}

/// Keeps a plugin attached until it has finished.
pub(crate) async fn run(
    profile: Profile,
    hands: Hands,
    host: PluginHostClient<Grpc>,
    requests: Requests,
    metrics: PluginMetrics,
    ends: Ends,
) {
    let mut attachment = Attachment::new(profile, hands, requests, metrics, ends);
    let mut backoff = Backoff::default();
    let mut log = Log::default();
    loop {
        let (ending, lasted) = attach(&mut attachment, host.clone(), &mut log).await;
        let Some(again) = ending.again() else { return };
        let pause = match again {
            Again::AtOnce => {
                backoff = Backoff::default();
                Duration::ZERO
            }
            Again::Soon => backoff.after(lasted),
            Again::After(named) => asked_for(named),
            Again::Person { pause, .. } => pause,
        };
        log.lost(attachment.name(), &ending, again, lasted.is_some());
        if idle(&mut attachment, sleep(pause)).await.is_none() {
            return;
        }
    }
}

/// One stream from Hello to its end, and how long it lasted after Welcome.
async fn attach(
    attachment: &mut Attachment,
    host: PluginHostClient<Grpc>,
    log: &mut Log,
) -> (Ending, Option<Duration>) {
    let opened = Stream::open(host, attachment.hello());
    let stream = match idle(attachment, opened).await {
        Some(Ok(stream)) => stream,
        Some(Err(ending)) => return (ending, None),
        None => return (Ending::Finished, None),
    };
    let start = Instant::now();
    log.attached(attachment.name(), stream.session());
    let ending = stream.run(attachment).await;
    attachment.metrics().detached();
    (ending, Some(start.elapsed()))
}

/// Waits for something without a stream, while events come in and deliveries end; `None` when the plugin has finished
/// meanwhile.
async fn idle<T>(attachment: &mut Attachment, until: impl Future<Output = T>) -> Option<T> {
    let mut until = std::pin::pin!(until);
    while !attachment.is_finished() {
        tokio::select! {
            done = &mut until => return Some(done),
            () = attachment.work() => {}
        }
    }
    None
}

/// Says what a person wants to know, and the same thing once.
#[derive(Debug, Default)]
struct Log {
    last: String,
}

impl Log {
    fn attached(&mut self, plugin: &str, session: &str) {
        tracing::info!(plugin, session, "attached");
        self.last.clear();
    }

    fn lost(&mut self, plugin: &str, ending: &Ending, again: Again, was_attached: bool) {
        let reason = ending.reason();
        let is_new = std::mem::replace(&mut self.last, reason.clone()) != reason;
        match again {
            Again::AtOnce => tracing::info!(plugin, reason, "attaching again"),
            Again::Person { advice, pause } => {
                tracing::error!(plugin, reason, advice, again_in = ?pause, "the host does not take the plugin");
            }
            Again::Soon | Again::After(_) if was_attached || is_new => {
                tracing::warn!(plugin, reason, "not attached; trying again");
            }
            Again::Soon | Again::After(_) => tracing::debug!(plugin, reason, "not attached yet"),
        }
    }
}
