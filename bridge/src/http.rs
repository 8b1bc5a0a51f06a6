//! Plain HTTP on the listener: health, readiness, the one question that rooms frontends ask, and `{"detail": …}` for whatever
//! is refused. Every answer but an upgrade ends its connection.

use bytes::Bytes;
use causeway_proto::{
    chat::{Conversation, ConversationKind, User},
    time,
};
use http::{
    HeaderValue, Method, Response, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_MAX_AGE, ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, ORIGIN, VARY,
        WWW_AUTHENTICATE,
    },
};
use http_body_util::Full;
use serde::Serialize;

use crate::{
    fault::Refusal,
    handshake::{self, Answer},
    head::Head,
    listener::Edge,
    mount::{Found, Target},
    opening,
};

/// An answer with its whole body.
pub(crate) type Reply = Response<Full<Bytes>>;

#[derive(Serialize)]
struct Detail<'a> {
    detail: &'a str,
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

#[derive(Serialize)]
struct Readiness {
    status: &'static str,
    waiting_for: Vec<&'static str>,
}

/// A conversation as the `rooms` dialect describes it.
#[derive(Serialize)]
struct ConversationView<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    name: &'a str,
    participants: Vec<ParticipantView<'a>>,
    created_at: Option<String>,
}

#[derive(Serialize)]
struct ParticipantView<'a> {
    id: &'a str,
    username: &'a str,
    name: String,
}

/// Answers any request, and says what becomes of its connection.
pub(crate) async fn answer(edge: &Edge, head: &Head) -> Answer {
    match (
        head.path.strip_suffix('/').unwrap_or(&head.path),
        edge.mounts.find(head.host.as_deref(), &head.path),
    ) {
        ("/healthz" | "/readyz", _) if !matches!(head.method, Method::GET | Method::HEAD) => {
            only("GET, HEAD").into()
        }
        ("/healthz", _) => json(StatusCode::OK, &Health { status: "ok" }).into(),
        ("/readyz", _) => readiness(edge).into(),
        (_, Some(found)) => match found.target {
            Target::Socket(route) => handshake::answer(edge, head, &found, route).await,
            Target::Conversation => for_page(edge, head, conversation(edge, head, &found).await).into(),
        },
        (_, None) => detail(StatusCode::NOT_FOUND, "not found").into(),
    }
}

/// An answer of JSON.
fn json(status: StatusCode, value: &impl Serialize) -> Reply {
    let body = serde_json::to_vec(value).unwrap_or_default();
    let mut reply = Reply::new(Full::new(body.into()));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    reply
}

/// A refusal; `detail` is for people and must not be about anybody in particular.
pub(crate) fn detail(status: StatusCode, detail: &str) -> Reply {
    json(status, &Detail { detail })
}

/// The answer to a method that the path does not have.
pub(crate) fn only(allowed: &'static str) -> Reply {
    let mut reply = detail(StatusCode::METHOD_NOT_ALLOWED, "method not allowed");
    reply.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    reply
}

fn readiness(edge: &Edge) -> Reply {
    let waiting_for = edge.shared.waits_for();
    if waiting_for.is_empty() {
        json(StatusCode::OK, &Readiness { status: "ready", waiting_for })
    } else {
        json(StatusCode::SERVICE_UNAVAILABLE, &Readiness { status: "waiting", waiting_for })
    }
}

/// `GET /api/conversations/{id}`. A page on another origin asks first whether it may (the CORS protocol).
async fn conversation(edge: &Edge, head: &Head, found: &Found<'_>) -> Reply {
    if edge.shared.live().origins.check(&head.headers).is_err() {
        return detail(StatusCode::FORBIDDEN, "origin not allowed");
    }
    match head.method {
        Method::OPTIONS => return preflight(),
        Method::GET | Method::HEAD => {}
        _ => return only("GET, HEAD, OPTIONS"),
    }
    match read_conversation(edge, head, found).await {
        Ok(conversation) => match kind(&conversation) {
            Some(kind) => json(StatusCode::OK, &ConversationView::new(&conversation, kind)),
            None => refused(Refusal::NotFound),
        },
        Err(refusal) => refused(refusal),
    }
}

async fn read_conversation(edge: &Edge, head: &Head, found: &Found<'_>) -> Result<Conversation, Refusal> {
    let identity = edge.shared.live().auth.verify(&head.token()?, false).await?;
    let id = found.id().ok_or(Refusal::NotFound)?;
    let reading = opening::conversation(&edge.shared, &identity, &id);
    tokio::time::timeout(edge.handshake_timeout, reading).await.map_err(|_| Refusal::Unavailable)?
}

fn refused(refusal: Refusal) -> Reply {
    match refusal {
        Refusal::NoToken | Refusal::InvalidToken | Refusal::ExpiredToken => {
            let mut reply = detail(StatusCode::UNAUTHORIZED, "a valid token is required");
            reply.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            reply
        }
        Refusal::NotFound => detail(StatusCode::NOT_FOUND, "no such conversation"),
        Refusal::NotParticipant | Refusal::WrongUser | Refusal::Inactive => {
            detail(StatusCode::FORBIDDEN, "not a participant of this conversation")
        }
        Refusal::Unavailable | Refusal::Overloaded => {
            detail(StatusCode::SERVICE_UNAVAILABLE, "try again later")
        }
    }
}

/// The kinds that the dialect knows.
fn kind(conversation: &Conversation) -> Option<&'static str> {
    match conversation.kind() {
        ConversationKind::Group => Some("group"),
        ConversationKind::OneToOne => Some("one_to_one"),
        ConversationKind::Support | ConversationKind::Unspecified => None,
    }
}

impl<'a> ConversationView<'a> {
    fn new(conversation: &'a Conversation, kind: &'static str) -> Self {
        let users = conversation.participants.iter().filter_map(|participant| participant.user.as_ref());
        Self {
            id: &conversation.id,
            kind,
            name: if conversation.name.is_empty() { &conversation.title } else { &conversation.name },
            participants: users.map(ParticipantView::from).collect(),
            created_at: conversation.created_at.as_ref().map(|at| format!("{}+00:00", time::rfc3339(at))),
        }
    }
}

impl<'a> From<&'a User> for ParticipantView<'a> {
    fn from(user: &'a User) -> Self {
        Self { id: &user.id, username: &user.username, name: user.display_name() }
    }
}

fn preflight() -> Reply {
    let mut reply = Reply::default();
    *reply.status_mut() = StatusCode::NO_CONTENT;
    let headers = reply.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD"));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("authorization, content-type"));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    reply
}

/// Lets a page on an allowed origin read the answer.
fn for_page(edge: &Edge, head: &Head, mut reply: Reply) -> Reply {
    let headers = reply.headers_mut();
    headers.insert(VARY, HeaderValue::from_static("Origin"));
    let live = edge.shared.live();
    if let (Ok(Some(_)), Some(origin)) = (live.origins.check(&head.headers), head.headers.get(ORIGIN)) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    }
    reply
}
