//! The connection to Redis: one server, the primary that Sentinels watch, or a cluster.
//!
//! [`Redis::connect`] waits until Redis is there, as long as it may; from then on the connection comes back by itself, and
//! [`Redis::health`] says whether it is there. [`Redis::commands`] is for commands and scripts; for what a server sends without
//! being asked (publish and subscribe), [`Redis::shards`] says which nodes there are and [`Redis::open`] connects to one.
//!
//! Redis is speed and never the truth: whoever uses it goes on without it.
//!
//! The files: `address` (the URL), `node` (a connection to one node), `keeper` (one that comes back), `sentinel`, `shards` and
//! `slot` (clusters), `commands` (what they have in common), `cluster`.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use redis::{
    RedisError,
    aio::{AsyncPushSender, MultiplexedConnection},
};
use thiserror::Error;
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout_at},
};
use tokio_util::task::AbortOnDropHandle;

mod address;
mod backoff;
mod cluster;
mod commands;
mod keeper;
mod node;
mod sentinel;
mod shards;
mod slot;
#[cfg(test)]
mod tests;

pub use address::{ALLOWED, Address, AddressError, Endpoint};
pub use backoff::Backoff;
pub use commands::Commands;
pub use shards::Shard;
pub use slot::{SLOTS, slot};

use address::Kind;
use cluster::Cluster;
use commands::Way;
use keeper::{Keeper, State};
use node::Dial;

/// How often it is said what start-up waits for.
const SAY: Duration = Duration::from_secs(5);

/// How Redis is reached.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where it is.
    pub address: Address,
    /// A root certificate in PEM for `rediss`; `None`: those of the system.
    pub ca: Option<Vec<u8>>,
    /// How long connecting to one node may take.
    pub connect_timeout: Duration,
    /// How long a command waits for a connection, and for its answer.
    pub response_timeout: Duration,
    /// How long [`Redis::connect`] waits.
    pub start_timeout: Duration,
}

impl Settings {
    /// The usual times.
    pub fn new(address: Address) -> Self {
        Self {
            address,
            ca: None,
            connect_timeout: Duration::from_secs(1),
            response_timeout: Duration::from_secs(1),
            start_timeout: Duration::from_secs(30),
        }
    }
}

/// Redis was not there in time.
#[derive(Debug, Error)]
#[error(
    "no answer from {address} (redis.url) within {waited:?}: {why}; start Redis, name another address, or remove redis.url"
)]
pub struct ConnectError {
    address: Address,
    waited: Duration,
    why: String,
}

/// The connection to Redis. Cloning is cheap; it ends with the last clone.
#[derive(Clone)]
pub struct Redis {
    address: Arc<Address>,
    dial: Dial,
    commands: Commands,
    health: watch::Receiver<bool>,
    /// Of a cluster, when it was asked last.
    nodes: Arc<Mutex<Vec<Endpoint>>>,
    _task: Arc<AbortOnDropHandle<()>>,
}

impl Redis {
    /// Connects, and waits until that succeeds; what it waits for is in the log. Fails when `start_timeout` is over.
    pub async fn connect(settings: Settings) -> Result<Self, ConnectError> {
        let Settings { address, ca, connect_timeout, response_timeout, start_timeout } = settings;
        let dial = Dial {
            tls: address.tls,
            ca: ca.map(Into::into),
            login: address.login.clone(),
            connect_timeout,
            response_timeout,
        };
        if address.tls {
            // Fails when another part of the process has done so.
            let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        }
        let until = Instant::now() + start_timeout;
        let started = match address.kind {
            Kind::Cluster => Self::to_cluster(&address, &dial, until).await,
            Kind::Single | Kind::Sentinel { .. } => Self::to_primary(&address, &dial, until).await,
        };
        started.map_err(|why| ConnectError { address, waited: start_timeout, why })
    }

