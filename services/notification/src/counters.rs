//! What `/metrics` tells about notifications.

use causeway_kit::metrics::Metrics;
use prometheus_client::metrics::{counter::Counter, family::Family};

type Label = [(&'static str, &'static str); 1];

/// The numbers. Cloning is cheap and shares them.
#[derive(Clone, Default)]
pub(crate) struct Counters {
    published: Family<Label, Counter>,
}

impl Counters {
    /// Registers them.
    pub(crate) fn register(metrics: &Metrics) -> Self {
        let counters = Self::default();
        metrics.register(|registry| {
            let registry = registry.sub_registry_with_prefix("notification");
            let help = "Notifications made or updated, by whom they are for";
            registry.register("published", help, counters.published.clone());
        });
        counters
    }

    /// A user was notified.
    pub(crate) fn user(&self) {
        self.count("user", 1);
    }

    /// An audience was notified.
    pub(crate) fn audience(&self) {
        self.count("audience", 1);
    }

    /// Recipients of a bulk message were notified.
    pub(crate) fn bulk(&self, recipients: usize) {
        self.count("bulk", recipients);
    }

    fn count(&self, recipient: &'static str, by: usize) {
        self.published.get_or_create(&[("recipient", recipient)]).inc_by(by as u64);
    }
}
