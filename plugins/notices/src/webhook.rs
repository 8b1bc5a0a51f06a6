//! Signed webhooks: a backend posts a notice, and is answered when the host has settled it.

mod body;
mod replays;
mod signature;

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use causeway_plugin_sdk::{
    Host, Settled, Stopped,
    axum::{
        Router,
        body::Body,
        extract::{Path, Request, State},
        http::{StatusCode, header},
        response::Response,
        routing::post,
    },
    malformed,
    proto::plugin::{AccountState, InboundEvent},
    webhook::{Refusals, body as read_body},
};
use serde_json::{Value, json};
use tokio::time::timeout;

use self::{
    body::Unreadable,
    replays::Replays,
    signature::{Refused, Signed},
};
use crate::{
    NAME,
    inbound::{Publisher, version},
    settings::{Secret, Webhook},
    template::TemplateError,
};

/// Largest body, in bytes: as much as an event can carry.
const BODY: usize = 256 << 10;
/// How long a backend waits for its notice to be settled, while the host is away.
const PATIENCE: Duration = Duration::from_secs(20);

/// All webhooks of the plugin.
pub(crate) struct Webhooks {
    hooks: HashMap<String, Hook>,
    refusals: Refusals,
}

/// One webhook.
struct Hook {
    publisher: Publisher,
    secret: Secret,
    replays: Replays,
}

/// The webhooks, and where their notices go.
#[derive(Clone)]
struct Desk {
    webhooks: Arc<Webhooks>,
    host: Host,
}

impl Webhooks {
    /// Of the settings, which were checked; one without a secret is left out.
    pub(crate) fn new(settings: &[Webhook]) -> Result<Self, TemplateError> {
        let mut hooks = HashMap::new();
        for webhook in settings {
            let Some(secret) = webhook.secret.clone() else { continue };
            let publisher = Publisher::new("webhook", &webhook.name, &webhook.publishing)?;
            hooks.insert(webhook.name.clone(), Hook { publisher, secret, replays: Replays::default() });
        }
        Ok(Self { hooks, refusals: Refusals::new(NAME) })
    }

    pub(crate) fn routes(self: Arc<Self>, host: Host) -> Router {
        Router::new().route("/webhook/{name}", post(take)).with_state(Desk { webhooks: self, host })
    }

    /// Says that the webhooks are there: nobody is connected to them.
    pub(crate) async fn report(&self, host: &Host) {
        for hook in self.hooks.values() {
            host.account(hook.publisher.account(), AccountState::Connected, "").await;
        }
    }
}

/// Answers one request.
async fn take(State(desk): State<Desk>, Path(name): Path<String>, request: Request) -> Response {
    let Some(hook) = desk.webhooks.hooks.get(&name) else {
        return error(StatusCode::NOT_FOUND, "path", "there is no such webhook");
    };
    let signed = Signed::read(request.headers());
    let body = match read_body(request, BODY).await {
        Ok(body) => body,
        Err(response) => return response,
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let signed = match signed.and_then(|signed| signed.verify(&hook.secret, &body, now)) {
        Ok(signed) => signed,
        Err(refused) => return desk.refuse(refused),
    };
    let Some(turn) = hook.replays.begin(signed.signature(), signed.timestamp(), now) else {
        return desk.refuse(Refused::Replay);
    };
    let (event, unreadable) = read(&hook.publisher, &signed, &body);
    match timeout(PATIENCE, desk.host.push(event)).await {
        Ok(Ok(settled)) => {
            turn.keep();
            match unreadable {
                Some(Unreadable { field, problem }) => error(StatusCode::BAD_REQUEST, &field, &problem),
                None => outcome(&settled),
            }
        }
        Ok(Err(Stopped)) | Err(_) => unsettled(),
    }
}

/// The event that a body is, and what is wrong with it: then it is one for a person to look at.
fn read(publisher: &Publisher, signed: &Signed, body: &[u8]) -> (InboundEvent, Option<Unreadable>) {
    match body::read(body) {
        Ok(mut found) => {
            // With its time, so that a notice which goes back to what it was is news, and a replay is not.
            found.version = version([signed.timestamp().to_string().as_bytes(), body]);
            (publisher.event(found), None)
        }
        Err(unreadable) => (malformed(publisher.account(), &unreadable, body), Some(unreadable)),
    }
}

impl Desk {
    fn refuse(&self, refused: Refused) -> Response {
        self.webhooks.refusals.refuse(refused.label());
        let status = match refused {
            Refused::Replay => StatusCode::CONFLICT,
            Refused::Timestamp | Refused::TooOld | Refused::Signature => StatusCode::UNAUTHORIZED,
        };
        error(status, refused.header(), &refused.to_string())
    }
}

fn outcome(settled: &Settled) -> Response {
    let (outcome, reason) = match settled {
        Settled::Accepted => ("accepted", ""),
        Settled::Duplicate => ("duplicate", "it is known"),
        Settled::Ignored(reason) => ("ignored", reason.as_str()),
        Settled::Rejected(reason) => ("rejected", reason.as_str()),
    };
    answer(StatusCode::OK, &json!({ "outcome": outcome, "reason": reason }))
}

fn error(status: StatusCode, field: &str, problem: &str) -> Response {
    answer(status, &json!({ "error": problem, "field": field }))
}

/// Nothing was settled yet: the same request may come again, and what comes of it all is one notice.
fn unsettled() -> Response {
    let mut response = error(StatusCode::SERVICE_UNAVAILABLE, "", "the notice is not settled; try again");
    response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("1"));
    response
}

fn answer(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}
