//! What `/metrics` tells about presence.

use std::sync::atomic::AtomicI64;

use causeway_kit::metrics::Metrics;
use prometheus_client::metrics::{counter::Counter, gauge::Gauge};

use crate::{ledger::Ledger, typing::Typing};

/// The numbers.
#[derive(Default)]
pub(crate) struct Gauges {
    users: Gauge<i64, AtomicI64>,
    sessions: Gauge<i64, AtomicI64>,
    bridges: Gauge<i64, AtomicI64>,
    typing: Gauge<i64, AtomicI64>,
    turned_away: Counter,
}

impl Gauges {
    /// Registers them.
    pub(crate) fn register(metrics: &Metrics) -> Self {
        let gauges = Self::default();
        metrics.register(|registry| {
            let registry = registry.sub_registry_with_prefix("presence");
            registry.register("users_online", "Users who are online", gauges.users.clone());
            registry.register("sessions", "Open sessions of all bridges", gauges.sessions.clone());
            registry.register("bridges", "Bridges attached, or lately lost", gauges.bridges.clone());
            registry.register("typing", "Users who type, per conversation", gauges.typing.clone());
            registry.register(
                "sessions_turned_away",
                "Sessions not counted because their bridge has too many",
                gauges.turned_away.clone(),
            );
        });
        gauges
    }

    /// Takes the numbers as they are now.
    pub(crate) fn set(&self, ledger: &Ledger, typing: &Typing) {
        let number = |count| i64::try_from(count).unwrap_or(i64::MAX);
        self.users.set(number(ledger.user_count()));
        self.sessions.set(number(ledger.session_count()));
        self.bridges.set(number(ledger.bridge_count()));
        self.typing.set(number(typing.count()));
    }

    /// Counts a session that was one too many.
    pub(crate) fn turn_away(&self) {
        self.turned_away.inc();
    }
}
