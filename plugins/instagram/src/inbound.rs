//! The webhook: Meta asks whether it is ours, and then tells us what happens.
//!
//! A notification is checked over its raw bytes, taken apart into items ([`notification`]), each of which becomes an event by
//! itself ([`item`], [`message`], [`later`]). Meta is answered when all are settled; until then it repeats them.

mod attachment;
mod item;
mod later;
mod message;
mod notification;
mod provider_id;
mod time;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use causeway_plugin_sdk::{
    Host,
    axum::{
        Router,
        extract::{Query, Request, State},
        http::{HeaderMap, StatusCode},
        response::{IntoResponse, Response},
        routing::get,
    },
    malformed,
    proto::plugin::{Customer, InboundEvent, inbound_event::Body},
    webhook,
};
use futures_util::future::join_all;
use serde::Deserialize;

use self::notification::Found;
use crate::Inner;

/// Largest notification, in bytes. Meta batches at most 1 000 updates.
const MAX_BODY: usize = 1 << 20;
/// Where the signature stands: "sha256=" and hexadecimal.
const SIGNATURE: &str = "x-hub-signature-256";

/// What the handlers need.
struct Desk {
    plugin: Arc<Inner>,
    host: Host,
}

/// How Meta asks whether the webhook is ours.
#[derive(Deserialize)]
struct Challenge {
    #[serde(rename = "hub.mode", default)]
    mode: String,
    #[serde(rename = "hub.verify_token", default)]
    verify_token: String,
    #[serde(rename = "hub.challenge", default)]
    challenge: String,
}

/// `GET` and `POST /webhook`.
pub(crate) fn routes(plugin: Arc<Inner>, host: Host) -> Router {
    Router::new().route("/webhook", get(verify).post(receive)).with_state(Arc::new(Desk { plugin, host }))
}

async fn verify(State(desk): State<Arc<Desk>>, Query(asked): Query<Challenge>) -> Response {
    let is_known = webhook::same_secret(desk.plugin.verify_token.expose(), asked.verify_token.as_bytes());
    if asked.mode != "subscribe" || !is_known {
        desk.plugin.refusals.refuse("verify_token");
        return StatusCode::FORBIDDEN.into_response();
    }
    asked.challenge.into_response()
}

async fn receive(State(desk): State<Arc<Desk>>, request: Request) -> Response {
    let signature = signature(request.headers());
    let body = match webhook::body(request, MAX_BODY).await {
        Ok(body) => body,
        Err(response) => return response,
    };
    let key = desk.plugin.app_secret.expose().as_bytes();
    if !signature.is_some_and(|signature| webhook::verify_hmac_sha256(key, &body, &signature)) {
        desk.plugin.refusals.refuse("signature");
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let events = desk.events(&body).await;
    match desk.host.push_all(events).await {
        Ok(_) => StatusCode::OK.into_response(),
        // Not settled: Meta sends it again.
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

fn signature(headers: &HeaderMap) -> Option<String> {
    headers.get(SIGNATURE)?.to_str().ok()?.strip_prefix("sha256=").map(str::to_owned)
}

impl Desk {
    /// What a notification says happened, in its order.
    async fn events(&self, body: &[u8]) -> Vec<InboundEvent> {
        let accounts = &self.plugin.accounts;
        let mut events = Vec::new();
        for found in notification::take_apart(body) {
            match found {
                Found::Unreadable { account_id, reason, payload } => {
                    let account = account_id.as_deref().and_then(|id| accounts.with_id(id));
                    let name = account.map_or("unknown", |watched| &watched.account.account);
                    events.push(malformed(name, reason, payload));
                }
                Found::Other { account_id, kind, payload } => {
                    let account = accounts.with_id(&account_id).map(|watched| &watched.account);
                    events.push(item::unknown(account, &account_id, &kind, payload));
                }
                Found::Item { account_id, time, item: raw } => {
                    events.extend(item::read(accounts, &account_id, time, raw.get()));
                }
            }
        }
        self.introduce(&mut events).await;
        events
    }

    /// Fills in who the customers are. Each is asked about once, all at the same time.
    async fn introduce(&self, events: &mut [InboundEvent]) {
        let authors: BTreeSet<Author> =
            events.iter_mut().filter_map(|event| Some(author(event)?.0)).collect();
        let known = authors.into_iter().map(async |author| {
            let customer = self.customer(&author).await;
            (author, customer)
        });
        let known: BTreeMap<Author, Option<Customer>> = join_all(known).await.into_iter().collect();
        for event in events {
            if let Some((author, customer)) = author(event)
                && let Some(Some(found)) = known.get(&author)
            {
                *customer = found.clone();
            }
        }
    }

    /// A customer with as much as is known in time.
    async fn customer(&self, (account, id): &Author) -> Option<Customer> {
        let watched = self.plugin.accounts.named(account)?;
        if watched.limited_for().await.is_some() {
            return None;
        }
        let (customer, problem) = self.plugin.profiles.of(&self.plugin.graph, &watched.account, id).await;
        if let Some(problem) = problem {
            watched.failed(&self.host, &problem).await;
        }
        Some(customer)
    }
}

/// Names of account and customer.
type Author = (String, String);

/// Whose name comes with an event, and where.
fn author(event: &mut InboundEvent) -> Option<(Author, &mut Customer)> {
    let customer = match &mut event.body {
        Some(Body::CustomerMessage(message)) => message.customer.as_mut()?,
        Some(Body::OwnMessage(message)) => message.customer.as_mut()?,
        _ => return None,
    };
    Some(((event.account.clone(), customer.id.clone()), customer))
}
