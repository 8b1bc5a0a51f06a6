//! Everything that is the same for every plugin, for all plugins of a process.

use std::{collections::HashMap, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use axum::Router;
use causeway_proto::{client::Grpc, plugin::plugin_host_client::PluginHostClient};
use futures_util::{FutureExt, future::BoxFuture};
use tokio::{
    net::TcpListener,
    task::JoinSet,
    time::{Instant, timeout, timeout_at},
};
use tokio_util::sync::CancellationToken;

use crate::{Host, Metrics, Plugin, attach, listener};

/// How long the last words may take: reports to the host, and to providers that the plugin stops.
const GOODBYE: Duration = Duration::from_secs(1);

/// How a process runs its plugins.
#[derive(Debug)]
pub struct RuntimeOptions {
    /// Where webhooks come in, for all plugins; `None` when nobody calls.
    pub listener: Option<TcpListener>,
    /// How long pending webhooks, deliveries and reports may take at the end.
    pub drain: Duration,
    /// What is counted.
    pub metrics: Metrics,
}

impl Default for RuntimeOptions {
    fn default() -> Self {
        Self { listener: None, drain: Duration::from_secs(10), metrics: Metrics::default() }
    }
}

/// Runs plugins: keeps each attached to its host, serves their routes, and ends them in order.
pub struct Runtime {
    options: RuntimeOptions,
    /// Nothing new is begun.
    stop: CancellationToken,
    /// And what was begun is brought to its end.
    finish: CancellationToken,
    routes: HashMap<String, Router>,
    /// What plugins do on their own.
    pursuits: Vec<BoxFuture<'static, ()>>,
    attachments: Vec<BoxFuture<'static, ()>>,
}

impl std::fmt::Debug for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runtime").field("plugins", &self.routes.keys()).finish_non_exhaustive()
    }
}

impl Runtime {
    /// Without a plugin yet. It ends some time after `stop`.
    pub fn new(options: RuntimeOptions, stop: CancellationToken) -> Self {
        Self {
            options,
            stop: stop.child_token(),
            finish: CancellationToken::new(),
            routes: HashMap::new(),
            pursuits: Vec::new(),
            attachments: Vec::new(),
        }
    }

    /// Adds a plugin that attaches through `host`, which carries the plugin's own credential. One whose name is none, or is
    /// that of another, is logged and left out.
    pub fn add(&mut self, plugin: impl Plugin, host: Grpc) {
        let plugin = Arc::new(plugin);
        let profile = plugin.profile();
        if !listener::is_name(&profile.name) || self.routes.contains_key(&profile.name) {
            tracing::error!(plugin = %profile.name, "a plugin's name is none, or another's; it is left out");
            return;
        }
        let (way, requests) = Host::open();
        self.routes.insert(profile.name.clone(), plugin.clone().routes(way.clone()));
        let pursuit = plugin.clone().run(way.clone(), self.stop.clone());
        self.pursuits.push(Box::pin(pursue(profile.name.clone(), pursuit)));
        let metrics = self.options.metrics.of(&profile.name);
        let hands = attach::Hands::of(plugin, way);
        let ends = attach::Ends { stop: self.stop.clone(), finish: self.finish.clone() };
        let host = PluginHostClient::new(host);
        self.attachments.push(Box::pin(attach::run(profile, hands, host, requests, metrics, ends)));
    }

    /// Runs until the stop, and then for at most [`RuntimeOptions::drain`] and two seconds. Ends early only when something in it
    /// has failed that must not.
    pub async fn run(self) {
        let mut attachments: JoinSet<()> = self.attachments.into_iter().collect();
        let mut work: JoinSet<()> = self.pursuits.into_iter().collect();
        if let Some(listener) = self.options.listener {
            work.spawn(listener::serve(listener, self.routes, self.stop.clone()));
        }
        until_stopped_or_dead(&mut attachments, &self.stop).await;
        let deadline = Instant::now() + self.options.drain;
        // First whoever pushes events, then what they pushed.
        let pushed = timeout_at(deadline, all(&mut work)).await;
        self.finish.cancel();
        let deadline = deadline.max(Instant::now() + GOODBYE);
        if timeout_at(deadline, all(&mut attachments)).await.is_err() {
            tracing::warn!("some plugins were stopped with events or deliveries in hand");
        }
        // With the attachments goes the hope of whoever still waits for an event to be settled.
        attachments.shutdown().await;
        if pushed.is_err() && timeout(GOODBYE, all(&mut work)).await.is_err() {
            tracing::warn!("some plugins did not stop in time");
        }
        work.shutdown().await;
    }
}

/// Waits for the stop; or for the end of an attachment, which is a fault, and a stop of all plugins.
async fn until_stopped_or_dead(attachments: &mut JoinSet<()>, stop: &CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        Some(Err(error)) = attachments.join_next() => {
            tracing::error!(%error, "a plugin's attachment failed; all stop");
            stop.cancel();
        }
    }
}

/// What a plugin does on its own. When that fails, its routes and deliveries go on.
async fn pursue(plugin: String, pursuit: impl Future<Output = ()> + Send) {
    if AssertUnwindSafe(pursuit).catch_unwind().await.is_err() {
        tracing::error!(%plugin, "a plugin panicked and does nothing on its own any more");
    }
}

async fn all(tasks: &mut JoinSet<()>) {
    while tasks.join_next().await.is_some() {}
}
