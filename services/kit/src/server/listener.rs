//! The gRPC listener. It runs hyper itself: a stock server has no deadline for the handshake and no cap on connections.

use std::{future::Future, io, pin::pin, sync::Arc, time::Duration};

use futures_util::{Stream, StreamExt};
use http::Request;
use hyper::{body::Incoming, rt::Executor, server::conn::http2::Builder, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::Semaphore,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::body::Body;
use tower::Service;

use super::{GrpcService, Limits, preface};

/// How long to wait after a failed accept, for example when there are no more descriptors.
const PAUSE: Duration = Duration::from_millis(50);

/// Serves every connection of `incoming` (TCP, or whatever a simulation has) until `stop`; then it listens no more, says so to
/// every client (GOAWAY), lets calls in progress finish for [`Limits::drain`], and returns when the last connection is closed.
/// Sockets should have `TCP_NODELAY` set.
pub async fn serve<S, IO>(service: GrpcService, incoming: S, limits: Limits, stop: CancellationToken)
where
    S: Stream<Item = io::Result<IO>> + Send,
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let tasks = TaskTracker::new();
    let room = Arc::new(Semaphore::new(limits.max_connections));
    let mut incoming = Box::pin(incoming);
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
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
        let connection = connection(io, service.clone(), limits, tasks.clone(), stop.clone());
        tasks.spawn(async move {
            connection.await;
            drop(place);
        });
    }
    // Whoever connects from now on is refused at once, and goes elsewhere.
    drop(incoming);
    tasks.close();
    tasks.wait().await;
}

async fn connection<IO>(
    io: IO,
    service: GrpcService,
    limits: Limits,
    tasks: TaskTracker,
    stop: CancellationToken,
) where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let greeted = tokio::select! {
        () = stop.cancelled() => return,
        greeted = tokio::time::timeout(limits.handshake_timeout, preface::greet(io)) => greeted,
    };
    let Ok(Ok(io)) = greeted else {
        tracing::debug!("a gRPC connection did not begin as HTTP/2 and is closed");
        return;
    };
    let answer = service_fn(move |request: Request<Incoming>| service.clone().call(request.map(Body::new)));
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
