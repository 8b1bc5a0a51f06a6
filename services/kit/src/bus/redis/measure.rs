//! Metrics of the bus over Redis.

use prometheus_client::metrics::{counter::Counter, family::Family, gauge::Gauge};

use super::link::Loss;
use crate::metrics::Metrics;

type Label = [(&'static str, &'static str); 1];

/// What came from Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrived {
    /// An event that somebody wants.
    Event,
    /// An event of this process itself.
    Echo,
    /// An event of a topic that nobody wants any more, since a moment.
    Late,
    /// An event of a topic that nobody wants: there is none.
    Unwanted,
    /// Not in a form that this version knows.
    Unreadable,
}

/// Cloning is cheap.
#[derive(Clone, Default)]
pub(super) struct BusMetrics {
    published: Counter,
    lost: Family<Label, Counter>,
    received: Family<Label, Counter>,
    topics: Gauge,
    connects: Counter,
    well: Gauge,
    polls: Counter,
}

impl BusMetrics {
    pub(super) fn register(metrics: &Metrics) -> Self {
        let this = Self::default();
        // They are there from the start, at nothing.
        for loss in [Loss::Full, Loss::Away, Loss::Refused] {
            this.lost(loss, 0);
        }
        for arrived in [Arrived::Event, Arrived::Echo, Arrived::Late, Arrived::Unwanted, Arrived::Unreadable]
        {
            drop(this.received.get_or_create(&[("what", arrived.label())]));
        }
        metrics.register(|registry| {
            let bus = registry.sub_registry_with_prefix("bus");
            bus.register("published", "Events that Redis took", this.published.clone());
            bus.register("lost", "Events that did not get to Redis; the log has them", this.lost.clone());
            bus.register("received", "Messages from Redis", this.received.clone());
            bus.register("topics", "Topics that are subscribed to", this.topics.clone());
            bus.register("connects", "Connections to nodes of Redis that were made", this.connects.clone());
            bus.register("well", "1 while all nodes of Redis are connected", this.well.clone());
            bus.register("fallback_polls", "Looks at a log instead of Redis", this.polls.clone());
        });
        this
    }

    pub(super) fn published(&self, count: usize) {
        self.published.inc_by(count.try_into().unwrap_or(u64::MAX));
    }

    pub(super) fn lost(&self, why: Loss, count: usize) {
        self.lost.get_or_create(&[("why", why.label())]).inc_by(count.try_into().unwrap_or(u64::MAX));
    }

    pub(super) fn arrived(&self, arrived: Arrived) {
        self.received.get_or_create(&[("what", arrived.label())]).inc();
    }

    pub(super) fn topics(&self, count: usize) {
        self.topics.set(count.try_into().unwrap_or(i64::MAX));
    }

    pub(super) fn connected(&self) {
        self.connects.inc();
    }

    pub(super) fn well(&self, well: bool) {
        self.well.set(well.into());
    }

    pub(super) fn polled(&self) {
        self.polls.inc();
    }
}

impl Arrived {
    fn label(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Echo => "echo",
            Self::Late => "late",
            Self::Unwanted => "unwanted",
            Self::Unreadable => "unreadable",
        }
    }
}

impl Loss {
    fn label(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Away => "away",
            Self::Refused => "refused",
        }
    }
}
