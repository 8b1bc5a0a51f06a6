//! A look at a Redis from outside, for whoever asks what is wrong with an installation. Nothing is written: start with
//! [`inspect`].

use std::{collections::HashMap, time::Duration};

use futures_util::future::join_all;
use redis::{RedisError, cmd};

use super::{Address, ConnectError, Endpoint, Redis, Settings, address::Kind, cluster, sentinel};

/// How long it is tried to connect, at most.
const PATIENCE: Duration = Duration::from_secs(10);

/// What there is.
#[derive(Debug)]
pub struct Inspection {
    /// How its servers belong together.
    pub topology: Topology,
    /// Those that take commands, and what each says of itself.
    pub nodes: Vec<Node>,
    /// Servers of the URL that do not answer as they should, beside those that do; and why.
    pub silent: Vec<(Endpoint, String)>,
}

/// How servers belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Topology {
    /// One server.
    Single,
    /// So many Sentinels, which watch a primary of this name.
    Sentinel {
        /// How many the URL names.
        sentinels: usize,
        /// The primary's name.
        primary: String,
    },
    /// A cluster.
    Cluster,
}

/// One server.
#[derive(Debug)]
pub struct Node {
    /// Where it is.
    pub endpoint: Endpoint,
    /// What it says; an error when it does not.
    pub facts: Result<Facts, String>,
}

/// What a server says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Its version; empty when it does not say.
    pub version: String,
    /// Whether it follows another, and takes no writes.
    pub is_replica: bool,
    /// How much memory it may use, in bytes; 0 for as much as there is.
    pub most_memory: u64,
    /// How much it uses.
    pub memory: u64,
    /// What it does when there is no more: `noeviction`.
    pub policy: String,
}

impl Facts {
    /// The first two numbers of its version; `None` when it does not say.
    pub fn release(&self) -> Option<(u32, u32)> {
        let mut numbers = self.version.split('.').map(str::parse);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    }

    fn read(info: &str) -> Self {
        let fields: HashMap<&str, &str> =
            info.lines().filter_map(|line| line.trim().split_once(':')).collect();
        let text = |name: &str| fields.get(name).copied().unwrap_or_default().to_owned();
        let number = |name: &str| text(name).parse().unwrap_or(0);
        Self {
            version: text("redis_version"),
            is_replica: text("role") == "slave",
            most_memory: number("maxmemory"),
            memory: number("used_memory"),
            policy: text("maxmemory_policy"),
        }
    }
}

/// Connects as processes do, only not for as long, and looks at each server. Fails with why there is no connection.
pub async fn inspect(mut settings: Settings) -> Result<Inspection, String> {
    let address = settings.address.clone();
    let tries = u32::try_from(address.endpoints.len()).unwrap_or(u32::MAX).saturating_add(1);
    let once = settings.connect_timeout.saturating_add(settings.response_timeout);
    settings.start_timeout = settings.start_timeout.min(once.saturating_mul(tries)).min(PATIENCE);
    let redis = Redis::connect(settings).await.map_err(|ConnectError { why, .. }| why)?;
    let shards = redis.shards().await.map_err(|error| error.to_string())?;
    let look = |endpoint: Endpoint| async {
        let facts = facts(&redis, &endpoint).await.map_err(|error| error.to_string());
        Node { endpoint, facts }
    };
    let nodes = join_all(shards.into_iter().map(|shard| look(shard.endpoint))).await;
    let silent = silent(&redis, &address, &nodes).await;
    Ok(Inspection { topology: Topology::of(&address), nodes, silent })
}

async fn facts(redis: &Redis, endpoint: &Endpoint) -> Result<Facts, RedisError> {
    let mut connection = redis.open(endpoint, |_| Ok::<_, ()>(())).await?;
    let mut info = String::new();
    for section in ["server", "memory", "replication"] {
        info += &cmd("INFO").arg(section).query_async::<String>(&mut connection).await?;
    }
    Ok(Facts::read(&info))
}

/// Those of the URL that are not as they should be: of Sentinels each must know the same primary, of a cluster each the others.
async fn silent(redis: &Redis, address: &Address, nodes: &[Node]) -> Vec<(Endpoint, String)> {
    let ask = |endpoint: &Endpoint| {
        let endpoint = endpoint.clone();
        async move {
            let only = std::slice::from_ref(&endpoint);
            let problem = match &address.kind {
                Kind::Single => None,
                Kind::Sentinel { primary } => match sentinel::primary(&redis.dial, only, primary).await {
                    Ok(named) if nodes.iter().any(|node| node.endpoint == named) => None,
                    Ok(named) => Some(format!("it names another primary than the others do: {named}")),
                    Err(error) => Some(error.to_string()),
                },
                Kind::Cluster => {
                    cluster::shards(&redis.dial, only).await.err().map(|error| error.to_string())
                }
            };
            problem.map(|problem| (endpoint, problem))
        }
    };
    join_all(address.endpoints.iter().map(ask)).await.into_iter().flatten().collect()
}

impl Topology {
    fn of(address: &Address) -> Self {
        match &address.kind {
            Kind::Single => Self::Single,
            Kind::Sentinel { primary } => {
                Self::Sentinel { sentinels: address.endpoints.len(), primary: primary.clone() }
            }
            Kind::Cluster => Self::Cluster,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_of_itself_is_read() {
        let facts = Facts::read(
            "# Server\r\nredis_version:7.0.15\r\n# Memory\r\nused_memory:1000\r\nmaxmemory:2000\r\n\
             maxmemory_policy:allkeys-lru\r\n# Replication\r\nrole:slave\r\n",
        );
        assert_eq!(facts.release(), Some((7, 0)));
        assert!(facts.is_replica && facts.policy == "allkeys-lru");
        assert_eq!((facts.memory, facts.most_memory), (1000, 2000));
    }

    #[test]
    fn a_server_that_says_nothing_has_no_release() {
        let facts = Facts::read("");
        assert_eq!((facts.release(), facts), (None, Facts::default()));
    }
}