    async fn to_primary(address: &Address, dial: &Dial, until: Instant) -> Result<Self, String> {
        let keeper = Arc::new(Keeper::new(address.clone(), dial.clone()));
        let (health, mut state) = (keeper.health(), keeper.state());
        let kept = keeper.clone();
        let task = AbortOnDropHandle::new(tokio::spawn(async move { kept.keep().await }));
        let mut said = Said::new(address);
        loop {
            let why = match &*state.borrow_and_update() {
                State::Up(_) => break,
                State::Away(why) => why.clone(),
            };
            // The first state only says that nothing was tried yet.
            let changed = timeout_at(until, state.changed()).await;
            if changed.is_err() {
                return Err(why.to_string());
            }
            if let State::Away(why) = &*state.borrow() {
                said.say(why);
            }
        }
        Ok(Self::new(address, dial, Way::Primary(keeper), health, task))
    }

    async fn to_cluster(address: &Address, dial: &Dial, until: Instant) -> Result<Self, String> {
        let mut said = Said::new(address);
        let mut backoff = Backoff::default();
        let cluster = loop {
            match timeout_at(until, Cluster::open(address, dial)).await {
                Ok(Ok(cluster)) => break cluster,
                Ok(Err(error)) if Instant::now() >= until => return Err(error.to_string()),
                Ok(Err(error)) => said.say(&error.to_string()),
                Err(_) => return Err(said.last.unwrap_or_else(|| "it does not answer".into())),
            }
            sleep(backoff.pause()).await;
        };
        let (health, connection) = (cluster.health(), cluster.connection());
        let task = AbortOnDropHandle::new(tokio::spawn(cluster.keep()));
        Ok(Self::new(address, dial, Way::Cluster(connection), health, task))
    }

    fn new(
        address: &Address,
        dial: &Dial,
        way: Way,
        health: watch::Receiver<bool>,
        task: AbortOnDropHandle<()>,
    ) -> Self {
        Self {
            address: Arc::new(address.clone()),
            dial: dial.clone(),
            commands: Commands(way),
            health,
            nodes: Arc::default(),
            _task: Arc::new(task),
        }
    }

    /// For commands, pipelines and scripts: `cmd("GET").arg(key).query_async(&mut redis.commands())`. In a cluster, the keys of a
    /// script or a pipeline must be in one slot.
    pub fn commands(&self) -> Commands {
        self.commands.clone()
    }

    /// Whether commands have a prospect. Checked every second, and at once when the connection breaks.
    pub fn health(&self) -> watch::Receiver<bool> {
        self.health.clone()
    }

    /// Where it is; prints without credentials.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Which nodes take commands now, and for which slots.
    pub async fn shards(&self) -> Result<Vec<Shard>, RedisError> {
        match &self.commands.0 {
            Way::Primary(keeper) => Ok(vec![Shard::all(keeper.primary().await?)]),
            Way::Cluster(_) => {
                // Those that are configured may all have been replaced since.
                let known = self.nodes.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let nodes = [self.address.endpoints.as_slice(), &known].concat();
                let shards = cluster::shards(&self.dial, &nodes).await?;
                let endpoints = shards.iter().map(|shard| shard.endpoint.clone()).collect();
                *self.nodes.lock().unwrap_or_else(PoisonError::into_inner) = endpoints;
                Ok(shards)
            }
        }
    }

    /// A connection of one's own to a node, which does not come back. What the node sends without being asked, and once that the
    /// connection broke ([`redis::PushKind::Disconnection`]), goes to `pushes`, which must not block.
    pub async fn open(
        &self,
        node: &Endpoint,
        pushes: impl AsyncPushSender,
    ) -> Result<MultiplexedConnection, RedisError> {
        self.dial.open(node, pushes).await
    }
}

impl std::fmt::Debug for Redis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Redis({})", self.address)
    }
}

/// Says in the log what start-up waits for: at once, and every few seconds.
struct Said<'a> {
    address: &'a Address,
    next: Instant,
    last: Option<String>,
}

impl<'a> Said<'a> {
    fn new(address: &'a Address) -> Self {
        Self { address, next: Instant::now(), last: None }
    }

    fn say(&mut self, why: &str) {
        self.last = Some(why.to_owned());
        if Instant::now() >= self.next {
            self.next = Instant::now() + SAY;
            tracing::warn!(redis = %self.address, why, "waiting for Redis (redis.url)");
        }
    }
}
