//! A deployment of several machines on this one: PostgreSQL, Redis, and two of bridge and chat.

use std::{net::SocketAddr, path::Path};

use super::{Deployment, Part, bridges, postgres::Postgres, redis::Redis};
use crate::process::free_address;

/// The other bridge and the other chat.
pub(crate) const OTHER_BRIDGE: &str = "bridge-2";
pub(crate) const OTHER_CHAT: &str = "chat-2";

/// It, and what it stands on.
pub(crate) struct Replicas {
    /// `chat`, `notification`, `presence`, `bridge`, and the others.
    pub(crate) deployment: Deployment,
    /// The two bridges.
    pub(crate) doors: [SocketAddr; 2],
    /// The stores.
    pub(crate) postgres: Postgres,
    /// The bus.
    pub(crate) redis: Redis,
}

impl Replicas {
    /// Starts everything; `None` where PostgreSQL or Redis is not installed. What its parts keep beside PostgreSQL is in `data`.
    pub(crate) async fn start(home: &Path, data: &Path) -> anyhow::Result<Option<Self>> {
        let (Some(postgres), Some(redis)) = (Postgres::start(), Redis::start()) else { return Ok(None) };
        let mut deployment = Deployment::split(home, data);
        let (chat, other) = (deployment.at.chat, free_address());
        deployment.set("store.url", postgres.database("causeway"));
        deployment.set("redis.url", redis.url());
        deployment.set("services.chat.url", format!("http://{chat},http://{other}"));
        deployment.up().await?;
        deployment.plan(Part::new(OTHER_CHAT, "chat").set("services.chat.listen", other));
        deployment.up().await?;
        let doors = [deployment.at.bridge, bridges::add(&mut deployment, OTHER_BRIDGE).await?];
        Ok(Some(Self { deployment, doors, postgres, redis }))
    }
}
