//! What the author of an integration depends on. This is a complete plugin, which greets customers who say hello:
//!
#![doc = concat!("```no_run\n", include_str!("../examples/greeter.rs"), "```")]
//!
//! Start it with `CAUSEWAY_PLUGIN_HOST` (the service's `http://host:port`, or `https`) and `CAUSEWAY_PLUGIN_TOKEN` (its
//! credential), and let `causeway plugin check` prove that it behaves.
//!
//! # What is yours and what is not
//!
//! A [`Plugin`] says who it is ([`Profile`]) and deals with one delivery at a time: one call to its provider, and what came of
//! it, [`Sent`] or [`Undelivered`]. What its provider tells it, by a webhook ([`Plugin::routes`]) or when asked
//! ([`Plugin::run`]), it makes into an [`event()`] and gives to [`Host::push`], which answers when the host has it for good. A
//! plugin stores nothing: it answers its provider only then, so that the provider repeats what a crash has swallowed.
//!
//! Everything else is done for it by the [`Runtime`]: attaching and attaching again, numbering, credit, sending again what
//! was not settled, reports until they are recorded, repeated account states, a listener for webhooks, orderly stops, logs
//! and [`Metrics`]. It holds for any number of plugins in a process; [`run`] is the whole `main` of a process for one.
//!
//! # A webhook
//!
//! ```
//! use std::sync::Arc;
//!
//! use causeway_plugin_sdk::{
//!     Host, event, malformed,
//!     axum::{Router, extract::{Request, State}, http::StatusCode, response::{IntoResponse, Response}, routing::post},
//!     proto::plugin::{Customer, CustomerMessage, inbound_event::Body},
//!     webhook::{self, Refusals},
//! };
//!
//! struct Shop {
//!     secret: String,
//!     refusals: Refusals,
//! }
//!
//! // What `Plugin::routes` returns; it is served under the plugin's name.
//! fn routes(shop: Arc<Shop>, host: Host) -> Router {
//!     Router::new().route("/hook", post(hook)).with_state((shop, host))
//! }
//!
//! async fn hook(State((shop, host)): State<(Arc<Shop>, Host)>, request: Request) -> Response {
//!     let signature = request.headers().get("x-signature").and_then(|value| value.to_str().ok());
//!     let signature = signature.unwrap_or_default().to_owned();
//!     let body = match webhook::body(request, 64 << 10).await {
//!         Ok(body) => body,
//!         Err(refused) => return refused,
//!     };
//!     if !webhook::verify_hmac_sha256(shop.secret.as_bytes(), &body, &signature) {
//!         shop.refusals.refuse("signature");
//!         return StatusCode::UNAUTHORIZED.into_response();
//!     }
//!     let event = read(&body).unwrap_or_else(|problem| malformed("shop", problem, &body));
//!     match host.push(event).await {
//!         Ok(_) => StatusCode::OK.into_response(),
//!         // The shop sends it again.
//!         Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
//!     }
//! }
//! # fn read(body: &[u8]) -> Result<causeway_plugin_sdk::proto::plugin::InboundEvent, &'static str> {
//! #     let text = std::str::from_utf8(body).map_err(|_| "not UTF-8")?.to_owned();
//! #     let customer = Customer { id: "7".to_owned(), ..Customer::default() };
//! #     let message =
//! #         CustomerMessage { customer: Some(customer), message_id: "1".to_owned(), text, ..CustomerMessage::default() };
//! #     Ok(event("shop", "message/1", "7", Body::CustomerMessage(message)))
//! # }
//! ```
//!
//! # Where to read on
//!
//! The protocol itself, for plugins in other languages too, is `proto/causeway/plugin/v1/plugin.proto`; its types are in
//! [`proto::plugin`]. `testing` (feature `testing`) has a host for a plugin's own tests, and [`conformance`] is the suite that
//! any plugin can be put through. Of the code, start with `attach.rs`.

mod attach;
mod backoff;
pub mod conformance;
pub mod host;
mod listener;
mod malformed;
mod metrics;
mod played;
pub mod plugin;
mod process;
mod runtime;
mod secret;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod webhook;

pub use axum;
pub use backoff::Backoff;
pub use causeway_proto as proto;
pub use host::{Host, Settled, Stopped, event};
pub use malformed::malformed;
pub use metrics::Metrics;
pub use plugin::{Plugin, Profile, Sent, Undelivered};
pub use process::run;
pub use runtime::{Runtime, RuntimeOptions};
pub use secret::Secret;
pub use tokio_util::sync::CancellationToken;
