//! Metrics of hosted plugins.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PluginLabels {
    plugin: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    plugin: String,
    outcome: &'static str,
}

/// The families, registered once for a process.
#[derive(Clone)]
pub(crate) struct PluginMetrics {
    attached: Family<PluginLabels, Gauge>,
    events: Family<OutcomeLabels, Counter>,
    reports: Family<OutcomeLabels, Counter>,
}

/// The metrics of one plugin.
#[derive(Clone)]
pub(super) struct PluginMeasure {
    plugin: String,
    metrics: PluginMetrics,
}

impl PluginMetrics {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let this =
            Self { attached: Family::default(), events: Family::default(), reports: Family::default() };
        registry.register("plugin_host_attached", "Whether the plugin is attached", this.attached.clone());
        registry.register("plugin_host_events", "Events of plugins, by outcome", this.events.clone());
        registry.register(
            "plugin_host_deliveries",
            "Deliveries to plugins: handed_out, and by what was reported",
            this.reports.clone(),
        );
        this
    }

    pub(super) fn of(&self, plugin: &str) -> PluginMeasure {
        PluginMeasure { plugin: plugin.to_owned(), metrics: self.clone() }
    }
}

impl PluginMeasure {
    pub(super) fn attached(&self, attached: bool) {
        let labels = PluginLabels { plugin: self.plugin.clone() };
        self.metrics.attached.get_or_create(&labels).set(attached.into());
    }

    pub(super) fn event(&self, outcome: &'static str) {
        let labels = OutcomeLabels { plugin: self.plugin.clone(), outcome };
        self.metrics.events.get_or_create(&labels).inc();
    }

    pub(super) fn delivery(&self, outcome: &'static str) {
        let labels = OutcomeLabels { plugin: self.plugin.clone(), outcome };
        self.metrics.reports.get_or_create(&labels).inc();
    }
}
