//! The process's metrics registry, behind a type with verbs.

use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::{metrics::gauge::Gauge, registry::Registry};
use tokio::runtime::Handle;

use crate::{
    events::measure::EventMetrics, outbox::measure::OutboxMetrics, plugin_host::measure::PluginMetrics,
    server::calls::CallMetrics, store::measure::StoreMetrics,
};

/// The metrics of a process. Cloning is cheap and shares the registry.
///
/// Metrics that several stores or services have are registered here once, and told apart by a label.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    tasks: Gauge,
    pub(crate) stores: StoreMetrics,
    pub(crate) outboxes: OutboxMetrics,
    pub(crate) calls: CallMetrics,
    pub(crate) events: EventMetrics,
    pub(crate) plugins: PluginMetrics,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("causeway");
        let tasks = Gauge::default();
        registry.register("tasks", "Tasks of the runtime that have not ended", tasks.clone());
        let stores = StoreMetrics::register(&mut registry);
        let outboxes = OutboxMetrics::register(&mut registry);
        let calls = CallMetrics::register(&mut registry);
        let events = EventMetrics::register(&mut registry);
        let plugins = PluginMetrics::register(&mut registry);
        Self { registry: Arc::new(Mutex::new(registry)), tasks, stores, outboxes, calls, events, plugins }
    }
}

impl Metrics {
    /// Registers metrics of one's own. Their names get the prefix `causeway_`.
    pub fn register(&self, add: impl FnOnce(&mut Registry)) {
        add(&mut self.registry.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Everything, in the OpenMetrics text format.
    pub fn encode(&self) -> String {
        if let Ok(runtime) = Handle::try_current() {
            self.tasks.set(i64::try_from(runtime.metrics().num_alive_tasks()).unwrap_or(i64::MAX));
        }
        let mut text = String::new();
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        // Writing into a string fails only when a metric fails to print itself; what was printed stays.
        let _ = prometheus_client::encoding::text::encode(&mut text, &registry);
        text
    }
}
