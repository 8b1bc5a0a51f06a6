//! What the bridge counts. Every label has few values: a dialect, a service, a code; never a user or a
//! conversation.

use std::{sync::Arc, time::Duration};

use causeway_proto::event::Source;
use prometheus_client::{
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::Registry,
};

use crate::{
    dialect::Dialect,
    fanout::registry::Published,
    fault::{Code, Refusal},
};

type Labels<const N: usize> = [(&'static str, &'static str); N];

/// The counters of a bridge. Cloning shares them.
#[derive(Debug, Clone)]
pub(crate) struct Metrics(Arc<Families>);

#[derive(Debug)]
struct Families {
    connections: Family<Labels<1>, Gauge>,
    frames_in: Family<Labels<1>, Counter>,
    frames_out: Family<Labels<1>, Counter>,
    faults: Family<Labels<2>, Counter>,
    refusals: Family<Labels<2>, Counter>,
    closes: Family<Labels<2>, Counter>,
    ignored: Family<Labels<1>, Counter>,
    calls: Family<Labels<2>, Histogram>,
    failed_calls: Family<Labels<3>, Counter>,
    events: Family<Labels<1>, Counter>,
    unwanted: Family<Labels<1>, Counter>,
    deliveries: Family<Labels<1>, Counter>,
    resubscriptions: Family<Labels<1>, Counter>,
    waiting: Gauge,
    overflows: Counter,
    deprecated: Counter,
}

/// The counters of one socket, looked up once.
#[derive(Debug)]
pub(crate) struct SocketMetrics {
    all: Metrics,
    dialect: &'static str,
    connections: Gauge,
    frames_in: Counter,
    frames_out: Counter,
}

impl Metrics {
    /// All at zero, and shown by `registry`.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let families = Families {
            connections: Family::default(),
            frames_in: Family::default(),
            frames_out: Family::default(),
            faults: Family::default(),
            refusals: Family::default(),
            closes: Family::default(),
            ignored: Family::default(),
            calls: Family::new_with_constructor(|| Histogram::new(exponential_buckets(0.000_25, 2.0, 16))),
            failed_calls: Family::default(),
            events: Family::default(),
            unwanted: Family::default(),
            deliveries: Family::default(),
            resubscriptions: Family::default(),
            waiting: Gauge::default(),
            overflows: Counter::default(),
            deprecated: Counter::default(),
        };
        families.show(registry.sub_registry_with_prefix("bridge"));
        families.begin();
        Self(Arc::new(families))
    }

    /// A socket is open; it is until what is returned is dropped.
    pub(crate) fn opened(&self, dialect: Dialect) -> SocketMetrics {
        let labels = [("dialect", dialect.name())];
        let connections = self.0.connections.get_or_create_owned(&labels);
        connections.inc();
        SocketMetrics {
            dialect: dialect.name(),
            connections,
            frames_in: self.0.frames_in.get_or_create_owned(&labels),
            frames_out: self.0.frames_out.get_or_create_owned(&labels),
            all: self.clone(),
        }
    }

    /// A socket was refused.
    pub(crate) fn refused(&self, dialect: Dialect, refusal: Refusal) {
        let why = match refusal {
            Refusal::NoToken => "no_token",
            Refusal::InvalidToken => "invalid_token",
            Refusal::ExpiredToken => "expired_token",
            Refusal::NotFound => "not_found",
            Refusal::NotParticipant => "not_participant",
            Refusal::WrongUser => "wrong_user",
            Refusal::Inactive => "inactive",
            Refusal::Unavailable => "unavailable",
            Refusal::Overloaded => "overloaded",
        };
        self.0.refusals.get_or_create(&[("dialect", dialect.name()), ("reason", why)]).inc();
    }

    /// A socket came in on a deprecated path.
    pub(crate) fn deprecated_path(&self) {
        self.0.deprecated.inc();
    }

    /// A call to a service, named `Service.Method`, ended; `failure` is the status when it was not good.
    pub(crate) fn called(&self, name: &'static str, took: Duration, failure: Option<&'static str>) {
        let (service, method) = name.split_once('.').unwrap_or(("", name));
        let labels = [("service", service), ("method", method)];
        self.0.calls.get_or_create(&labels).observe(took.as_secs_f64());
        if let Some(code) = failure {
            self.0
                .failed_calls
                .get_or_create(&[("service", service), ("method", method), ("code", code)])
                .inc();
        }
    }

    /// So many events came; some of them were put into mailboxes.
    pub(crate) fn published(&self, source: Source, came: usize, published: Published) {
        let labels = [("service", service(source))];
        let deliveries = published.deliveries as u64;
        self.0.events.get_or_create(&labels).inc_by(published.events as u64);
        self.0.unwanted.get_or_create(&labels).inc_by(came.saturating_sub(published.events) as u64);
        self.0.deliveries.get_or_create(&labels).inc_by(deliveries);
        self.0.waiting.inc_by(deliveries as i64);
    }

    /// The stream to a service broke.
    pub(crate) fn resubscribed(&self, source: Source) {
        self.0.resubscriptions.get_or_create(&[("service", service(source))]).inc();
    }

    /// The events that wait in all mailboxes together.
    pub(crate) fn waiting(&self) -> Gauge {
        self.0.waiting.clone()
    }
}

