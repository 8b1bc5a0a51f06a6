//! Where webhooks come in: one HTTP/1 listener for all plugins of a process, each under `/<name>`.
//!
//! It runs hyper itself, because axum's own listener has no deadline for a request's header and no cap on connections. URLs are
//! not logged: some providers put secrets into them.

mod patience;

use std::{collections::HashMap, pin::pin, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::DefaultBodyLimit, routing::get};
use http::Request;
use hyper::{body::Incoming, server::conn::http1::Builder, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use patience::Patience;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
    time::sleep,
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// How long a client may take to say what it wants.
const HEADER: Duration = Duration::from_secs(10);
/// How long it may take to send a body.
const BODY: Duration = Duration::from_secs(30);
/// Longest body of a request, in bytes, where a plugin sets no limit of its own.
const LONGEST: usize = 1 << 20;
/// Longest header, in bytes.
const LONGEST_HEADER: usize = 64 << 10;
/// Connections at once; what is more waits to be accepted.
const CONNECTIONS: usize = 256;
/// How long to wait after a failed accept, for example when there are no more descriptors.
const PAUSE: Duration = Duration::from_millis(50);
/// Where the process says that it is alive.
const HEALTH: &str = "healthz";

/// Whether a plugin may have this name, and with it a place in URLs.
pub(crate) fn is_name(name: &str) -> bool {
    let is_short = (1..=64).contains(&name.len());
    is_short && name != HEALTH && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

/// Serves the routes of plugins, by name, until `stop`, and then until every request that has begun is answered.
pub(crate) async fn serve(listener: TcpListener, routes: HashMap<String, Router>, stop: CancellationToken) {
    let router = router(routes);
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            accepted = accept(&listener, &room) => accepted,
        };
        match accepted {
            Ok((stream, place)) => {
                let connection = connection(stream, router.clone(), stop.clone());
                connections.spawn(async move {
                    connection.await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(PAUSE).await;
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

fn router(routes: HashMap<String, Router>) -> Router {
    let health = Router::new().route(&format!("/{HEALTH}"), get(|| async { "ok\n" }));
    let router = routes.into_iter().fold(health, |all, (name, routes)| all.nest(&format!("/{name}"), routes));
    router.layer(DefaultBodyLimit::max(LONGEST))
}

/// A connection, and a place for it.
async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> std::io::Result<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let place = room.clone().acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    Ok((stream, place))
}

async fn connection(stream: TcpStream, router: Router, stop: CancellationToken) {
    // An answer is small and should not wait for another.
    let _ = stream.set_nodelay(true);
    let answer = service_fn(move |request: Request<Incoming>| {
        router.clone().oneshot(request.map(|body| Body::new(Patience::new(body, BODY))))
    });
    let connection = Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER)
        .max_buf_size(LONGEST_HEADER)
        .serve_connection(TokioIo::new(stream), answer);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended");
    }
}

#[cfg(test)]
mod tests;
