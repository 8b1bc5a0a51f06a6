//! From a service's `url` to a client of it.

use std::sync::Arc;

use causeway_proto::{
    client::{Credential, Grpc, connect_over, signed},
    peer::{PEER, Peer},
    time::Clock,
    tls::ClientTls,
};
use http::Request;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::body::Body;
use tower::ServiceExt;

use super::{
    breaker::{Breaker, Guarded},
    budget::Budget,
    metrics::Metrics,
    pool::{Connect, Pool},
    probe::Probe,
    resolver::{Resolve, System},
    retry::Retry,
    settings::Settings,
    targets::Targets,
    tend::Tender,
    timeout::Timely,
};

/// A service that can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Conversations and users.
    Chat,
    /// Notifications.
    Notification,
    /// Who is online.
    Presence,
}

impl Service {
    /// As it stands in settings, metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Notification => "notification",
            Self::Presence => "presence",
        }
    }

    /// The gRPC service by whose health it is known to be well.
    pub(super) fn asks_for(self) -> &'static str {
        match self {
            Self::Chat => "causeway.chat.v1.Chat",
            Self::Notification => "causeway.notification.v1.Notifications",
            Self::Presence => "causeway.presence.v1.Presence",
        }
    }
}

/// How a process reaches services. Cloning is cheap.
#[derive(Clone)]
pub struct Reach {
    /// The part or parts that this process is.
    pub here: Peer,
    /// What it does when endpoints are sick or gone.
    pub settings: Settings,
    /// Where it is counted.
    pub metrics: Metrics,
    /// What connections are made with to services that have TLS.
    pub tls: ClientTls,
    /// Finds the addresses of names.
    pub resolver: Arc<dyn Resolve>,
    /// The wall clock, with which those of the services are compared.
    pub clock: Clock,
    /// Knows the tasks that look after endpoints.
    pub tasks: TaskTracker,
    /// Ends them.
    pub stop: CancellationToken,
}

impl Reach {
    /// On the system's resolver, clock and root certificates, with the default settings, and metrics that nobody sees.
    pub fn new(part: impl Into<String>) -> Self {
        Self {
            here: Peer::here(part),
            settings: Settings::default(),
            metrics: Metrics::default(),
            tls: ClientTls::default(),
            resolver: Arc::new(System),
            clock: Clock::default(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        }
    }

    /// The way to a service, and a task that looks after its endpoints. Fails when an endpoint's URL cannot be one. Must be called
    /// in a Tokio runtime.
    pub fn service(&self, service: Service, targets: &Targets) -> Result<Link, tonic::transport::Error> {
        self.service_over(service, targets, self.connect(targets))
    }

    /// Makes the channels to these targets, over TLS where they have it.
    pub(super) fn connect(&self, targets: &Targets) -> Connect {
        let (tls, name) = (self.tls.clone(), targets.certified().map(str::to_owned));
        Box::new(move |url| connect_over(url, &tls, name.as_deref()))
    }

    /// The same over connections of another kind, as a simulation has them.
    pub fn service_over(
        &self,
        service: Service,
        targets: &Targets,
        connect: Connect,
    ) -> Result<Link, tonic::transport::Error> {
        let metrics = self.metrics.of(service.name());
        let pool = Arc::new(Pool::new(service.name(), self.settings.clone(), metrics.clone(), connect));
        if let Targets::List(urls) = targets {
            pool.set(urls)?;
        }
        let tender = Tender {
            pool: Arc::downgrade(&pool),
            targets: targets.clone(),
            resolver: self.resolver.clone(),
            probe: Probe {
                asks_for: service.asks_for(),
                here: self.here.clone(),
                header: self.here.header(),
                clock: self.clock.clone(),
                patience: self.settings.health_interval.max(std::time::Duration::from_secs(1)),
            },
        };
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            // Stopped or done is the same.
            let _ = stop.run_until_cancelled(tender.run()).await;
        });
        let settings = &self.settings;
        let budget = Arc::new(Budget::new(settings.retry_ratio, settings.retry_burst));
        let breaker = Arc::new(Breaker::new(service.name(), settings.clone(), metrics));
        let retry = Retry { pool: pool.clone(), budget };
        let stack = Timely { inner: Guarded { inner: retry, breaker }, timeout: settings.timeout };
        Ok(Link { stack: self.named(stack), pool })
    }

    /// Every call says who makes it.
    fn named(&self, stack: Timely<Guarded<Retry>>) -> Grpc {
        let header = self.here.header();
        Grpc::new(stack.map_request(move |mut request: Request<Body>| {
            if let Some(header) = &header {
                request.headers_mut().insert(PEER, header.clone());
            }
            request
        }))
    }
}

/// The way to a service, over all its endpoints. Cloning is cheap; clones share breaker, budget and what is known of endpoints.
#[derive(Clone)]
pub struct Link {
    stack: Grpc,
    pool: Arc<Pool>,
}

impl Link {
    /// What generated clients are built on; each call shows the credential.
    pub fn grpc(&self, credential: Credential) -> Grpc {
        signed(self.stack.clone(), credential)
    }

    /// Tells whether the service's version fits ours.
    pub fn versions(&self) -> Versions {
        Versions(Some(self.pool.clone()))
    }
}

/// Whether a service's version fits ours. The default is one that does.
#[derive(Clone, Default)]
pub struct Versions(Option<Arc<Pool>>);

impl Versions {
    /// Whether no endpoint of the service speaks a protocol that we do.
    pub fn do_not_fit(&self) -> bool {
        self.0.as_ref().is_some_and(|pool| pool.is_incompatible())
    }
}

impl std::fmt::Debug for Versions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Versions").field("do_not_fit", &self.do_not_fit()).finish()
    }
}
