//! Several machines on this one: two processes of each part over one PostgreSQL, which flushes as it does in earnest, and one
//! Redis.

use std::{
    net::SocketAddr,
    path::Path,
    time::{Duration, Instant},
};

use super::{Deployment, Part, bridges, postgres::Postgres, redis::Redis};
use crate::process::free_address;

/// The processes.
pub(crate) const PARTS: [&str; 8] =
    ["chat", "chat-2", "notification", "notification-2", "presence", "presence-2", "bridge", "bridge-2"];
/// What the name of a second process of a part ends with.
const SECOND: &str = "-2";

/// Them, and what they stand on.
pub(crate) struct Fleet {
    /// The [`PARTS`].
    pub(crate) deployment: Deployment,
    /// The two bridges.
    pub(crate) doors: [SocketAddr; 2],
    /// The two chats.
    pub(crate) chats: [SocketAddr; 2],
    /// The store.
    pub(crate) postgres: Postgres,
    /// Where it is.
    pub(crate) store: String,
    /// The bus.
    pub(crate) redis: Redis,
}

impl Fleet {
    /// Starts PostgreSQL and Redis, and plans the rest; `None` where one of them is not installed. What the processes keep beside
    /// PostgreSQL, their keys, is in `data`.
    pub(crate) fn plan(home: &Path, data: &Path) -> Option<Self> {
        let postgres = Postgres::start_with(&["fsync=on", "synchronous_commit=on"])?;
        let redis = Redis::start()?;
        let mut deployment = Deployment::split(home, data);
        let store = postgres.database("causeway");
        deployment.set("store.url", &store);
        deployment.set("redis.url", redis.url());
        deployment.set("bridge.drain", "1s");
        let at = deployment.at;
        let mut chats = [at.chat; 2];
        for (service, first) in
            [("chat", at.chat), ("notification", at.notification), ("presence", at.presence)]
        {
            let second = free_address();
            let key = |key: &str| format!("services.{service}.{key}");
            deployment.set(&key("url"), format!("http://{first},http://{second}"));
            let name = format!("{service}{SECOND}");
            deployment.plan(Part::new(&name, command(service)).set(&key("listen"), second));
            if service == "chat" {
                chats[1] = second;
            }
        }
        let doors = [at.bridge, free_address()];
        let other = Part::new("bridge-2", "bridge").set("bridge.listen", doors[1]);
        deployment.plan(other.set("admin.listen", free_address()));
        Some(Self { deployment, doors, chats, postgres, store, redis })
    }

    /// Where PostgreSQL listens.
    pub(crate) fn store_at(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.postgres.port()))
    }

    /// What the store is called by who reaches it by another address.
    pub(crate) fn store_by(&self, address: SocketAddr) -> String {
        self.store.replace(&self.store_at().to_string(), &address.to_string())
    }

    /// Starts whatever does not run and waits until both bridges are ready; how long that took.
    pub(crate) async fn up(&mut self) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        self.deployment.up().await?;
        bridges::is_ready(self.doors[1]).await?;
        Ok(begun.elapsed())
    }
}

/// The subcommand that a process is started with.
pub(crate) fn command(name: &str) -> &'static str {
    let part = name.trim_end_matches(SECOND);
    ["chat", "notification", "presence"].into_iter().find(|known| *known == part).unwrap_or("bridge")
}
