//! How a service and whoever composes the process meet: [`Context`] goes in, [`Part`] comes out.

use std::path::PathBuf;

use causeway_proto::time::Clock;
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::service::RoutesBuilder;

use crate::{bus::Bus, events::Hub, metrics::Metrics, plugin_host::Host};

/// What every service of a process is given.
#[derive(Clone)]
pub struct Context {
    /// Where databases and keys lie. It exists.
    pub data_dir: PathBuf,
    /// The wall clock.
    pub clock: Clock,
    /// Carries events from stores to subscribers.
    pub bus: Bus,
    /// Every task is spawned here.
    pub tasks: TaskTracker,
    /// Every task ends soon after this is cancelled.
    pub stop: CancellationToken,
    /// Where metrics are registered.
    pub metrics: Metrics,
}

impl Context {
    /// A context of its own bus, tasks and metrics on the system's clock.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            clock: Clock::default(),
            bus: Bus::default(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
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
    /// Its plugins; `None` where it has none.
    pub plugins: Option<Host>,
    /// Adds its gRPC services.
    pub add: Box<dyn FnOnce(&mut RoutesBuilder) + Send>,
}
