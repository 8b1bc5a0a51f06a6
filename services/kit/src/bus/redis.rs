//! The bus over Redis: publish and subscribe, by shard where Redis can (7 and newer).
//!
//! Each topic is a channel. A process is subscribed to a channel while one of its subscribers has the topic, and a little longer;
//! so an event crosses to a process once, however many want it there, and not at all when none does. There is one connection for
//! each node of Redis (`link`): a single server or the primary that Sentinels name is one node that has all slots, a cluster has
//! several (`routes`). What is published goes to the subscribers of this process at once, and over a bounded queue to Redis;
//! what comes back of it from there is known by its `origin` and dropped.
//!
//! What may be lost, and who finds out:
//!
//! * on the way to Redis, when the queue is full or Redis is away: durable events are found in the log by the other processes'
//!   sweep, which runs every 2 s, and at once when the connection is back;
//! * on the way from Redis, while the connection is broken: when it breaks and when it is back, subscribers compare their topics
//!   with the log, and in between the log is looked at every `fallback_poll`;
//! * between taking a topic and the answer of Redis: the subscriber compares the topic with the log when that comes
//!   ([`Signal::Check`](super::Signal::Check)).
//!
//! Ephemeral events (typing, presence) are in no log: those that are lost are lost.
//!
//! The files: `channel` (names and bytes), `topics` (what is subscribed to), `link`, `orders` and `worker` (a node, what it is to
//! be asked for, and the task that does so, by which `verbs`), `inbox` (what comes), `routes` (nodes and slots), `measure`.

use std::{
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use causeway_link::redis::Redis;
use causeway_proto::event::Source;
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{Bus, Driver, Envelope, Local};
use crate::metrics::Metrics;

mod channel;
mod inbox;
mod link;
mod measure;
mod orders;
mod routes;
#[cfg(test)]
pub(crate) mod tests;
mod topics;
mod verbs;
mod worker;

use channel::Channels;
use link::{Link, Loss};
use measure::BusMetrics;
use routes::Routes;
use topics::{Taken, Topics};

/// The kind of [`Bus::wake`] that says: something was lost on the way to you, look at the log.
pub(crate) const LOOK_AT_LOG: &str = "log";

/// How many events wait for another attempt while a cluster rearranges itself.
const AGAIN: usize = 1024;

/// How the bus uses Redis.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What the names of channels begin with: processes with the same one hear each other.
    pub prefix: String,
    /// How often the log is looked at while Redis is away.
    pub fallback_poll: Duration,
    /// How long a topic stays subscribed to after nobody has it, because it often comes back at once.
    pub linger: Duration,
    /// Whether to publish by shard where Redis can. All processes must agree.
    pub sharded: bool,
}

impl Default for Settings {
    fn default() -> Self {
        let (fallback_poll, linger) = (Duration::from_millis(250), Duration::from_secs(2));
        Self { prefix: "causeway".into(), fallback_poll, linger, sharded: true }
    }
}

/// The driver over Redis. Cloning is cheap.
#[derive(Clone)]
pub struct RedisDriver(Arc<Shared>);

