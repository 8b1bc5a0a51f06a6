//! The bridge as a whole: it is put together here, and stopped here.

use std::{sync::Arc, time::Duration};

use causeway_config::BridgeSettings;
use causeway_proto::{event::Source, time::Clock};
use prometheus_client::registry::Registry;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use crate::{
    backend::Services,
    fanout::subscriber::Subscriber,
    limits::{Limits, SharedLimits, Together},
    listener::{self, Edge, Incoming},
    live::LiveSettings,
    metrics::Metrics,
    mount::MountConflict,
    presence::Link,
    settings::Settings,
    shared::Shared,
};

/// The services whose events the bridge follows.
const SOURCES: [Source; 3] = [Source::Chat, Source::Notification, Source::Presence];

/// What a bridge is made of.
pub struct Parts {
    /// The `[bridge]` section.
    pub settings: BridgeSettings,
    /// What can be changed while it runs.
    pub live: LiveSettings,
    /// How the services are reached.
    pub services: Services,
    /// Where the limits of users are kept together with other bridges; `None`: each bridge has its own.
    pub limits: Option<SharedLimits>,
    /// The wall clock.
    pub clock: Clock,
    /// Knows every task of the bridge; when it is empty, the bridge has stopped.
    pub tasks: TaskTracker,
    /// Cancelled some time before that: the bridge is not ready any more and goes on.
    pub leaving: CancellationToken,
    /// Cancelled to stop: sockets are closed with 1012 over the drain window, and then everything ends.
    pub stop: CancellationToken,
}

/// A running bridge. Dropping it does not stop it; cancelling [`Parts::stop`] does.
#[derive(Clone)]
pub struct Bridge {
    edge: Arc<Edge>,
    tasks: TaskTracker,
}

impl Bridge {
    /// Puts a bridge together and begins to follow the services, which need not be there yet. Fails when two
    /// mounts claim the same path.
    pub fn start(parts: Parts, registry: &mut Registry) -> Result<Self, MountConflict> {
        let Parts { settings, live, services, limits, clock, tasks, leaving, stop } = parts;
        let metrics = Metrics::register(registry);
        let shared = Shared::new(Settings::from(&settings), live.clone(), services, clock, metrics);
        let edge = Arc::new(Edge::new(&settings, shared.clone())?);
        let halt = CancellationToken::new();
        follow(&shared, &tasks, &halt);
        if let Some(at) = limits {
            tasks.spawn(Together::new(at, edge.limits.clone()).run(halt.clone()));
        }
        tasks.spawn(keep_to(live, edge.limits.clone(), halt.clone()));
        tasks.spawn(supervise(shared, leaving, stop, halt));
        Ok(Self { edge, tasks })
    }

    /// Takes sockets from a listener, until the bridge stops.
    pub fn serve(&self, incoming: impl Incoming) {
        self.tasks.spawn(listener::run(incoming, self.edge.clone()));
    }

    /// What the bridge waits for before it can do its job; empty when it is ready.
    pub fn waits_for(&self) -> Vec<&'static str> {
        self.edge.shared.waits_for()
    }
}

/// Opens the streams to the services.
fn follow(shared: &Arc<Shared>, tasks: &TaskTracker, halt: &CancellationToken) {
    for source in SOURCES {
        let subscriber = Subscriber::new(
            source,
            shared.backend.events(source),
            shared.fanout.registry(source).clone(),
            shared.streams.of(source).clone(),
            shared.metrics.clone(),
        );
        tasks.spawn(subscriber.run(halt.clone()));
    }
    let bridge_id = Uuid::new_v4().to_string();
    let attachment = shared.streams.attachment.clone();
    let link = Link::new(bridge_id, shared.backend.presence(), shared.ledger.clone(), attachment);
    tasks.spawn(link.run(halt.clone()));
}

/// Sees that open sockets keep to the limits as they are set now.
async fn keep_to(mut live: LiveSettings, limits: Arc<Limits>, halt: CancellationToken) {
    let changes = async {
        while live.changed().await.is_ok() {
            limits.set(live.borrow_and_update().caps);
        }
    };
    let _ = halt.run_until_cancelled(changes).await;
}

/// Waits for the order to stop, lets the sockets end, and then everything else. The services must still be
/// there meanwhile: what clients have sent is carried out.
async fn supervise(
    shared: Arc<Shared>,
    leaving: CancellationToken,
    stop: CancellationToken,
    halt: CancellationToken,
) {
    tokio::select! {
        () = leaving.cancelled() => shared.leaving.cancel(),
        () = stop.cancelled() => {}
    }
    stop.cancelled().await;
    shared.drain.cancel();
    shared.sockets.close();
    let settings = &shared.settings;
    let patience = settings.drain + settings.call_timeout + settings.close_timeout + Duration::from_secs(1);
    if tokio::time::timeout(patience, shared.sockets.wait()).await.is_err() {
        tracing::warn!(sockets = shared.sockets.len(), "sockets are still open; going on without them");
    }
    halt.cancel();
}
