//! What clients of services count: endpoints by state, ejections, retries, the breaker, clocks.

use std::sync::atomic::AtomicU64;

use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};

use super::endpoint::Standing;

type OfService = [(&'static str, &'static str); 1];
type OfState = [(&'static str, &'static str); 2];
type OfEndpoint = [(&'static str, String); 2];
type Seconds = Gauge<f64, AtomicU64>;

/// The families, registered once for a process. Cloning shares them.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    endpoints: Family<OfState, Gauge>,
    picks: Family<OfEndpoint, Counter>,
    skew: Family<OfEndpoint, Seconds>,
    ejections: Family<OfService, Counter>,
    retries: Family<OfService, Counter>,
    exhausted: Family<OfService, Counter>,
    breaker: Family<OfService, Gauge>,
    openings: Family<OfService, Counter>,
    refused: Family<OfService, Counter>,
}

impl Metrics {
    /// All at zero, and shown by `registry` as `link_…`.
    pub fn register(registry: &mut Registry) -> Self {
        let all = Self::default();
        let registry = registry.sub_registry_with_prefix("link");
        let endpoints =
            "Endpoints of a service: well, unknown, not_serving, unreachable, incompatible, ejected";
        registry.register("endpoints", endpoints, all.endpoints.clone());
        registry.register("picks", "Calls and streams that an endpoint was chosen for", all.picks.clone());
        let skew = "How far an endpoint's clock is before ours, half the round trip allowed for";
        registry.register_with_unit("clock_skew", skew, Unit::Seconds, all.skew.clone());
        registry.register(
            "ejections",
            "Endpoints left out because calls to them failed",
            all.ejections.clone(),
        );
        registry.register("retries", "Calls that were made again", all.retries.clone());
        let exhausted = "Calls that were not made again because too many were";
        registry.register("retry_budget_exhausted", exhausted, all.exhausted.clone());
        let breaker = "0: calls pass, 1: a few pass to see whether the service is back, 2: calls are refused";
        registry.register("breaker_state", breaker, all.breaker.clone());
        registry.register("breaker_openings", "How often nearly all calls failed", all.openings.clone());
        registry.register("breaker_refused", "Calls refused meanwhile", all.refused.clone());
        all
    }

    /// What is counted of one service.
    pub(crate) fn of(&self, service: &'static str) -> ServiceMetrics {
        let this = ServiceMetrics { all: self.clone(), service };
        // Shown from the start, so that a rate has something to begin at.
        for family in [&self.ejections, &self.retries, &self.exhausted, &self.openings, &self.refused] {
            drop(family.get_or_create(&this.labels()));
        }
        this
    }
}

/// What is counted of one service.
#[derive(Debug, Clone)]
pub(crate) struct ServiceMetrics {
    all: Metrics,
    service: &'static str,
}

impl ServiceMetrics {
    fn labels(&self) -> OfService {
        [("service", self.service)]
    }

    fn endpoint(&self, url: &str) -> OfEndpoint {
        [("service", self.service.to_owned()), ("endpoint", url.to_owned())]
    }

    /// The endpoints by their standing.
    pub(crate) fn endpoints(&self, standings: &[Standing]) {
        for standing in Standing::ALL {
            let count = standings.iter().filter(|found| **found == standing).count();
            let labels = [("service", self.service), ("state", standing.name())];
            self.all.endpoints.get_or_create(&labels).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }

    /// The picks of an endpoint, looked up once.
    pub(crate) fn picks(&self, url: &str) -> Counter {
        self.all.picks.get_or_create_owned(&self.endpoint(url))
    }

    pub(crate) fn skew(&self, url: &str, seconds: f64) {
        self.all.skew.get_or_create(&self.endpoint(url)).set(seconds);
    }

    /// An endpoint is no longer one.
    pub(crate) fn forget(&self, url: &str) {
        let labels = self.endpoint(url);
        self.all.picks.remove(&labels);
        self.all.skew.remove(&labels);
    }

    pub(crate) fn ejected(&self) {
        self.all.ejections.get_or_create(&self.labels()).inc();
    }

    pub(crate) fn retried(&self) {
        self.all.retries.get_or_create(&self.labels()).inc();
    }

    pub(crate) fn budget_exhausted(&self) {
        self.all.exhausted.get_or_create(&self.labels()).inc();
    }

    pub(crate) fn breaker_is(&self, state: i64) {
        self.all.breaker.get_or_create(&self.labels()).set(state);
    }

    pub(crate) fn breaker_opened(&self) {
        self.all.openings.get_or_create(&self.labels()).inc();
    }

    pub(crate) fn breaker_refused(&self) {
        self.all.refused.get_or_create(&self.labels()).inc();
    }
}

#[cfg(test)]
impl ServiceMetrics {
    /// Counts what nobody sees.
    pub(crate) fn unseen(service: &'static str) -> Self {
        Metrics::default().of(service)
    }

    pub(crate) fn retries(&self) -> u64 {
        self.all.retries.get_or_create(&self.labels()).get()
    }

    pub(crate) fn ejections(&self) -> u64 {
        self.all.ejections.get_or_create(&self.labels()).get()
    }
}
