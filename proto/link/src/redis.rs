//! The connection to Redis: one server, the primary that Sentinels watch, or a cluster.
//!
//! [`Redis::connect`] waits until Redis is there, as long as it may; from then on the connection comes back by itself, and
//! [`Redis::health`] says whether it is there. [`Redis::commands`] is for commands and scripts; for what a server sends without
//! being asked (publish and subscribe), [`Redis::shards`] says which nodes there are and [`Redis::open`] connects to one.
//!
//! Redis is speed and never the truth: whoever uses it goes on without it.
//!
//! The files: `address` (the URL), `start` (the wait for Redis), `node` (a connection to one node), `keeper` (one that comes back),
//! `sentinel`, `shards` and `slot` (clusters), `commands` (what they have in common), `cluster`, `inspect` (a look from outside).

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use redis::{
    RedisError,
    aio::{AsyncPushSender, MultiplexedConnection},
};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

mod address;
mod backoff;
mod cluster;
mod commands;
mod inspect;
mod keeper;
mod node;
mod sentinel;
mod shards;
mod slot;
mod start;
#[cfg(test)]
mod tests;

pub use address::{ALLOWED, Address, AddressError, Endpoint};
pub use backoff::Backoff;
pub use commands::Commands;
pub use inspect::{Facts, Inspection, Node, Topology, inspect};
pub use shards::Shard;
pub use slot::{SLOTS, slot};
pub use start::ConnectError;

use commands::Way;
use node::Dial;

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
