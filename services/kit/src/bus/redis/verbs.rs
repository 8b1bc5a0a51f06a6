//! The commands by which a node publishes and subscribes.

use redis::{RedisError, aio::MultiplexedConnection, cmd};

/// The first version that can publish by shard.
const SHARDED: u32 = 7;

/// How this node publishes and subscribes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Verbs {
    pub(super) publish: &'static str,
    pub(super) subscribe: &'static str,
    pub(super) unsubscribe: &'static str,
}

/// For the whole server or cluster.
pub(super) const PLAIN: Verbs =
    Verbs { publish: "PUBLISH", subscribe: "SUBSCRIBE", unsubscribe: "UNSUBSCRIBE" };
/// For the node that has the channel.
const BY_SHARD: Verbs = Verbs { publish: "SPUBLISH", subscribe: "SSUBSCRIBE", unsubscribe: "SUNSUBSCRIBE" };

impl Verbs {
    /// Publishing by shard costs a cluster least, and a single server the same. A server that does not tell its version is new.
    /// Fails when there is no answer: processes that take one server for two would not hear each other.
    pub(super) async fn ask(connection: &mut MultiplexedConnection) -> Result<Self, RedisError> {
        let info: Result<String, _> = cmd("INFO").arg("server").query_async(connection).await;
        let info = match info {
            Err(error) if error.is_io_error() || error.is_timeout() || error.is_connection_dropped() => {
                return Err(error);
            }
            told => told.ok(),
        };
        Ok(match info.as_deref().and_then(version) {
            Some(version) if version < SHARDED => PLAIN,
            Some(_) | None => BY_SHARD,
        })
    }

    /// Whether they are those for a single node.
    pub(super) fn are_by_shard(self) -> bool {
        self.publish == BY_SHARD.publish
    }
}

fn version(info: &str) -> Option<u32> {
    let version = info.lines().find_map(|line| line.strip_prefix("redis_version:"))?;
    version.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read() {
        assert_eq!(version("# Server\r\nredis_version:6.2.14\r\nredis_mode:standalone\r\n"), Some(6));
        assert_eq!(version("# Server\r\n"), None);
    }
}
