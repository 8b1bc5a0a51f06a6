//! Tokens that only the authorization server can read, and an authorization server of a few lines.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use causeway_config::auth::IntrospectionSettings;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;

pub(super) const CLIENT_SECRET: &str = "the secret of the bridge";

pub(super) fn endpoint(url: &str) -> IntrospectionSettings {
    IntrospectionSettings {
        url: url.to_owned(),
        client_id: "causeway".to_owned(),
        client_secret: Secret::new(CLIENT_SECRET).unwrap(),
        cache: Duration::from_secs(30),
        timeout: Duration::from_millis(500),
    }
}

/// Answers every request with the same, and counts them.
struct Server {
    url: String,
    asked: Arc<AtomicUsize>,
    last_request: Arc<std::sync::Mutex<String>>,
}

impl Server {
    async fn answering(answer: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            url: format!("http://{}/introspect", listener.local_addr().unwrap()),
            asked: Arc::default(),
            last_request: Arc::default(),
        };
        let (asked, last_request) = (server.asked.clone(), server.last_request.clone());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = Vec::new();
                // The form is the last that comes.
                while !String::from_utf8_lossy(&request).contains("token_type_hint=access_token") {
                    if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
                        break;
                    }
                }
                asked.fetch_add(1, Ordering::Relaxed);
                *last_request.lock().unwrap() = String::from_utf8_lossy(&request).into_owned();
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        server
    }

    async fn saying(answer: Value) -> Self {
        let body = answer.to_string();
        Self::answering(format!(
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ))
        .await
    }

    fn auth(&self) -> Auth {
        auth_with(&[Issuer::new(Configured::HS256).settings], |settings| {
            settings.introspection = Some(endpoint(&self.url));
        })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

async fn opaque(auth: &Auth, token: &str) -> Result<String, AuthError> {
    auth.verify(&Token(token.to_owned()), true).await.map(|identity| identity.user.id)
}

#[tokio::test]
async fn an_active_token_is_asked_about_once_and_then_remembered() {
    let server = Server::saying(json!({"active": true, "sub": 7, "username": "jd", "exp": NOW + 60})).await;
    let auth = server.auth();
    for _ in 0..3 {
        assert_eq!(opaque(&auth, "2YotnFZFEjr1zCsicMWpAA").await, Ok("7".to_owned()));
    }
    assert_eq!(server.asked(), 1);
    let request = server.last_request.lock().unwrap().clone();
    assert!(request.starts_with("POST /introspect HTTP/1.1\r\n"), "{request}");
    let credentials = ::base64::Engine::encode(
        &::base64::engine::general_purpose::STANDARD,
        // Form-encoded, as RFC 6749 §2.3.1 has it.
        "causeway:the%20secret%20of%20the%20bridge",
    );
    assert!(request.contains(&format!("authorization: Basic {credentials}\r\n")), "{request}");
    assert!(request.ends_with("token=2YotnFZFEjr1zCsicMWpAA&token_type_hint=access_token"), "{request}");
}

#[tokio::test]
async fn an_inactive_token_is_invalid_and_that_is_remembered_too() {
    let server = Server::saying(json!({"active": false})).await;
    let auth = server.auth();
    for _ in 0..2 {
        assert_eq!(opaque(&auth, "gone").await, Err(AuthError::Invalid));
    }
    assert_eq!(server.asked(), 1);
}

#[tokio::test]
async fn what_need_not_be_asked_is_not_asked() {
    let server = Server::saying(json!({"active": true, "sub": 7})).await;
    let auth = server.auth();
    // Where only JWTs are allowed, what is none is invalid; and a JWT is never somebody else's to judge.
    assert_eq!(verdict(&auth, "opaque").await, Err(AuthError::Invalid));
    assert_eq!(opaque(&auth, &Issuer::new(Configured::HS384).token(&good())).await, Err(AuthError::Invalid));
    assert_eq!(opaque(&auth, &Issuer::new(Configured::HS256).token(&good())).await, Ok("7".to_owned()));
    assert_eq!(opaque(&auth, "tok\u{e9}n").await, Err(AuthError::Invalid));
    assert_eq!(server.asked(), 0);
}

#[tokio::test]
async fn no_usable_answer_is_not_a_verdict_and_is_not_remembered() {
    let body = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 4\r\n\r\noops";
    let redirect = "HTTP/1.1 302 Found\r\nconnection: close\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
    let denied = "HTTP/1.1 401 Unauthorized\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    let long = format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{}", " ".repeat(65 * 1024));
    for answer in [body.to_owned(), redirect.to_owned(), denied.to_owned(), long, String::new()] {
        let server = Server::answering(answer.clone()).await;
        let auth = server.auth();
        for _ in 0..2 {
            assert_eq!(opaque(&auth, "t").await, Err(AuthError::Unavailable), "{answer:.40}");
        }
        assert!(server.asked() >= 2, "{answer:.40}");
    }
}

#[tokio::test]
async fn an_authorization_server_that_is_not_there_or_says_nothing_is_unavailable() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    for url in ["http://127.0.0.1:1/".to_owned(), format!("http://{}/", silent.local_addr().unwrap())] {
        let auth = auth_with(&[Issuer::new(Configured::HS256).settings], |settings| {
            settings.introspection = Some(endpoint(&url));
        });
        assert_eq!(opaque(&auth, "t").await, Err(AuthError::Unavailable), "{url}");
    }
}
