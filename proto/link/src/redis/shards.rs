//! Which node has which slots.

use std::ops::RangeInclusive;

use redis::{ErrorKind, RedisError, Value, cmd, from_redis_value};

use super::{Endpoint, slot::SLOTS};

/// A node that takes commands for some slots. Without a cluster there is one, which has all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    /// The primary.
    pub endpoint: Endpoint,
    /// The slots it has.
    pub slots: Vec<RangeInclusive<u16>>,
}

impl Shard {
    pub(super) fn all(endpoint: Endpoint) -> Self {
        Self { endpoint, slots: vec![0..=SLOTS - 1] }
    }
}

/// Asks a node of a cluster for all of it.
pub(super) async fn ask(
    connection: &mut impl redis::aio::ConnectionLike,
    asked: &Endpoint,
) -> Result<Vec<Shard>, RedisError> {
    let rows: Vec<Vec<Value>> = cmd("CLUSTER").arg("SLOTS").query_async(connection).await?;
    let mut shards: Vec<Shard> = Vec::new();
    for row in rows {
        let (slots, endpoint) = read(row, asked)?;
        match shards.iter_mut().find(|shard| shard.endpoint == endpoint) {
            Some(shard) => shard.slots.push(slots),
            None => shards.push(Shard { endpoint, slots: vec![slots] }),
        }
    }
    if shards.is_empty() {
        return Err(RedisError::from((ErrorKind::Client, "the cluster has no slots yet")));
    }
    Ok(shards)
}

/// First and last slot, and the primary: host, port, id. A host that is nil or empty is the one that was asked.
fn read(row: Vec<Value>, asked: &Endpoint) -> Result<(RangeInclusive<u16>, Endpoint), RedisError> {
    let strange = || RedisError::from((ErrorKind::UnexpectedReturnType, "CLUSTER SLOTS makes no sense"));
    let mut row = row.into_iter();
    let (Some(first), Some(last), Some(primary)) = (row.next(), row.next(), row.next()) else {
        return Err(strange());
    };
    let mut primary = from_redis_value::<Vec<Value>>(primary)?.into_iter();
    let (Some(host), Some(port)) = (primary.next(), primary.next()) else { return Err(strange()) };
    let host: Option<String> = from_redis_value(host)?;
    let host = host.filter(|host| !host.is_empty() && host != "?").unwrap_or_else(|| asked.host.clone());
    let endpoint = Endpoint { host, port: from_redis_value(port)? };
    Ok((from_redis_value(first)?..=from_redis_value(last)?, endpoint))
}
