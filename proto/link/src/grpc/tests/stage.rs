//! A server with one topic and a number, that can be killed, made sick, and told to say that it does not serve.

use std::{
    net::{Ipv4Addr, SocketAddr},
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use causeway_proto::{
    client::{Credential, Grpc},
    event::{
        ReadRequest, ReadResponse, Source, SubscribeRequest, SubscribeResponse,
        events_client::EventsClient,
        events_server::{Events, EventsServer},
    },
};
use futures_util::FutureExt;
use tokio::{
    net::{TcpListener, TcpSocket},
    runtime::{Builder, Runtime},
    sync::mpsc,
};
use tokio_stream::{
    Stream,
    wrappers::{ReceiverStream, TcpListenerStream},
};
use tonic::{Request, Response, Status, Streaming, transport::Server};
use tonic_health::{ServingStatus, server::HealthReporter};

use crate::grpc::{Metrics, Reach, Service, Settings, Targets};

/// How a server feels about calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    Well,
    /// Answers `UNAVAILABLE`.
    Sick,
}

/// What is seen of a server, and outlives it.
#[derive(Default)]
struct Inner {
    number: u64,
    calls: AtomicU64,
    streams: AtomicUsize,
    is_sick: AtomicBool,
    seen: Mutex<Vec<(String, String)>>,
    says: Option<(&'static str, String)>,
}

#[derive(Clone)]
struct Topic(Arc<Inner>);

/// Counts a stream for as long as it is open.
struct Open(Arc<Inner>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Topic {
    fn answer<T>(&self, body: T) -> Response<T> {
        let mut response = Response::new(body);
        if let Some((name, value)) = &self.0.says {
            response.metadata_mut().insert(*name, value.parse().unwrap());
        }
        response
    }
}

#[tonic::async_trait]
impl Events for Topic {
    type SubscribeStream = Pin<Box<dyn Stream<Item = Result<SubscribeResponse, Status>> + Send>>;

    async fn subscribe(
        &self,
        _: Request<Streaming<SubscribeRequest>>,
    ) -> Result<Response<Self::SubscribeStream>, Status> {
        self.0.streams.fetch_add(1, Ordering::SeqCst);
        let open = Open(self.0.clone());
        let never = futures_util::stream::poll_fn(move |_| {
            let _ = &open;
            std::task::Poll::Pending
        });
        Ok(self.answer(Box::pin(never)))
    }

    async fn read(&self, request: Request<ReadRequest>) -> Result<Response<ReadResponse>, Status> {
        self.0.calls.fetch_add(1, Ordering::SeqCst);
        let headers = request.metadata().clone().into_headers();
        *self.0.seen.lock().unwrap() = headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        if self.0.is_sick.load(Ordering::SeqCst) {
            return Err(Status::unavailable("sick"));
        }
        Ok(self.answer(ReadResponse { head: self.0.number, ..ReadResponse::default() }))
    }
}

/// A server on loopback.
pub(super) struct Served {
    pub(super) address: SocketAddr,
    pub(super) number: u64,
    inner: Arc<Inner>,
    runtime: Option<Runtime>,
    reporter: Option<HealthReporter>,
}

impl Served {
    pub(super) fn start() -> Self {
        Self::with(Inner::default())
    }

    /// It puts something into the headers of its answers.
    pub(super) fn saying(name: &'static str, value: String) -> Self {
        Self::with(Inner { says: Some((name, value)), ..Inner::default() })
    }

    fn with(inner: Inner) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        let inner = Arc::new(Inner { number, ..inner });
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut this = Self { address, number, inner, runtime: None, reporter: None };
        this.start_again();
        this
    }

    /// Starts it on the address that it had.
    pub(super) fn start_again(&mut self) {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (reporter, health) = tonic_health::server::health_reporter();
        let said = self.inner.says.clone();
        let listener = {
            let _inside = runtime.enter();
            listen(self.address)
        };
        self.address = listener.local_addr().unwrap();
        let topic = EventsServer::new(Topic(self.inner.clone()));
        // Nobody else has it yet, so that there is nothing to wait for.
        let serving = reporter.set_service_status("causeway.chat.v1.Chat", ServingStatus::Serving);
        serving.now_or_never().expect("at once");
        runtime.spawn({
            async move {
                let say = tower::util::MapResponseLayer::new(move |mut response: http::Response<_>| {
                    if let Some((name, value)) = &said {
                        response.headers_mut().insert(*name, value.parse().unwrap());
                    }
                    response
                });
                let server = Server::builder().layer(say).add_service(topic).add_service(health);
                server.serve_with_incoming(TcpListenerStream::new(listener)).await
            }
        });
        self.runtime = Some(runtime);
        self.reporter = Some(reporter);
    }

    /// Ends it with all its connections.
    pub(super) fn kill(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }

    /// Answers nobody for so long, and keeps its connections.
    pub(super) fn stands_still(&self, long: Duration) {
        // It has one thread for everything.
        self.runtime.as_ref().unwrap().spawn(async move { std::thread::sleep(long) });
    }

    pub(super) async fn serves(&self, is_well: bool) {
        let status = if is_well { ServingStatus::Serving } else { ServingStatus::NotServing };
        self.reporter.as_ref().unwrap().set_service_status("causeway.chat.v1.Chat", status).await;
    }

    pub(super) fn is(&self, mood: Mood) {
        self.inner.is_sick.store(mood == Mood::Sick, Ordering::SeqCst);
    }

    pub(super) fn calls(&self) -> u64 {
        self.inner.calls.load(Ordering::SeqCst)
    }

    pub(super) fn streams(&self) -> usize {
        self.inner.streams.load(Ordering::SeqCst)
    }

    /// The headers of the last call.
    pub(super) fn seen(&self) -> Vec<(String, String)> {
        self.inner.seen.lock().unwrap().clone()
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.kill();
    }
}

fn listen(address: SocketAddr) -> TcpListener {
    let deadline = std::time::Instant::now() + Duration::from_secs(5);
    loop {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        if socket.bind(address).is_ok()
            && let Ok(listener) = socket.listen(128)
        {
            return listener;
        }
        assert!(std::time::Instant::now() < deadline, "{address} stays in use");
        std::thread::sleep(Duration::from_millis(10));
    }
}

pub(super) fn urls(servers: &[Served]) -> String {
    servers.iter().map(Served::url).collect::<Vec<_>>().join(",")
}

pub(super) fn credential() -> Credential {
    Credential::bearer("s3cret").unwrap()
}

/// As usual, in less time.
pub(super) fn quick() -> Settings {
    Settings { health_interval: Duration::from_millis(200), ..Settings::default() }
}

pub(super) fn link(urls: &str) -> Grpc {
    link_with(urls, quick(), Metrics::default())
}

pub(super) fn link_with(urls: &str, settings: Settings, metrics: Metrics) -> Grpc {
    client(&Reach { settings, metrics, ..Reach::new("test") }, urls)
}

pub(super) fn client(reach: &Reach, targets: &str) -> Grpc {
    let targets: Targets = targets.parse().unwrap();
    reach.service(Service::Chat, &targets).unwrap().grpc(credential())
}

/// A stream that is open until this is dropped.
pub(super) struct Subscription {
    pub(super) incoming: Streaming<SubscribeResponse>,
    _outgoing: mpsc::Sender<SubscribeRequest>,
}

impl Subscription {
    pub(super) async fn open(client: &Grpc) -> Result<Self, Status> {
        let (outgoing, requests) = mpsc::channel(1);
        let mut client = EventsClient::new(client.clone());
        let incoming = client.subscribe(ReceiverStream::new(requests)).boxed().await?.into_inner();
        Ok(Self { incoming, _outgoing: outgoing })
    }
}

/// Asks for the number of whoever answers.
pub(super) async fn read(client: &Grpc) -> Result<u64, Status> {
    let request = ReadRequest { source: Source::Chat.into(), ..ReadRequest::default() };
    let mut client = EventsClient::new(client.clone());
    // Boxed, because the compiler cannot see that such a call may change threads.
    Ok(client.read(request).boxed().await?.into_inner().head)
}

/// Waits until something is so, 10 s at most.
pub(super) async fn eventually(mut is_so: impl AsyncFnMut() -> bool) {
    let so = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), so).await.expect("it becomes so within 10 s");
}
