//! The endpoints, and what they refuse.

use std::{collections::HashMap, sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderValue, Response, StatusCode, Uri, header},
    middleware::{self, Next},
    routing::{get, post},
};
use serde_json::{Value, json};

use super::{
    APP_ID, Failure, Refusal,
    webhooks::Webhooks,
    world::{self, Account, Request, Sent, Typing, World},
};

/// Longest text, in bytes.
const TEXT: usize = 1_000;
/// Within which anybody may answer, and a person with the tag.
const WINDOW: Duration = Duration::from_secs(24 * 60 * 60);
const HUMAN_WINDOW: Duration = Duration::from_secs(7 * 24 * 60 * 60);
const KINDS: [&str; 4] = ["image", "video", "audio", "file"];
const ACTIONS: [&str; 3] = ["typing_on", "typing_off", "mark_seen"];

type Answer = Result<Value, Refusal>;

#[derive(Clone)]
struct Desk {
    world: Arc<World>,
    webhooks: Webhooks,
}

pub(super) fn router(world: Arc<World>, webhooks: Webhooks) -> Router {
    let desk = Desk { world, webhooks };
    Router::new()
        .route("/{version}/{node}", get(node))
        .route("/{version}/{node}/messages", post(messages))
        .fallback(async |uri: Uri| Refusal::new(400, 2500, 0, unknown_path(&uri)).response())
        .layer(middleware::from_fn_with_state(desk.clone(), notice))
        .with_state(desk)
}

fn unknown_path(uri: &Uri) -> String {
    format!("Unknown path components: {}", uri.path())
}

/// Notes every call, and answers none while away.
async fn notice(State(desk): State<Desk>, request: axum::extract::Request, next: Next) -> Response<Body> {
    let authorization = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let seen = Request {
        method: request.method().to_string(),
        url: request.uri().to_string(),
        authorization: authorization.unwrap_or_default().to_owned(),
    };
    let is_away = {
        let mut world = desk.world.lock();
        world.requests.push(seen);
        world.is_away
    };
    if is_away {
        close();
    }
    next.run(request).await
}

