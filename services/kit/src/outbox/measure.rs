//! Metrics of outboxes.

use std::time::Duration;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::{Registry, Unit},
};

use crate::store::owed::Mark;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabels {
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    kind: &'static str,
    outcome: &'static str,
}

/// The families, registered once for a process.
#[derive(Clone)]
pub(crate) struct OutboxMetrics {
    items: Family<OutcomeLabels, Counter>,
    batch: Family<KindLabels, Histogram>,
}

/// The metrics of one kind.
pub(crate) struct OutboxMeasure {
    done: Counter,
    retried: Counter,
    dead: Counter,
    batch: Histogram,
}

impl OutboxMetrics {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let this = Self {
            items: Family::default(),
            batch: Family::new_with_constructor(|| Histogram::new([0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0])),
        };
        registry.register("outbox_items", "Attempts at owed items, by outcome", this.items.clone());
        let help = "From taking a batch of owed items to having marked their outcomes";
        registry.register_with_unit("outbox_batch", help, Unit::Seconds, this.batch.clone());
        this
    }

    pub(crate) fn of(&self, kind: &'static str) -> OutboxMeasure {
        let counter = |outcome| self.items.get_or_create_owned(&OutcomeLabels { kind, outcome });
        OutboxMeasure {
            done: counter("done"),
            retried: counter("retried"),
            dead: counter("dead"),
            batch: self.batch.get_or_create_owned(&KindLabels { kind }),
        }
    }
}

impl OutboxMeasure {
    pub(super) fn batch(&self, took: Duration) {
        self.batch.observe(took.as_secs_f64());
    }

    pub(super) fn mark(&self, mark: &Mark) {
        match mark {
            Mark::Done => self.done.inc(),
            Mark::Due { .. } => self.retried.inc(),
            Mark::Dead { .. } => self.dead.inc(),
        };
    }
}
