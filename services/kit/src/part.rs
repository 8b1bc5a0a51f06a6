//! How a service and whoever composes the process meet: [`Context`] goes in, [`Part`] comes out.

use std::path::PathBuf;

use causeway_link::redis::Redis;
use causeway_proto::time::Clock;
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::service::RoutesBuilder;

use crate::{bus::Bus, events::Hub, metrics::Metrics, plugin_host::Host, store::Storage};

/// What every service of a process is given.
#[derive(Clone)]
pub struct Context {
    /// Where keys lie, and files of what needs no server. It exists.
    pub data_dir: PathBuf,
    /// Where stores are.
    pub storage: Storage,
    /// The wall clock.
    pub clock: Clock,
    /// Carries events from stores to subscribers.
    pub bus: Bus,
    /// What the processes of a service share; `None` where each is alone.
    pub redis: Option<Redis>,
    /// Every task is spawned here.
    pub tasks: TaskTracker,
    /// Cancelled when the process is about to end: health says no, and everything goes on.
    pub leaving: CancellationToken,
    /// Cancelled after that, `leaving` with it: nothing new is begun, streams end so that whoever reads them goes on elsewhere,
    /// and calls under way are finished.
    pub closing: CancellationToken,
    /// Every task ends soon after this is cancelled, `closing` with it.
    pub stop: CancellationToken,
    /// Where metrics are registered.
    pub metrics: Metrics,
}

impl Context {
    /// A context of its own bus, tasks and metrics on the system's clock.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        let stop = CancellationToken::new();
        let closing = stop.child_token();
        let data_dir = data_dir.into();
        Self {
            storage: Storage::Files(data_dir.clone()),
            data_dir,
            clock: Clock::default(),
            bus: Bus::default(),
            redis: None,
            tasks: TaskTracker::new(),
            leaving: closing.child_token(),
            closing,
            stop,
            metrics: Metrics::default(),
        }
    }
}

/// A started service.
pub struct Part {
    /// Its name and its protobuf package: `chat` is `causeway.chat.v1`.
    pub name: &'static str,
    /// Its topics.
    pub hub: Hub,
    /// Whether it can do its job.
    pub health: watch::Receiver<bool>,
    /// Cancelled when it will not be able to until the process is started again.
    pub broken: CancellationToken,
    /// Its plugins; `None` where it has none.
    pub plugins: Option<Host>,
    /// Adds its gRPC services.
    pub add: Box<dyn FnOnce(&mut RoutesBuilder) + Send>,
}
