//! The connection for commands, whatever kind of Redis it is.

use std::sync::Arc;

use redis::{Cmd, Pipeline, RedisFuture, Value, aio::ConnectionLike, cluster_async::ClusterConnection};

use super::keeper::Keeper;

/// A connection that many share and that connects again by itself. Cloning is cheap; clone it for each command.
///
/// A command waits for a connection and for its answer, as long as `response_timeout` each, and fails then. One that was under way
/// when the connection broke fails, and may have been carried out.
#[derive(Clone)]
pub struct Commands(pub(super) Way);

#[derive(Clone)]
pub(super) enum Way {
    /// To one server, or to the primary that Sentinels name.
    Primary(Arc<Keeper>),
    /// To the node that has the slot.
    Cluster(ClusterConnection),
}

impl ConnectionLike for Commands {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match &mut self.0 {
            Way::Cluster(cluster) => cluster.req_packed_command(cmd),
            Way::Primary(keeper) => Box::pin(async move {
                let result = keeper.connection().await?.req_packed_command(cmd).await;
                // An error of the server is a value here.
                let result = result.and_then(Value::extract_error);
                keeper.judge(&result);
                result
            }),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match &mut self.0 {
            Way::Cluster(cluster) => cluster.req_packed_commands(pipeline, offset, count),
            Way::Primary(keeper) => Box::pin(async move {
                let result = keeper.connection().await?.req_packed_commands(pipeline, offset, count).await;
                keeper.judge(&result);
                result
            }),
        }
    }

    fn get_db(&self) -> i64 {
        match &self.0 {
            Way::Primary(_) => 0,
            Way::Cluster(cluster) => cluster.get_db(),
        }
    }
}
