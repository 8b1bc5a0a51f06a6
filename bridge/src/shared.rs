//! What every socket of a bridge shares.

use std::{sync::Arc, time::Duration};

use causeway_proto::{event::Source, time::Clock};
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    backend::{Backend, ServiceVersions, Services},
    fanout::{Fanout, replay::Pages},
    farewell::Farewell,
    live::{Live, LiveSettings},
    metrics::Metrics,
    presence::Ledger,
    settings::Settings,
};

/// One for each bridge.
pub(crate) struct Shared {
    /// Limits and intervals.
    pub(crate) settings: Arc<Settings>,
    /// The wall clock.
    pub(crate) clock: Clock,
    /// What can be changed meanwhile.
    pub(crate) changing: LiveSettings,
    /// The services.
    pub(crate) backend: Backend,
    /// Events on their way to sockets.
    pub(crate) fanout: Arc<Fanout>,
    /// Open sockets, as the presence service knows them.
    pub(crate) ledger: Ledger,
    /// Counters.
    pub(crate) metrics: Metrics,
    /// Tasks of sockets: handshakes and connections.
    pub(crate) sockets: TaskTracker,
    /// Cancelled when the bridge is about to stop: new sockets are still taken, and readiness is false.
    pub(crate) leaving: CancellationToken,
    /// Cancelled when no new socket is taken any more, and open ones are to end within the drain window.
    pub(crate) drain: CancellationToken,
    /// Says which socket ends when.
    farewell: Farewell,
    /// Whether the services speak our protocol.
    versions: ServiceVersions,
    /// Whether the streams to the services are open.
    pub(crate) streams: Streams,
}

/// Whether each stream to a service is open.
#[derive(Debug, Clone)]
pub(crate) struct Streams {
    pub(crate) chat: watch::Sender<bool>,
    pub(crate) notification: watch::Sender<bool>,
    pub(crate) presence: watch::Sender<bool>,
    /// The stream on which sockets are reported.
    pub(crate) attachment: watch::Sender<bool>,
}

impl Shared {
    /// A bridge without sockets, which does not follow the services yet.
    pub(crate) fn new(
        settings: Settings,
        changing: LiveSettings,
        services: Services,
        clock: Clock,
        metrics: Metrics,
    ) -> Arc<Self> {
        let versions = services.versions.clone();
        let backend = Backend::new(services, settings.call_timeout, metrics.clone());
        Arc::new(Self {
            settings: Arc::new(settings),
            clock,
            changing,
            fanout: Arc::new(Fanout::new(Pages::new(Arc::new(backend.clone())))),
            backend,
            ledger: Ledger::default(),
            metrics,
            sockets: TaskTracker::new(),
            leaving: CancellationToken::new(),
            drain: CancellationToken::new(),
            farewell: Farewell::default(),
            versions,
            streams: Streams::default(),
        })
    }

    /// What can be changed, as it is now.
    pub(crate) fn live(&self) -> Arc<Live> {
        self.changing.borrow().clone()
    }

    /// How long after the order to stop one more socket is to end.
    pub(crate) fn turn(&self) -> Duration {
        self.farewell.turn(self.sockets.len(), self.settings.drain)
    }

    /// What the bridge waits for before it can do its job; empty when it is ready.
    pub(crate) fn waits_for(&self) -> Vec<&'static str> {
        let (streams, versions) = (&self.streams, &self.versions);
        let open = |stream: &watch::Sender<bool>| *stream.borrow();
        let parts = [
            (open(&streams.chat), "chat"),
            (open(&streams.notification), "notification"),
            (open(&streams.presence) && open(&streams.attachment), "presence"),
            (!versions.chat.do_not_fit(), "a version of chat that fits"),
            (!versions.notification.do_not_fit(), "a version of notification that fits"),
            (!versions.presence.do_not_fit(), "a version of presence that fits"),
            (!self.leaving.is_cancelled() && !self.drain.is_cancelled(), "restart"),
        ];
        parts.into_iter().filter(|(ready, _)| !ready).map(|(_, name)| name).collect()
    }
}

impl Default for Streams {
    fn default() -> Self {
        let closed = || watch::channel(false).0;
        Self { chat: closed(), notification: closed(), presence: closed(), attachment: closed() }
    }
}

impl Streams {
    /// The event stream of a service.
    pub(crate) fn of(&self, source: Source) -> &watch::Sender<bool> {
        match source {
            Source::Chat | Source::Unspecified => &self.chat,
            Source::Notification => &self.notification,
            Source::Presence => &self.presence,
        }
    }
}

#[cfg(test)]
mod tests {
    use causeway_proto::client::{Credential, Grpc, in_process};
    use http::{Request, Response};
    use prometheus_client::registry::Registry;
    use tonic::{Status, body::Body};

    use super::*;

    impl Shared {
        /// Whatever is asked of a service is not available.
        pub(crate) fn without_services(changing: LiveSettings) -> Arc<Self> {
            let away = tower::service_fn(|_: Request<Body>| async {
                Err::<Response<Body>, _>(Status::unavailable("there are no services"))
            });
            let grpc: Grpc = in_process(away, Credential::bearer("x").expect("a header"));
            let versions = ServiceVersions::default();
            let services =
                Services { chat: grpc.clone(), notification: grpc.clone(), presence: grpc, versions };
            let metrics = Metrics::register(&mut Registry::default());
            Self::new(Settings::default(), changing, services, Clock::default(), metrics)
        }
    }
}
