//! The bridge as a whole: it is put together here, and stopped here.

use std::{sync::Arc, time::Duration};

use causeway_config::BridgeSettings;
use causeway_proto::{event::Source, time::Clock};
use prometheus_client::registry::Registry;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use crate::{
    auth::Auth,
    backend::Services,
    fanout::subscriber::Subscriber,
    listener::{self, Edge, Incoming},
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
    /// Checks tokens.
    pub auth: Auth,
    /// How the services are reached.
    pub services: Services,
    /// The wall clock.
    pub clock: Clock,
    /// Knows every task of the bridge; when it is empty, the bridge has stopped.
    pub tasks: TaskTracker,
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
        let Parts { settings, auth, services, clock, tasks, stop } = parts;
        let metrics = Metrics::register(registry);
        let shared = Shared::new(Settings::from(&settings), auth, services, clock, metrics);
        let edge = Arc::new(Edge::new(&settings, shared.clone())?);
        let halt = CancellationToken::new();
        follow(&shared, &tasks, &halt);
        tasks.spawn(supervise(shared, stop, halt));
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

/// Waits for the order to stop, lets the sockets end, and then everything else. The services must still be
/// there meanwhile: what clients have sent is carried out.
async fn supervise(shared: Arc<Shared>, stop: CancellationToken, halt: CancellationToken) {
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