struct Shared {
    redis: Redis,
    settings: Settings,
    channels: Channels,
    local: Local,
    topics: Topics,
    routes: RwLock<Arc<Routes>>,
    links: AtomicU64,
    health: watch::Sender<bool>,
    /// Where the nodes are may have changed.
    refresh: Notify,
    again: mpsc::Sender<Arc<Envelope>>,
    measure: BusMetrics,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl RedisDriver {
    /// Connects to the nodes, in tasks of its own that end at the stop. What comes goes to `local`.
    pub fn start(
        redis: Redis,
        settings: Settings,
        local: Local,
        tasks: &TaskTracker,
        stop: &CancellationToken,
        metrics: &Metrics,
    ) -> Self {
        let (again, retries) = mpsc::channel(AGAIN);
        let shared = Arc::new(Shared {
            channels: Channels::new(&settings.prefix),
            redis,
            settings,
            local,
            topics: Topics::default(),
            routes: RwLock::default(),
            links: AtomicU64::new(0),
            health: watch::Sender::new(false),
            refresh: Notify::new(),
            again,
            measure: BusMetrics::register(metrics),
            tasks: tasks.clone(),
            stop: stop.clone(),
        });
        tasks.spawn(routes::direct(shared.clone(), retries));
        Self(shared)
    }

    /// A bus over a driver of its own.
    pub fn bus(
        redis: Redis,
        settings: Settings,
        tasks: &TaskTracker,
        stop: &CancellationToken,
        metrics: &Metrics,
    ) -> Bus {
        let local = Local::default();
        Bus::new(Self::start(redis, settings, local.clone(), tasks, stop, metrics), local)
    }
}

impl Driver for RedisDriver {
    fn publish(&self, envelopes: &[Arc<Envelope>], local: &Local) {
        local.deliver(envelopes);
        let routes = self.0.routes();
        envelopes.iter().for_each(|envelope| self.0.send(&routes, envelope));
    }

    fn reaches_others(&self) -> bool {
        true
    }

    fn take(&self, source: Source, topic: &Arc<str>) -> bool {
        let channel = self.0.channels.name(source, topic);
        let id = || self.0.routes().of(&channel).map(|link| link.id);
        let taken = self.0.topics.take(&channel, source, topic, id);
        self.0.measure.topics(self.0.topics.len());
        match (taken, self.0.routes().of(&channel)) {
            (Taken::Settled, _) | (_, None) => true,
            (Taken::Waits, Some(link)) => !link.is_up(),
            (Taken::Ask, Some(link)) => {
                link.orders.ask(channel);
                !link.is_up()
            }
        }
    }

    fn release(&self, source: Source, topic: &Arc<str>) {
        let channel = self.0.channels.name(source, topic);
        // Somebody may have taken it in between.
        let is_wanted = || self.0.local.wants(source, topic);
        if self.0.topics.release(&channel, is_wanted)
            && let Some(link) = self.0.routes().of(&channel)
        {
            link.orders.leave(channel, self.0.settings.linger);
        }
    }

    fn health(&self) -> Option<watch::Receiver<bool>> {
        Some(self.0.health.subscribe())
    }

    fn fallback_poll(&self) -> Duration {
        self.0.settings.fallback_poll
    }

    fn polled(&self) {
        self.0.measure.polled();
    }
}

impl Shared {
    fn routes(&self) -> Arc<Routes> {
        self.routes.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_routes(&self, routes: Routes) {
        *self.routes.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(routes);
    }

    /// Queues an event for the node of its topic; counts it when it is lost.
    fn send(&self, routes: &Routes, envelope: &Arc<Envelope>) {
        let link = match routes.links() {
            [only] => Some(only),
            _ => routes.of(&self.channels.name(envelope.source, &envelope.topic)),
        };
        let sent = link.map_or(Err(Loss::Away), |link| link.send(envelope));
        if let Err(loss) = sent {
            self.measure.lost(loss, 1);
        }
    }

    /// Nobody can be asked for a channel, or to leave it: those that nobody wants any more are forgotten meanwhile, so that no
    /// more of them gather than are wanted.
    fn forget(&self, link: Option<u64>) {
        self.topics.forget(link);
        self.measure.topics(self.topics.len());
    }

    /// A link came or went.
    fn judge(&self) {
        self.health.send_if_modified(|health| {
            // Looked at in here, where one who judges waits for another: the last to do so sees what all have changed.
            let routes = self.routes();
            let well = !routes.links().is_empty() && routes.links().iter().all(|link| link.is_up());
            self.measure.well(well);
            std::mem::replace(health, well) != well
        });
    }

    fn next_link(&self) -> u64 {
        self.links.fetch_add(1, Ordering::Relaxed)
    }

    /// Tells the other processes that something was lost on the way to them.
    fn confess(&self, link: &Link) {
        let wake = Arc::new(super::wake::envelope(LOOK_AT_LOG));
        // When even that is lost, their sweep finds what was.
        let _ = link.send(&wake);
    }
}
