//! What `/metrics` tells about presence.

use std::sync::atomic::AtomicI64;

use causeway_kit::metrics::Metrics;
use prometheus_client::metrics::{counter::Counter, gauge::Gauge};

/// The numbers. Cloning shares them.
#[derive(Clone, Default)]
pub(crate) struct Gauges {
    users: Gauge<i64, AtomicI64>,
    sessions: Gauge<i64, AtomicI64>,
    bridges: Gauge<i64, AtomicI64>,
    typing: Gauge<i64, AtomicI64>,
    turned_away: Counter,
    rebuilt: Counter,
}

/// How much there is of everything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Users who are online.
    pub users: usize,
    /// Open sessions.
    pub sessions: usize,
    /// Bridges attached, or lately lost.
    pub bridges: usize,
    /// Users who type, per conversation.
    pub typing: usize,
}

impl Gauges {
    /// Registers them.
    pub(crate) fn register(metrics: &Metrics) -> Self {
        let gauges = Self::default();
        metrics.register(|registry| {
            let registry = registry.sub_registry_with_prefix("presence");
            let users = "Users who are online; of all presence processes, where they share Redis";
            registry.register("users_online", users, gauges.users.clone());
            let sessions = "Open sessions of the bridges that are attached to this process";
            registry.register("sessions", sessions, gauges.sessions.clone());
            let bridges =
                "Bridges attached, or lately lost; to all presence processes, where they share Redis";
            registry.register("bridges", bridges, gauges.bridges.clone());
            let typing =
                "Users who type, per conversation; of all presence processes, where they share Redis";
            registry.register("typing", typing, gauges.typing.clone());
            registry.register(
                "sessions_turned_away",
                "Sessions not counted because their bridge has too many",
                gauges.turned_away.clone(),
            );
            registry.register(
                "streams_rebuilt",
                "Streams whose sessions were written to Redis anew, because it had lost them or was away",
                gauges.rebuilt.clone(),
            );
        });
        gauges
    }

    /// Takes the numbers as they are now.
    pub(crate) fn set(&self, counts: Counts) {
        let number = |count| i64::try_from(count).unwrap_or(i64::MAX);
        self.users.set(number(counts.users));
        self.sessions.set(number(counts.sessions));
        self.bridges.set(number(counts.bridges));
        self.typing.set(number(counts.typing));
    }

    /// Counts a session that was one too many.
    pub(crate) fn turn_away(&self) {
        self.turned_away.inc();
    }

    /// Counts a stream that was written anew.
    pub(crate) fn rebuild(&self) {
        self.rebuilt.inc();
    }
}
