//! Metrics for whoever collects them, on a listener of their own.

use std::{collections::HashMap, sync::Arc};

use axum::{Router, routing::get};
use http::header::CONTENT_TYPE;
use prometheus_client::{encoding::text::encode, registry::Registry};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::listener;

/// Of the OpenMetrics text format.
const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Serves `/metrics` until `stop`.
pub(super) async fn serve(listener: TcpListener, registry: Arc<Registry>, stop: CancellationToken) {
    let answer = move || async move {
        let mut text = String::new();
        // Writing into a string fails only when a metric fails to print itself; what was printed stays.
        let _ = encode(&mut text, &registry);
        ([(CONTENT_TYPE, TEXT)], text)
    };
    let routes = HashMap::from([("metrics".to_owned(), Router::new().route("/", get(answer)))]);
    listener::serve(listener, routes, stop).await;
}
