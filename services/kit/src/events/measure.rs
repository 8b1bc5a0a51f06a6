//! Metrics of subscriptions.

use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge},
    registry::Registry,
};

/// Registered once for a process. Cloning is cheap.
#[derive(Clone, Default)]
pub(crate) struct EventMetrics {
    open: Gauge,
    lags: Counter,
    catch_ups: Counter,
}

impl EventMetrics {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let this = Self::default();
        registry.register("event_subscriptions", "Open subscription streams", this.open.clone());
        registry.register(
            "event_lags",
            "Times that a subscriber did not keep up with the bus",
            this.lags.clone(),
        );
        registry.register("event_catch_ups", "Pages read from a log for subscribers", this.catch_ups.clone());
        this
    }

    pub(super) fn opened(&self) {
        self.open.inc();
    }

    pub(super) fn closed(&self) {
        self.open.dec();
    }

    pub(super) fn lagged(&self) {
        self.lags.inc();
    }

    pub(super) fn caught_up(&self) {
        self.catch_ups.inc();
    }
}
