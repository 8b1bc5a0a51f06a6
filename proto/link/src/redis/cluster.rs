//! A cluster: the connection that finds the node of each slot, and whether the cluster is well.

use std::time::Duration;

use redis::{
    ErrorKind, RedisError, Value,
    cluster::ClusterClient,
    cluster_async::ClusterConnection,
    cluster_routing::{RoutingInfo, SingleNodeRoutingInfo},
    cmd, from_redis_value,
};
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval},
};

use super::{Address, Endpoint, Shard, node::Dial, shards};

/// How often the cluster is asked how it is.
const LOOK: Duration = Duration::from_secs(1);

/// How often a command is tried again while nodes change their parts.
const RETRIES: u32 = 3;

pub(super) struct Cluster {
    connection: ClusterConnection,
    health: watch::Sender<bool>,
    address: Address,
}

impl Cluster {
    /// Connects, and looks whether the cluster takes commands.
    pub(super) async fn open(address: &Address, dial: &Dial) -> Result<Self, RedisError> {
        let nodes: Vec<_> =
            address.endpoints.iter().map(|endpoint| dial.info(endpoint)).collect::<Result<_, _>>()?;
        let mut builder = ClusterClient::builder(nodes)
            .connection_timeout(dial.connect_timeout)
            .response_timeout(dial.response_timeout)
            .retries(RETRIES)
            .use_protocol(redis::ProtocolVersion::RESP3);
        if dial.tls {
            builder = builder.certs(dial.certificates());
        }
        let mut connection = builder.build()?.get_async_connection().await?;
        if !is_well(&mut connection).await? {
            return Err(RedisError::from((ErrorKind::Client, "the cluster is down (cluster_state)")));
        }
        Ok(Self { connection, health: watch::Sender::new(true), address: address.clone() })
    }

    pub(super) fn connection(&self) -> ClusterConnection {
        self.connection.clone()
    }

    pub(super) fn health(&self) -> watch::Receiver<bool> {
        self.health.subscribe()
    }

    /// Looks at the cluster until it is dropped.
    pub(super) async fn keep(mut self) {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            let (well, why) = match is_well(&mut self.connection).await {
                Ok(well) => (well, "its state is not ok".to_owned()),
                Err(error) => (false, error.to_string()),
            };
            if self.health.send_replace(well) != well {
                match well {
                    true => tracing::info!(redis = %self.address, "the Redis cluster is back"),
                    false => tracing::warn!(redis = %self.address, why, "the Redis cluster is away"),
                }
            }
        }
    }
}

async fn is_well(connection: &mut ClusterConnection) -> Result<bool, RedisError> {
    let mut question = cmd("CLUSTER");
    question.arg("INFO");
    let anywhere = RoutingInfo::SingleNode(SingleNodeRoutingInfo::Random);
    let answer: Value = connection.route_command(question, anywhere).await?;
    Ok(from_redis_value::<String>(answer)?.contains("cluster_state:ok"))
}

/// Asks nodes, one after the other, until one answers.
pub(super) async fn shards(dial: &Dial, nodes: &[Endpoint]) -> Result<Vec<Shard>, RedisError> {
    let mut problem = RedisError::from((ErrorKind::ClusterConnectionNotFound, "no node is named"));
    for endpoint in nodes {
        let asked = async {
            let mut connection = dial.open(endpoint, |_| Ok::<_, ()>(())).await?;
            shards::ask(&mut connection, endpoint).await
        };
        match asked.await {
            Ok(shards) => return Ok(shards),
            Err(error) => problem = error,
        }
    }
    Err(problem)
}
