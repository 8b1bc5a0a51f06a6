//! Settings → part. What a key of the configuration means to a part is said here and nowhere else.

use std::time::Duration;

use causeway_bridge::{Bridge, Services, auth::Auth};
use causeway_chat::{Assignment, OnMessage, Peers};
use causeway_config::{Settings, notification};
use causeway_kit::{Context, Part};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use crate::{failure::Usage, host::Host};

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
    let settings = causeway_presence::Settings {
        offline_after: presence.offline_after,
        typing_timeout: presence.typing_timeout,
        orphan_grace: presence.orphan_grace,
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

/// Starts the bridge on a listener. It drains when the process does. Fails when a key cannot be used, or when two mounts
/// claim one path: then the configuration is wrong.
pub(crate) fn bridge(
    host: &Host,
    listener: TcpListener,
    services: Services,
) -> anyhow::Result<RunningBridge> {
    let Host { settings, context, lifecycle, dir, .. } = host;
    let auth = Auth::load(&settings.auth, &dir.signing_key_file(), context.clock.clone());
    let tasks = TaskTracker::new();
    let parts = causeway_bridge::Parts {
        settings: settings.bridge.clone(),
        auth: auth.map_err(|error| Usage::error(error.to_string()))?,
        services,
        clock: context.clock.clone(),
        tasks: tasks.clone(),
        stop: lifecycle.drain.clone(),
    };
    let mut started = None;
    context.metrics.register(|registry| started = Some(Bridge::start(parts, registry)));
    if let Some(bridge) = started.transpose().map_err(|error| Usage::error(error.to_string()))? {
        bridge.serve(listener);
    }
    Ok(RunningBridge { tasks, window: settings.bridge.drain + BRIDGE_GRACE })
}
