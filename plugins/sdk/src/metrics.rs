//! What is counted of plugins. Labels have few values: a plugin's name, an outcome; never an account or a customer.

use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use crate::webhook;

type Labels<const N: usize> = [(&'static str, String); N];

/// The metrics of all plugins of a process. Cloning shares them; those that were never registered are counted for nobody.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    events: Family<Labels<2>, Counter>,
    deliveries: Family<Labels<2>, Counter>,
    attachments: Family<Labels<1>, Counter>,
    attached: Family<Labels<1>, Gauge>,
    unsettled: Family<Labels<1>, Gauge>,
}

/// Those of one plugin.
#[derive(Debug, Clone)]
pub(crate) struct PluginMetrics {
    all: Metrics,
    plugin: String,
    attachments: Counter,
    attached: Gauge,
    unsettled: Gauge,
}

impl Metrics {
    /// Registers `plugin_events`, `plugin_deliveries`, `plugin_attachments`, `plugin_attached`, `plugin_unsettled` and
    /// `plugin_webhook_refused`. The registry's own prefix, which should be `causeway`, comes before these.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let shown = metrics.clone();
        let registry = registry.sub_registry_with_prefix("plugin");
        registry.register("events", "Events, by what became of them", shown.events);
        registry.register("deliveries", "Deliveries, by what became of them", shown.deliveries);
        registry.register("attachments", "Streams that the host welcomed", shown.attachments);
        registry.register("attached", "Whether the plugin is attached", shown.attached);
        registry.register("unsettled", "Events that are not settled yet", shown.unsettled);
        registry.register("webhook_refused", "Webhook requests that were refused", webhook::refused());
        metrics
    }

    pub(crate) fn of(&self, plugin: &str) -> PluginMetrics {
        let labels = [("plugin", plugin.to_owned())];
        PluginMetrics {
            plugin: plugin.to_owned(),
            attachments: self.attachments.get_or_create_owned(&labels),
            attached: self.attached.get_or_create_owned(&labels),
            unsettled: self.unsettled.get_or_create_owned(&labels),
            all: self.clone(),
        }
    }
}

impl PluginMetrics {
    /// The host said what became of an event.
    pub(crate) fn event(&self, outcome: &'static str) {
        self.all.events.get_or_create(&self.with(outcome)).inc();
    }

    /// A delivery ended.
    pub(crate) fn delivery(&self, outcome: &'static str) {
        self.all.deliveries.get_or_create(&self.with(outcome)).inc();
    }

    /// The host welcomed the plugin.
    pub(crate) fn attached(&self) {
        self.attachments.inc();
        self.attached.set(1);
    }

    /// The stream is gone.
    pub(crate) fn detached(&self) {
        self.attached.set(0);
    }

    /// So many events are not settled.
    pub(crate) fn unsettled(&self, count: usize) {
        self.unsettled.set(count.try_into().unwrap_or(i64::MAX));
    }

    fn with(&self, outcome: &'static str) -> Labels<2> {
        [("plugin", self.plugin.clone()), ("outcome", outcome.to_owned())]
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;

    use super::*;

    #[test]
    fn names_begin_with_causeway_plugin() {
        let mut registry = Registry::with_prefix("causeway");
        let metrics = Metrics::register(&mut registry).of("telegram");
        metrics.event("accepted");
        metrics.attached();
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        for line in [
            "causeway_plugin_events_total{plugin=\"telegram\",outcome=\"accepted\"} 1",
            "causeway_plugin_attachments_total{plugin=\"telegram\"} 1",
            "causeway_plugin_attached{plugin=\"telegram\"} 1",
        ] {
            assert!(text.contains(line), "{line} is missing in {text}");
        }
    }
}