impl Families {
    /// Shows a zero where nothing has happened yet: whoever scales or alerts by a series asks before the first socket, and what
    /// begins at one has no rate.
    fn begin(&self) {
        for dialect in Dialect::ALL {
            let labels = [("dialect", dialect.name())];
            drop(self.connections.get_or_create(&labels));
            [&self.frames_in, &self.frames_out, &self.ignored]
                .into_iter()
                .for_each(|family| drop(family.get_or_create(&labels)));
        }
        for source in [Source::Chat, Source::Notification, Source::Presence] {
            let labels = [("service", service(source))];
            [&self.events, &self.unwanted, &self.deliveries, &self.resubscriptions]
                .into_iter()
                .for_each(|family| drop(family.get_or_create(&labels)));
        }
    }

    fn show(&self, registry: &mut Registry) {
        registry.register("connections", "Open sockets", self.connections.clone());
        registry.register("frames_in", "Text frames from clients", self.frames_in.clone());
        registry.register("frames_out", "Text frames to clients", self.frames_out.clone());
        registry.register("faults", "Error frames to clients", self.faults.clone());
        registry.register("refusals", "Sockets that were not opened", self.refusals.clone());
        registry.register("closes", "Sockets that the bridge closed", self.closes.clone());
        registry.register(
            "frames_ignored",
            "Frames that were dropped without an answer",
            self.ignored.clone(),
        );
        registry.register("call_seconds", "How long calls to services took", self.calls.clone());
        registry.register("calls_failed", "Calls to services that failed", self.failed_calls.clone());
        registry.register("events", "Events from services that somebody wanted", self.events.clone());
        registry.register(
            "events_unwanted",
            "Events from services that nobody wanted any more, or had already",
            self.unwanted.clone(),
        );
        registry.register("deliveries", "Events put into mailboxes", self.deliveries.clone());
        registry.register("resubscriptions", "Event streams that broke", self.resubscriptions.clone());
        registry.register("mailbox_waiting", "Events that wait in mailboxes", self.waiting.clone());
        registry.register("mailbox_overflows", "Sockets that were too slow to read", self.overflows.clone());
        registry.register("deprecated_path", "Sockets on a deprecated path", self.deprecated.clone());
    }
}

impl SocketMetrics {
    /// A frame came in.
    pub(crate) fn frame_in(&self) {
        self.frames_in.inc();
    }

    /// Frames went out.
    pub(crate) fn frames_out(&self, count: u64) {
        self.frames_out.inc_by(count);
    }

    /// An error frame was answered.
    pub(crate) fn fault(&self, code: Code) {
        self.all.0.faults.get_or_create(&[("dialect", self.dialect), ("code", code.as_str())]).inc();
    }

    /// A frame was dropped without an answer.
    pub(crate) fn ignored(&self) {
        self.all.0.ignored.get_or_create(&[("dialect", self.dialect)]).inc();
    }

    /// The bridge closes the socket.
    pub(crate) fn closed(&self, reason: &'static str) {
        self.all.0.closes.get_or_create(&[("dialect", self.dialect), ("reason", reason)]).inc();
    }

    /// The socket was too slow to read.
    pub(crate) fn overflowed(&self) {
        self.all.0.overflows.inc();
    }
}

impl Drop for SocketMetrics {
    fn drop(&mut self) {
        self.connections.dec();
    }
}

/// A service as it is named in labels.
pub(crate) fn service(source: Source) -> &'static str {
    match source {
        Source::Chat => "chat",
        Source::Notification => "notification",
        Source::Presence => "presence",
        Source::Unspecified => "unknown",
    }
}

#[cfg(test)]
impl Metrics {
    /// How often a call has failed with a code.
    pub(crate) fn failures(&self, service: &'static str, method: &'static str, code: &'static str) -> u64 {
        self.0.failed_calls.get_or_create(&[("service", service), ("method", method), ("code", code)]).get()
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;

    use super::*;

    #[test]
    fn what_has_not_happened_yet_is_shown_as_zero() {
        let mut registry = Registry::default();
        let metrics = Metrics::register(&mut registry);
        let shown = || {
            let mut text = String::new();
            encode(&mut text, &registry).unwrap();
            text
        };
        let zero = shown();
        for dialect in Dialect::ALL {
            for name in ["connections", "frames_in_total", "frames_out_total", "frames_ignored_total"] {
                let line = format!("bridge_{name}{{dialect=\"{}\"}} 0\n", dialect.name());
                assert!(zero.contains(&line), "no {line} in {zero}");
            }
        }
        for service in ["chat", "notification", "presence"] {
            let line = format!("bridge_resubscriptions_total{{service=\"{service}\"}} 0\n");
            assert!(zero.contains(&line), "no {line} in {zero}");
        }
        let socket = metrics.opened(Dialect::Rooms);
        assert!(shown().contains("bridge_connections{dialect=\"rooms\"} 1\n"));
        drop(socket);
        assert_eq!(shown(), zero);
    }
}
