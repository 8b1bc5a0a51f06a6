//! Metrics of stores.

use std::time::Duration;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    store: &'static str,
}

/// The families, registered once for a process.
#[derive(Clone)]
pub(crate) struct StoreMetrics {
    jobs: Family<Labels, Counter>,
    lost: Family<Labels, Counter>,
    commit: Family<Labels, Histogram>,
    round_trips: Family<Labels, Counter>,
    skew: Family<Labels, Gauge>,
}

/// The metrics of one store.
pub(crate) struct StoreMeasure {
    jobs: Counter,
    lost: Counter,
    commit: Histogram,
    round_trips: Counter,
}

impl StoreMetrics {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let this = Self {
            jobs: Family::default(),
            lost: Family::default(),
            commit: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            round_trips: Family::default(),
            skew: Family::default(),
        };
        registry.register("store_jobs", "Write jobs that were committed", this.jobs.clone());
        registry.register(
            "store_jobs_lost",
            "Write jobs whose group could not be committed",
            this.lost.clone(),
        );
        registry.register_with_unit(
            "store_commit",
            "From the first statement of a group to its end on the disk",
            Unit::Seconds,
            this.commit.clone(),
        );
        registry.register(
            "store_round_trips",
            "Times that a group of writes waited for the database's answer, where that is another process",
            this.round_trips.clone(),
        );
        registry.register(
            "store_clock_skew_milliseconds",
            "By how much the machine's clock is behind the database's, where that has one",
            this.skew.clone(),
        );
        this
    }

    /// By how much the machine's clock is behind.
    pub(crate) fn skew(&self, store: &'static str) -> Gauge {
        self.skew.get_or_create_owned(&Labels { store })
    }

    pub(crate) fn of(&self, store: &'static str) -> StoreMeasure {
        let labels = Labels { store };
        StoreMeasure {
            jobs: self.jobs.get_or_create_owned(&labels),
            lost: self.lost.get_or_create_owned(&labels),
            commit: self.commit.get_or_create_owned(&labels),
            round_trips: self.round_trips.get_or_create_owned(&labels),
        }
    }
}

impl StoreMeasure {
    pub(crate) fn group(&self, jobs: usize, took: Duration, round_trips: u64, committed: bool) {
        self.round_trips.inc_by(round_trips);
        let jobs = u64::try_from(jobs).unwrap_or(u64::MAX);
        if committed {
            self.jobs.inc_by(jobs)
        } else {
            self.lost.inc_by(jobs)
        };
        self.commit.observe(took.as_secs_f64());
    }
}

/// From a commit on a fast disk to one that hangs, in seconds.
const BUCKETS: [f64; 10] = [0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5];
