//! From a request to a socket (RFC 6455 §4.2): is it an upgrade, may this page ask, whose token is it, may this user be here.
//! Everything is settled before the 101, so that nothing sent after a client saw it is missed. What the dialect refuses
//! with a close code gets its 101 too, and the close frame right behind it.

use base64::{Engine, engine::general_purpose::STANDARD};
use causeway_proto::{chat::ConversationKind, id};
use http::{
    HeaderValue, Method, StatusCode, Version,
    header::{
        CONNECTION, HeaderName, LINK, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
        SEC_WEBSOCKET_VERSION, UPGRADE,
    },
};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::{
    auth::{self, bearer},
    dialect::Route,
    fault::{Refusal, Refused},
    head::Head,
    http::{Reply, detail, only},
    listener::Edge,
    mount::Found,
    opening::{self, Opened},
};

/// An answer, and what becomes of the connection once it is sent.
pub(crate) struct Answer {
    pub(crate) reply: Reply,
    /// What follows a 101; without it the connection is closed.
    pub(crate) next: Option<Next>,
}

/// What follows a 101.
pub(crate) enum Next {
    /// The socket is open.
    Run(Box<Opened>),
    /// It is closed at once, with this code and reason.
    Close(u16, &'static str),
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        Self { reply, next: None }
    }
}

/// Answers a request for a socket.
pub(crate) async fn answer(edge: &Edge, head: &Head, found: &Found<'_>, route: &'static Route) -> Answer {
    let accept = match accept_key(head) {
        Ok(accept) => accept,
        Err(reply) => return (*reply).into(),
    };
    if route.successors.is_some() && !edge.deprecated_paths {
        return detail(StatusCode::GONE, "this path is gone").into();
    }
    if edge.shared.live().origins.check(&head.headers).is_err() {
        return detail(StatusCode::FORBIDDEN, "origin not allowed").into();
    }
    match open(edge, head, found, route).await {
        Ok(opened) => {
            let mut reply = switching(head, accept);
            if let Some(successors) = route.successors {
                deprecate(&mut reply, found, successors, opened.kind());
            }
            Answer { reply, next: Some(Next::Run(opened)) }
        }
        Err(refusal) => {
            edge.shared.metrics.refused(found.dialect, refusal);
            refuse(head, found, refusal, accept)
        }
    }
}

/// The value of `Sec-WebSocket-Accept`; otherwise what the request lacks to be an upgrade.
fn accept_key(head: &Head) -> Result<HeaderValue, Box<Reply>> {
    if head.method != Method::GET {
        return Err(only("GET").into());
    }
    let upgrade = head.version >= Version::HTTP_11
        && head.lists(CONNECTION, "upgrade")
        && head.lists(UPGRADE, "websocket");
    if !upgrade {
        let mut reply = detail(StatusCode::UPGRADE_REQUIRED, "this path is for WebSocket");
        reply.headers_mut().insert(UPGRADE, HeaderValue::from_static("websocket"));
        return Err(reply.into());
    }
    if head.headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        let mut reply = detail(StatusCode::UPGRADE_REQUIRED, "only version 13 of WebSocket is spoken");
        reply.headers_mut().insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        return Err(reply.into());
    }
    let key = head.headers.get(SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes).unwrap_or_default();
    let nonce = STANDARD.decode(key).ok().filter(|nonce| nonce.len() == 16);
    let accept = nonce.and_then(|_| HeaderValue::try_from(derive_accept_key(key)).ok());
    accept
        .ok_or_else(|| detail(StatusCode::BAD_REQUEST, "Sec-WebSocket-Key must be 16 bytes in Base64").into())
}

async fn open(
    edge: &Edge,
    head: &Head,
    found: &Found<'_>,
    route: &'static Route,
) -> Result<Box<Opened>, Refusal> {
    let allow_opaque = auth::takes_opaque_tokens(found.dialect);
    let identity = edge.shared.live().auth.verify(&head.token()?, allow_opaque).await?;
    let id = found.id();
    if id.as_deref().is_some_and(|id| id::read(id).is_err()) {
        return Err(Refusal::NotFound);
    }
    let seat = edge.limits.admit(&identity.user.id).await?;
    let _turn = edge.turns.take().await?;
    let since = head.since.clone();
    let request = opening::Request { dialect: found.dialect, route, id, identity, since, allow_opaque, seat };
    let opening = Box::pin(opening::open(&edge.shared, request));
    let opened = tokio::time::timeout(edge.handshake_timeout, opening).await;
    opened.map_err(|_| Refusal::Unavailable)?.map(Box::new)
}

fn refuse(head: &Head, found: &Found<'_>, refusal: Refusal, accept: HeaderValue) -> Answer {
    tracing::debug!(dialect = found.dialect.name(), ?refusal, "socket refused");
    match found.dialect.translator().refuse(refusal) {
        Refused::Http(status, text) => {
            detail(StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN), text).into()
        }
        Refused::Close(code, reason) => {
            Answer { reply: switching(head, accept), next: Some(Next::Close(code, reason)) }
        }
    }
}

fn switching(head: &Head, accept: HeaderValue) -> Reply {
    let mut reply = Reply::default();
    *reply.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = reply.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    if bearer::offers_subprotocol(&head.headers) {
        headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(bearer::SUBPROTOCOL));
    }
    reply
}

/// Says that the path is going away, and by which path the same conversation is reached (RFC 9745, RFC 5829 §3.2).
fn deprecate(reply: &mut Reply, found: &Found<'_>, successors: [&str; 2], kind: Option<ConversationKind>) {
    let [group, one_to_one] = successors;
    let successor = if kind == Some(ConversationKind::OneToOne) { one_to_one } else { group };
    let path = successor.replace("{id}", found.segment.unwrap_or_default());
    let link = format!("<{}{path}/>; rel=\"successor-version\"", found.prefix);
    reply.headers_mut().insert(HeaderName::from_static("deprecation"), HeaderValue::from_static("true"));
    if let Ok(link) = HeaderValue::try_from(link) {
        reply.headers_mut().insert(LINK, link);
    }
}