/// `GET /<version>/me` and `GET /<version>/<customer>`.
async fn node(
    State(desk): State<Desk>,
    Path((version, node)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response<Body> {
    let failure = desk.world.lock().profile_failure.clone().filter(|_| node != "me");
    if let Some(failure) = failure {
        return fail(failure).await;
    }
    let answer = authorized(&desk, &version, &headers, &query, &Value::Null)
        .and_then(|account| read(&desk, &account, &node, query.get("fields").map_or("", String::as_str)));
    respond(answer)
}

fn read(desk: &Desk, account: &Account, node: &str, fields: &str) -> Answer {
    let world = desk.world.lock();
    let known = if node == "me" || node == account.id {
        json!({"id": format!("app-scoped-{}", account.id), "user_id": account.id, "username": account.username})
    } else {
        let profile = world.customer(node).ok_or_else(|| Refusal::no_such_object(node))?;
        world.since_wrote(&account.id, node).ok_or_else(Refusal::no_consent)?;
        profile.clone()
    };
    let mut answer = json!({"id": known["id"]});
    for field in fields.split(',').filter(|field| !field.is_empty()) {
        match &known[field] {
            // What a person did not fill in is left out.
            Value::Null => (),
            value => answer[field] = value.clone(),
        }
    }
    Ok(answer)
}

/// `POST /<version>/<account>/messages`.
async fn messages(
    State(desk): State<Desk>,
    Path((version, node)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let account = match authorized(&desk, &version, &headers, &query, &body) {
        Ok(account) if node == "me" || node == account.id => account,
        Ok(_) => return Refusal::no_such_object(&node).response(),
        Err(refusal) => return refusal.response(),
    };
    if let Some(action) = body["sender_action"].as_str() {
        return respond(act(&desk, &account, &body, action));
    }
    let failure = desk.world.lock().failures.pop_front();
    match failure {
        None => respond(send(&desk, &account, body)),
        Some(Failure::SendAndClose) => {
            send(&desk, &account, body).unwrap();
            close()
        }
        Some(Failure::SendAndHang) => {
            send(&desk, &account, body).unwrap();
            std::future::pending().await
        }
        Some(failure) => fail(failure).await,
    }
}

fn authorized(
    desk: &Desk,
    version: &str,
    headers: &HeaderMap,
    query: &HashMap<String, String>,
    body: &Value,
) -> Result<Account, Refusal> {
    let is_version = version.strip_prefix('v').is_some_and(|number| number.parse::<f32>().is_ok());
    if !is_version {
        return Err(Refusal::new(400, 2500, 0, format!("Unknown path components: /{version}")));
    }
    let header = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = header
        .and_then(|value| value.strip_prefix("Bearer "))
        .or_else(|| query.get("access_token").map(String::as_str))
        .or_else(|| body["access_token"].as_str())
        .unwrap_or_default();
    let world = desk.world.lock();
    match world.with_token(token) {
        Some(account) if account.expired => Err(Refusal::expired_token()),
        Some(account) => Ok(account.clone()),
        None => Err(Refusal::bad_token(token)),
    }
}

/// Shows a sender action.
fn act(desk: &Desk, account: &Account, body: &Value, action: &str) -> Answer {
    let customer = recipient(body)?;
    if !body["message"].is_null() || !ACTIONS.contains(&action) {
        return Err(Refusal::parameter("Invalid sender_action"));
    }
    let (account, customer) = (account.id.clone(), customer.to_owned());
    let answer = json!({"recipient_id": customer});
    if action != "mark_seen" {
        let is_on = action == "typing_on";
        desk.world.lock().typing.push(Typing { account, customer, is_on });
    }
    Ok(answer)
}

/// Takes a message, and tells of it.
fn send(desk: &Desk, account: &Account, body: Value) -> Answer {
    let customer = recipient(&body)?.to_owned();
    check(&body["message"])?;
    let mut world = desk.world.lock();
    let since = world.since_wrote(&account.id, &customer).ok_or_else(Refusal::no_such_user)?;
    let is_person = body["messaging_type"] == "MESSAGE_TAG" && body["tag"] == "HUMAN_AGENT";
    if since > WINDOW && !(is_person && since <= HUMAN_WINDOW) {
        return Err(Refusal::outside_window());
    }
    if let Some(left) = world.over_limit() {
        let refusal = Refusal::rate_limited(&account.id, left.as_secs() / 60);
        let seconds = left.as_secs() + 1;
        return Err(if seconds < 60 { refusal.retry_after(seconds) } else { refusal });
    }
    let mid = world.new_mid(&account.id);
    let sent = Sent {
        account: account.id.clone(),
        customer: customer.clone(),
        mid: mid.clone(),
        message: body["message"].clone(),
        body,
    };
    if !world.is_silent {
        let echo = world::echo(&account.id, &customer, told(&sent), Some(APP_ID.parse().unwrap()));
        desk.webhooks.tell(&account.id, &customer, echo);
    }
    world.sent.push(sent);
    Ok(json!({"recipient_id": customer, "message_id": mid}))
}

/// A message as its echo tells it.
fn told(sent: &Sent) -> Value {
    let mut told = json!({"mid": sent.mid});
    if let Some(text) = sent.message["text"].as_str() {
        told["text"] = text.into();
    }
    if !sent.message["attachment"].is_null() {
        told["attachments"] = json!([sent.message["attachment"]]);
    }
    if !sent.body["reply_to"].is_null() {
        told["reply_to"] = sent.body["reply_to"].clone();
    }
    told
}

fn recipient(body: &Value) -> Result<&str, Refusal> {
    body["recipient"]["id"].as_str().ok_or_else(|| Refusal::parameter("The parameter recipient is required"))
}

/// Whether a message is one that can be sent.
fn check(message: &Value) -> Result<(), Refusal> {
    let attachment = &message["attachment"];
    match (message["text"].as_str(), attachment["type"].as_str()) {
        (Some(""), None) | (None, None) => Err(Refusal::parameter("Empty text")),
        (Some(text), None) if text.len() > TEXT => {
            Err(Refusal::parameter("Length of param message[text] must be less than or equal to 1000"))
        }
        (Some(_), None) => Ok(()),
        (None, Some(kind)) if KINDS.contains(&kind) && attachment["payload"]["url"].is_string() => Ok(()),
        (None, Some(_)) => Err(Refusal::parameter("Incorrect attachment")),
        (Some(_), Some(_)) => Err(Refusal::parameter("Cannot specify both text and attachment")),
    }
}

async fn fail(failure: Failure) -> Response<Body> {
    match failure {
        Failure::Refusal(refusal) => refusal.response(),
        Failure::Status(status) => {
            let mut page =
                Response::new(Body::from("<html><body>Sorry, something went wrong.</body></html>"));
            *page.status_mut() = StatusCode::from_u16(status).unwrap();
            page
        }
        Failure::Close | Failure::SendAndClose => close(),
        Failure::Hang | Failure::SendAndHang => std::future::pending().await,
    }
}

/// Ends the task of this connection, and with it the connection. Nobody hears of it but the client.
fn close() -> ! {
    std::panic::resume_unwind(Box::new("the connection is closed"))
}

fn respond(answer: Answer) -> Response<Body> {
    match answer {
        Ok(answer) => {
            let mut response = Response::new(Body::from(answer.to_string()));
            let json = HeaderValue::from_static("application/json; charset=UTF-8");
            response.headers_mut().insert(header::CONTENT_TYPE, json);
            response
        }
        Err(refusal) => refusal.response(),
    }
}
