//! Settings → part. What a key of the configuration means to a part is said here and nowhere else.

use std::{sync::Arc, time::Duration};

use causeway_bridge::{Bridge, Live, LiveSettings, Services, SharedLimits};
use causeway_chat::{Assignment, OnMessage, Peers};
use causeway_config::{Settings, notification};
use causeway_kit::{Context, Part};
use tokio::{net::TcpListener, sync::watch};
use tokio_util::task::TaskTracker;

use crate::{failure::Usage, host::Host, tls};

/// What the bridge takes to end beyond its drain window: calls under way, and the answers to close frames.
const BRIDGE_GRACE: Duration = Duration::from_secs(15);

/// Starts chat, which calls its peers.
pub(crate) async fn chat(settings: &Settings, context: &Context, peers: Peers) -> anyhow::Result<Part> {
    let chat = &settings.services.chat;
    let support = match chat.support.users.as_slice() {
        [] => Assignment::Audience(chat.support.audience.clone()),
        users => Assignment::Users(users.to_vec()),
    };
    let on_message = match settings.notification.on_message {
        notification::OnMessage::Away => OnMessage::Away,
        notification::OnMessage::Always => OnMessage::Always,
        notification::OnMessage::Never => OnMessage::Never,
    };
    let settings = causeway_chat::Settings {
        retain: chat.retain,
        idempotency: chat.idempotency,
        support,
        on_message,
        presence_limit: chat.presence_limit,
        delivery_limit: chat.delivery_limit,
        allow_http_attachments: settings.bridge.allow_http_attachments,
    };
    Ok(causeway_chat::start(settings, context, peers).await?)
}

/// Starts notification.
pub(crate) async fn notification(settings: &Settings, context: &Context) -> anyhow::Result<Part> {
    let notification = &settings.services.notification;
    let settings = causeway_notification::Settings {
        retain: notification.retain,
        idempotency: notification.idempotency,
        ..causeway_notification::Settings::default()
    };
    Ok(causeway_notification::start(settings, context).await?)
}

/// Starts presence.
pub(crate) async fn presence(settings: &Settings, context: &Context) -> anyhow::Result<Part> {
    let presence = &settings.services.presence;
    let prefix = &settings.redis.prefix;
    let shared = context.redis.clone().map(|redis| causeway_presence::SharedAt::new(redis, prefix));
    let settings = causeway_presence::Settings {
        offline_after: presence.offline_after,
        typing_timeout: presence.typing_timeout,
        orphan_grace: presence.orphan_grace,
        shared,
        ..causeway_presence::Settings::default()
    };
    Ok(causeway_presence::start(settings, context).await?)
}

/// The tasks of a bridge that runs.
pub(crate) struct RunningBridge {
    tasks: TaskTracker,
    /// How long they may take to end.
    pub(crate) window: Duration,
}

impl RunningBridge {
    /// Ends when all sockets are closed, once the process drains.
    pub(crate) async fn drained(self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// What the bridge takes while it runs.
const CHANGING: [&str; 12] = [
    "auth.audience",
    "auth.identity_claims",
    "auth.introspection",
    "auth.issuer",
    "auth.keys",
    "auth.leeway",
    "bridge.allow_localhost_origins",
    "bridge.max_connections",
    "bridge.max_connections_per_user",
    "bridge.origins",
    "bridge.rate",
    "bridge.tls",
];

/// Starts the bridge on a listener. It drains when the process does. Fails when a key cannot be used, or when two mounts
/// claim one path: then the configuration is wrong.
pub(crate) fn bridge(
    host: &mut Host,
    listener: TcpListener,
    services: Services,
) -> anyhow::Result<RunningBridge> {
    let live = live(host)?;
    let Host { settings, context, lifecycle, .. } = host;
    let tasks = TaskTracker::new();
    let parts = causeway_bridge::Parts {
        settings: settings.bridge.clone(),
        live,
        services,
        limits: context
            .redis
            .clone()
            .map(|redis| SharedLimits { redis, prefix: settings.redis.prefix.clone() }),
        clock: context.clock.clone(),
        tasks: tasks.clone(),
        leaving: lifecycle.leaving.clone(),
        stop: lifecycle.drain.clone(),
    };
    let mut started = None;
    context.metrics.register(|registry| started = Some(Bridge::start(parts, registry)));
    if let Some(bridge) = started.transpose().map_err(|error| Usage::error(error.to_string()))? {
        bridge.serve(listener);
    }
    Ok(RunningBridge { tasks, window: settings.bridge.drain + BRIDGE_GRACE })
}

/// What the bridge can be told while it runs, now and after each reload.
fn live(host: &mut Host) -> anyhow::Result<LiveSettings> {
    let (signing_key, clock) = (host.dir.signing_key_file(), host.context.clock.clone());
    let load = move |settings: &Settings| -> anyhow::Result<Arc<Live>> {
        let live = Live::load(&settings.bridge, &settings.auth, &signing_key, clock.clone());
        let tls = tls::load(settings.bridge.tls.as_ref(), "bridge.tls", b"http/1.1")?;
        Ok(Arc::new(live.map_err(|error| Usage::error(error.to_string()))?.with_tls(tls)))
    };
    let (publish, live) = watch::channel(load(&host.settings)?);
    host.reloads.add(&CHANGING, move |settings| {
        let (publish, live) = (publish.clone(), load(settings)?);
        Ok(Box::new(move || drop(publish.send_replace(live))))
    });
    Ok(live)
}
