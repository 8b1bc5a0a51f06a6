//! The operators' listener: `GET /metrics` (OpenMetrics text) and `GET /healthz`, and of services `GET /readyz`. Not for the
//! public.

use std::{convert::Infallible, sync::Arc, time::Duration};

use causeway_kit::metrics::Metrics;
use http::{
    HeaderValue, Method, Request, Response, StatusCode,
    header::{ALLOW, CONTENT_TYPE},
};
use http_body_util::Full;
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::readiness::Readiness;

/// Scrapers are few; more than this wait for their turn.
const MOST_CONNECTIONS: usize = 32;
/// From accepting a connection to its whole request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);
/// A scraper that does not read its answer is let go.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(60);

/// Answers until `stop`. Where there is no `readiness`, that cannot be asked for.
pub(crate) async fn serve(
    listener: TcpListener,
    metrics: Metrics,
    readiness: Option<Readiness>,
    tasks: TaskTracker,
    stop: CancellationToken,
) {
    let free = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = accept(&listener, &free) => accepted,
        };
        let Some((stream, permit)) = accepted else { continue };
        let (metrics, readiness, stop) = (metrics.clone(), readiness.clone(), stop.clone());
        tasks.spawn(async move {
            let _permit = permit;
            tokio::select! {
                () = stop.cancelled() => {}
                () = connection(stream, metrics, readiness) => {}
            }
        });
    }
}

async fn accept(
    listener: &TcpListener,
    free: &Arc<Semaphore>,
) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let permit = Arc::clone(free).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => Some((stream, permit)),
        Err(error) => {
            // Out of descriptors, most likely: to try again at once would only burn the processor.
            tracing::warn!(%error, "cannot accept on the admin listener");
            tokio::time::sleep(Duration::from_millis(200)).await;
            None
        }
    }
}

async fn connection(stream: TcpStream, metrics: Metrics, readiness: Option<Readiness>) {
    let service = service_fn(move |request| {
        let response = answer(&request, &metrics, readiness.as_ref());
        async move { Ok::<_, Infallible>(response) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    // A peer that hangs up or talks nonsense concerns nobody here.
    let _ = tokio::time::timeout(CONNECTION_TIMEOUT, served).await;
}

fn answer(
    request: &Request<Incoming>,
    metrics: &Metrics,
    readiness: Option<&Readiness>,
) -> Response<Full<Bytes>> {
    respond(request.method(), request.uri().path(), metrics, readiness)
}

fn respond(
    method: &Method,
    path: &str,
    metrics: &Metrics,
    readiness: Option<&Readiness>,
) -> Response<Full<Bytes>> {
    const TEXT: &str = "text/plain; charset=utf-8";
    let (status, kind, text) = match (method, path, readiness) {
        (&Method::GET, "/metrics", _) => {
            (StatusCode::OK, "application/openmetrics-text; version=1.0.0; charset=utf-8", metrics.encode())
        }
        (&Method::GET, "/healthz", _) => (StatusCode::OK, TEXT, "ok\n".to_owned()),
        (&Method::GET, "/readyz", Some(readiness)) if readiness.is_ready() => {
            (StatusCode::OK, TEXT, "ok\n".to_owned())
        }
        (&Method::GET, "/readyz", Some(_)) => {
            (StatusCode::SERVICE_UNAVAILABLE, TEXT, "not ready\n".to_owned())
        }
        (_, "/metrics" | "/healthz", _) | (_, "/readyz", Some(_)) => {
            (StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET\n".to_owned())
        }
        _ => (StatusCode::NOT_FOUND, TEXT, "see /metrics and /healthz\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET"));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_get_metrics_and_health_and_nothing_else() {
        let metrics = Metrics::default();
        let status = |method, path| respond(&method, path, &metrics, None).status().as_u16();
        assert_eq!(status(Method::GET, "/metrics"), 200);
        assert_eq!(status(Method::GET, "/healthz"), 200);
        assert_eq!(status(Method::POST, "/metrics"), 405);
        assert_eq!(status(Method::GET, "/"), 404);
        assert_eq!(status(Method::GET, "/readyz"), 404);
    }

    #[test]
    fn services_say_whether_they_are_ready() {
        let (metrics, readiness) = (Metrics::default(), Readiness::default());
        let status = |method| respond(&method, "/readyz", &metrics, Some(&readiness)).status().as_u16();
        assert_eq!(status(Method::GET), 503);
        readiness.follow(Vec::new());
        assert_eq!((status(Method::GET), status(Method::POST)), (200, 405));
    }
}
