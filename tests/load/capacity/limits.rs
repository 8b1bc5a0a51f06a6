//! What may be full, how full it is, and what moves it.

use super::{
    costs::{
        BRIDGE_COMING, BRIDGE_DELIVERY, BRIDGE_MESSAGE, BRIDGE_SOCKET_KIB, BRIDGE_STAYING, CHAT_COMING,
        CHAT_COPY, CHAT_MESSAGE, CHAT_SOCKET_KIB, CORES, DELIVERY_LIMIT, FRAME_BYTES, GRPC_CONNECTIONS,
        MAX_CONNECTIONS, MEMORY_KIB, NETWORK_BYTES, POSTGRES_COMING, POSTGRES_CONNECTIONS, POSTGRES_CORES,
        POSTGRES_EACH, POSTGRES_JOB, POSTGRES_JOBS, POSTGRES_LOG_BYTES, POSTGRES_TABLE_BYTES,
        PRESENCE_COMING, PRESENCE_SOCKET_KIB, REDIS_COMING, REDIS_EVENT, REDIS_SOCKET_KIB, STREAM_TOPICS,
    },
    layout::Layout,
    load::Load,
};

/// What there must be more of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Bridge,
    Chat,
    Presence,
    Redis,
    Postgres,
    /// A whole installation.
    Installation,
    /// Nothing: a line of configuration is enough.
    Nothing,
}

/// One of the things that may be full.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    pub(super) part: Part,
    pub(super) name: &'static str,
    /// Of 1.
    pub(super) used: f64,
    /// The line of configuration, and what is to be done beside it.
    pub(super) moved_by: &'static str,
}

/// Processor seconds a second, KiB and bytes a second of all processes of each part in one installation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Use {
    pub(super) bridge_cores: f64,
    pub(super) bridge_kib: f64,
    pub(super) network: f64,
    pub(super) chat_cores: f64,
    pub(super) chat_kib: f64,
    pub(super) presence_cores: f64,
    pub(super) presence_kib: f64,
    pub(super) redis_cores: f64,
    pub(super) redis_kib: f64,
    pub(super) postgres_cores: f64,
    /// Write jobs a second.
    pub(super) writes: f64,
    /// Bytes a second, of tables and of the log.
    pub(super) postgres_tables: f64,
    pub(super) postgres_log: f64,
}

impl Use {
    /// What one of the installations does.
    pub(super) fn of(all: &Load, layout: &Layout) -> Self {
        let load = Load { sockets: all.sockets / layout.installations, ..*all };
        let (messages, deliveries, comings) = (load.messages(), load.deliveries(), load.comings());
        let (bridges, chats) = (load.spread(layout.bridges), load.spread(layout.chats));
        // What is measured for a message has two bridges and two chats in it already.
        let (more_bridges, more_chats) = ((bridges - 2.0).max(0.0), (chats - 2.0).max(0.0));
        // A bridge that gets an event for one socket spends what it does for a message to one of two; for its others, a delivery.
        let at_bridges = BRIDGE_MESSAGE * (1.0 + more_bridges / 2.0);
        let beside_others = (deliveries - messages * bridges.max(2.0)).max(0.0) * BRIDGE_DELIVERY;
        let at_chats = CHAT_MESSAGE + CHAT_COPY * (more_bridges + more_chats);
        // What is measured for a message to two has one report in it.
        let reports = if layout.reports && load.size <= DELIVERY_LIMIT { load.size - 1.0 } else { 0.0 };
        let (jobs, share) = (messages * (1.0 + reports), ((1.0 + reports) / 2.0).max(1.0));
        // An event of one chat process goes to Redis, and from there to each other that somebody has the topic at.
        let in_redis = if layout.chats > 1.0 { REDIS_EVENT * (1.0 + chats) } else { REDIS_EVENT };
        let micros = |of: f64| of / 1e6;
        Self {
            bridge_cores: micros(
                messages * at_bridges
                    + beside_others
                    + comings * BRIDGE_COMING
                    + load.sockets * BRIDGE_STAYING,
            ),
            bridge_kib: load.sockets * BRIDGE_SOCKET_KIB,
            network: deliveries * FRAME_BYTES,
            chat_cores: micros(messages * at_chats * share + comings * CHAT_COMING),
            chat_kib: load.sockets * CHAT_SOCKET_KIB,
            presence_cores: micros(comings * PRESENCE_COMING),
            presence_kib: load.sockets * PRESENCE_SOCKET_KIB,
            redis_cores: micros(jobs * in_redis + comings * REDIS_COMING),
            redis_kib: load.sockets * REDIS_SOCKET_KIB,
            postgres_cores: micros(jobs * POSTGRES_JOB + comings * POSTGRES_COMING),
            writes: jobs,
            postgres_tables: jobs * POSTGRES_TABLE_BYTES,
            postgres_log: jobs * POSTGRES_LOG_BYTES,
        }
    }
}

