//! The gRPC listener, with TLS and without. It runs hyper itself: a stock server has no deadline for the handshake and no cap on
//! connections.

use std::{
    future::Future,
    io,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{Stream, StreamExt};
use http::Request;
use hyper::{body::Incoming, rt::Executor, server::conn::http2::Builder, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::{Semaphore, watch},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::body::Body;
use tower::Service;

use super::{
    GrpcService, Limits,
    preface::{self, Greeted},
};

/// How long to wait after a failed accept, for example when there are no more descriptors.
const PAUSE: Duration = Duration::from_millis(50);

/// How much of what a client says behind a failed TLS handshake is read, in bytes.
const STILL_TO_SAY: u64 = 64 << 10;

/// The certificate that a listener shows, and whose it asks for; another one is good from the next connection on.
pub type Certificate = watch::Receiver<Arc<ServerConfig>>;

/// Serves every connection of `incoming` (TCP, or whatever a simulation has) until `stop`; then it listens no more, says so to
/// every client (GOAWAY), lets calls in progress finish for [`Limits::drain`], and returns when the last connection is closed.
/// Sockets should have `TCP_NODELAY` set.
pub async fn serve<S, IO>(service: GrpcService, incoming: S, limits: Limits, stop: CancellationToken)
where
    S: Stream<Item = io::Result<IO>> + Send,
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    serve_over(service, incoming, None, limits, stop).await;
}

/// The same over TLS, where there is a certificate.
pub async fn serve_over<S, IO>(
    service: GrpcService,
    incoming: S,
    certificate: Option<Certificate>,
    limits: Limits,
    stop: CancellationToken,
) where
    S: Stream<Item = io::Result<IO>> + Send,
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let room = Arc::new(Semaphore::new(limits.max_connections));
    let listener = Listener {
        service,
        certificate,
        limits,
        tasks: TaskTracker::new(),
        stop,
        has_complained: Arc::default(),
    };
    let mut incoming = Box::pin(incoming);
    loop {
        let accepted = tokio::select! {
            () = listener.stop.cancelled() => break,
            accepted = incoming.next() => accepted,
        };
        let io = match accepted {
            None => break,
            Some(Ok(io)) => io,
            Some(Err(error)) => {
                tracing::warn!(%error, "a gRPC connection could not be accepted");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let Ok(place) = room.clone().try_acquire_owned() else {
            tracing::debug!("a gRPC connection is one too many and closed");
            continue;
        };
        let connection = listener.clone();
        listener.tasks.spawn(async move {
            connection.carry(io).await;
            drop(place);
        });
    }
    // Whoever connects from now on is refused at once, and goes elsewhere.
    drop(incoming);
    listener.tasks.close();
    listener.tasks.wait().await;
}

/// What each connection needs.
#[derive(Clone)]
struct Listener {
    service: GrpcService,
    certificate: Option<Certificate>,
    limits: Limits,
    tasks: TaskTracker,
    stop: CancellationToken,
    /// A client that is set wrongly comes back and back: the log hears of the first.
    has_complained: Arc<AtomicBool>,
}

impl Listener {
    /// One connection, to its end.
    async fn carry<IO>(self, io: IO)
    where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let certificate = self.certificate.as_ref().map(|certificate| certificate.borrow().clone());
        match certificate {
            None => {
                let greeted = self.in_time(preface::greet(io)).await;
                if let Some(io) = greeted {
                    self.answer(io).await;
                }
            }
            // Boxed, so that a connection without TLS does not pay for its memory.
            Some(certificate) => Box::pin(self.carry_encrypted(io, certificate)).await,
        }
    }

    async fn carry_encrypted<IO>(self, io: IO, certificate: Arc<ServerConfig>)
    where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let handshake = Box::pin(async {
            match TlsAcceptor::from(certificate).accept(io).into_fallible().await {
                Ok(io) => preface::greet(io).await,
                Err((error, io)) => Err(leave(io, error).await),
            }
        });
        let greeted = self.in_time(handshake).await;
        if let Some(io) = greeted {
            self.answer(io).await;
        }
    }

    /// The beginning of a connection, which has a deadline; `None` when nothing came of it.
    async fn in_time<IO>(
        &self,
        beginning: impl Future<Output = io::Result<Greeted<IO>>>,
    ) -> Option<Greeted<IO>> {
        let begun = tokio::select! {
            () = self.stop.cancelled() => return None,
            begun = tokio::time::timeout(self.limits.handshake_timeout, beginning) => begun,
        };
        match begun {
            Ok(Ok(io)) => return Some(io),
            Ok(Err(error)) => self.complain(&error),
            Err(_) => tracing::debug!("a gRPC connection took too long to begin and is closed"),
        }
        None
    }

    fn complain(&self, error: &io::Error) {
        let is_other = match self.certificate {
            None => preface::is_tls(error),
            Some(_) => is_in_the_clear(error),
        };
        if is_other && !self.has_complained.swap(true, Ordering::Relaxed) {
            let (has, way_out) = match self.certificate {
                None => ("no TLS", "an http or dns URL"),
                Some(_) => ("TLS", "an https or dns+tls URL"),
            };
            return tracing::warn!(
                "a client does not know that this gRPC listener has {has}: it needs {way_out}; others are not named"
            );
        }
        tracing::debug!(%error, "a gRPC connection did not begin as it should and is closed");
    }

    /// Answers the calls of a connection.
    async fn answer<IO>(self, io: Greeted<IO>)
    where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let Self { service, limits, tasks, stop, .. } = self;
        let answer =
            service_fn(move |request: Request<Incoming>| service.clone().call(request.map(Body::new)));
        let connection = builder(limits, tasks).serve_connection(TokioIo::new(io), answer);
        let mut connection = pin!(connection);
        tokio::select! {
            ended = &mut connection => return note(ended),
            () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
        }
        match tokio::time::timeout(limits.drain, connection).await {
            Ok(ended) => note(ended),
            Err(_) => tracing::debug!("a gRPC connection is closed with calls in progress"),
        }
    }
}

/// Lets a client hear why it is not let in: closed at once, what it has still to say would be answered by a reset, and the alert
/// be lost.
async fn leave<IO: AsyncRead + AsyncWrite + Unpin>(mut io: IO, error: io::Error) -> io::Error {
    if io.shutdown().await.is_ok() {
        let _ = tokio::io::copy(&mut io.take(STILL_TO_SAY), &mut tokio::io::sink()).await;
    }
    error
}

/// Whether a client said what does not begin a TLS connection.
fn is_in_the_clear(error: &io::Error) -> bool {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    matches!(tls, Some(rustls::Error::InvalidMessage(_)))
}

fn note(ended: hyper::Result<()>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a gRPC connection ended");
    }
}

fn builder(limits: Limits, tasks: TaskTracker) -> Builder<Tracked> {
    let mut builder = Builder::new(Tracked(tasks));
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.max_streams)
        .max_header_list_size(limits.max_header_bytes)
        .max_frame_size(limits.max_frame_bytes)
        .initial_stream_window_size(limits.stream_window)
        .initial_connection_window_size(limits.connection_window)
        .keep_alive_interval(limits.keepalive_interval)
        .keep_alive_timeout(limits.keepalive_timeout);
    builder
}

/// Spawns what hyper spawns, a task for each call, where it is waited for.
#[derive(Clone)]
struct Tracked(TaskTracker);

impl<F> Executor<F> for Tracked
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, task: F) {
        self.0.spawn(task);
    }
}
