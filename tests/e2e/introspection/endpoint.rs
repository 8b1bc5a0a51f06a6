//! An authorization server of a few lines, with RFC 7662's endpoint alone.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{Request, Response, StatusCode, header::AUTHORIZATION};
use http_body_util::BodyExt;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::stage::{Setup, process::free_address};

const CLIENT_ID: &str = "bridge:7";
pub(super) const CLIENT_SECRET: &str = "sesame+open/100%";
/// Both as they are sent: form-encoded, so that the colon between them is the only one (RFC 6749 §2.3.1).
pub(super) const SENT_CREDENTIALS: &str = "bridge%3A7:sesame%2Bopen%2F100%25";

/// The introspection endpoint, which may not have come up yet.
pub(super) struct Endpoint {
    at: SocketAddr,
    pub(super) desk: Arc<Desk>,
}

/// What the endpoint knows and has seen.
#[derive(Default)]
pub(super) struct Desk {
    mood: Mutex<Mood>,
    answers: Mutex<HashMap<String, Value>>,
    /// First line, credentials and body of each request.
    pub(super) questions: Mutex<Vec<[String; 3]>>,
}

/// How the endpoint is.
#[derive(Default, Clone, Copy)]
pub(super) enum Mood {
    #[default]
    Answering,
    /// Says 500 to everything.
    Broken,
    /// Takes requests and says nothing.
    Silent,
}

impl Endpoint {
    /// One that nobody listens at.
    pub(super) fn away() -> Self {
        Self { at: free_address(), desk: Arc::default() }
    }

    pub(super) async fn start() -> Self {
        let endpoint = Self::away();
        endpoint.come().await;
        endpoint
    }

    /// From now on somebody listens, until the test ends.
    pub(super) async fn come(&self) {
        let listener = TcpListener::bind(self.at).await.unwrap();
        let desk = self.desk.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let desk = desk.clone();
                let service = service_fn(move |request| answer(desk.clone(), request));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
    }

    pub(super) fn becomes(&self, mood: Mood) {
        *self.desk.mood.lock().unwrap() = mood;
    }

    /// A new token with what is said about it.
    pub(super) fn issue(&self, answer: Value) -> String {
        let token = format!("{:032x}", rand::random::<u128>());
        self.answers(&token, answer);
        token
    }

    pub(super) fn answers(&self, token: &str, answer: Value) {
        self.desk.answers.lock().unwrap().insert(token.to_owned(), answer);
    }

    pub(super) fn asked(&self) -> usize {
        self.desk.questions.lock().unwrap().len()
    }

    /// A Causeway that asks here, on more lines of `[auth.introspection]`.
    pub(super) fn settings(&self, lines: &str) -> Setup {
        let url = format!("http://{}/introspect", self.at);
        let section = format!("[auth.introspection]\nurl = {url:?}\nclient_id = {CLIENT_ID:?}\n{lines}\n");
        // As secrets are given: not in a file that is shown around.
        Setup::default().file(&section).set("auth.introspection.client_secret", CLIENT_SECRET)
    }
}

async fn answer(desk: Arc<Desk>, request: Request<Incoming>) -> hyper::Result<Response<String>> {
    let line = format!("{} {}", request.method(), request.uri());
    let credentials = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let credentials = credentials.unwrap_or_default().to_owned();
    let body = String::from_utf8_lossy(&request.into_body().collect().await?.to_bytes()).into_owned();
    let token = body.split('&').find_map(|field| field.strip_prefix("token="));
    // RFC 7662 §2.2: of a token that it does not know it says nothing more.
    let known = token.and_then(|token| desk.answers.lock().unwrap().get(token).cloned());
    let said = known.unwrap_or_else(|| json!({"active": false})).to_string();
    let may_ask = credentials == basic();
    desk.questions.lock().unwrap().push([line, credentials, body]);
    let mood = *desk.mood.lock().unwrap();
    let (status, said) = match mood {
        Mood::Answering if may_ask => (StatusCode::OK, said),
        Mood::Answering => (StatusCode::UNAUTHORIZED, String::new()),
        Mood::Broken => (StatusCode::INTERNAL_SERVER_ERROR, said),
        Mood::Silent => std::future::pending().await,
    };
    let mut response = Response::new(said);
    *response.status_mut() = status;
    Ok(response)
}

pub(super) fn basic() -> String {
    format!("Basic {}", STANDARD.encode(SENT_CREDENTIALS))
}