/// All of them.
pub(super) fn of(load: &Load, layout: &Layout) -> Vec<Limit> {
    let it = Use::of(load, layout);
    let sockets = load.sockets / layout.installations / layout.bridges;
    let limit = |part, name, used, moved_by| Limit { part, name, used, moved_by };
    let more_bridges = "more `causeway bridge` behind the proxy";
    let more_chats = "`services.chat.url`: one more, and `store.url`, `redis.url`";
    let more_presence = "`services.presence.url`: one more, and `redis.url`";
    let more_redis = "`redis.url = \"redis+cluster://…\"`: one more node";
    let fewer_writes = if layout.reports {
        "`bridge.delivery_limit = 1`, and chat's: no reports"
    } else {
        "no line: another installation"
    };
    let stores = layout.chats + 2.0;
    vec![
        limit(
            Part::Bridge,
            "sockets of a bridge",
            sockets / MAX_CONNECTIONS,
            "`bridge.max_connections`, and the limit of open files; else another bridge",
        ),
        limit(Part::Bridge, "processors of a bridge", it.bridge_cores / layout.bridges / CORES, more_bridges),
        limit(Part::Bridge, "memory of a bridge", it.bridge_kib / layout.bridges / MEMORY_KIB, more_bridges),
        limit(Part::Bridge, "network of a bridge", it.network / layout.bridges / NETWORK_BYTES, more_bridges),
        limit(
            Part::Bridge,
            "topics of a bridge's stream",
            sockets * load.topics / STREAM_TOPICS,
            more_bridges,
        ),
        limit(Part::Chat, "processors of a chat process", it.chat_cores / layout.chats / CORES, more_chats),
        limit(Part::Chat, "memory of a chat process", it.chat_kib / layout.chats / MEMORY_KIB, more_chats),
        limit(
            Part::Nothing,
            "connections of a chat process",
            (layout.bridges + layout.chats + 3.0) / GRPC_CONNECTIONS,
            "`services.limits.max_connections`",
        ),
        limit(
            Part::Presence,
            "processors of a presence process",
            it.presence_cores / layout.presences / CORES,
            more_presence,
        ),
        limit(
            Part::Presence,
            "memory of a presence process",
            it.presence_kib / layout.presences / MEMORY_KIB,
            more_presence,
        ),
        limit(Part::Redis, "the one core of a Redis node", it.redis_cores / layout.redis_nodes, more_redis),
        limit(
            Part::Redis,
            "memory of a Redis node",
            it.redis_kib / layout.redis_nodes / MEMORY_KIB,
            more_redis,
        ),
        limit(Part::Postgres, "groups of writes of one PostgreSQL", it.writes / POSTGRES_JOBS, fewer_writes),
        limit(
            Part::Installation,
            "processors of PostgreSQL",
            it.postgres_cores / POSTGRES_CORES,
            "no line: another installation",
        ),
        limit(
            Part::Nothing,
            "connections of PostgreSQL",
            stores * POSTGRES_EACH / POSTGRES_CONNECTIONS,
            "`store.readers`, and PostgreSQL's `max_connections`",
        ),
    ]
}
