//! Asking for a socket, with whatever a frontend or an attacker may bring, and what is answered.

use std::{
    fs,
    time::{SystemTime, UNIX_EPOCH},
};

use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::json;
use tokio::time::timeout;
use tokio_tungstenite::{
    connect_async,
    tungstenite::{
        self,
        client::IntoClientRequest,
        http::{HeaderMap, HeaderName, HeaderValue},
    },
};

use super::{
    causeway::Causeway,
    client::{Client, PATIENCE},
    people::Person,
};

/// A socket that was not opened: an ordinary HTTP response.
#[derive(Debug)]
pub(crate) struct Refused {
    /// Status code.
    pub(crate) status: u16,
    /// Body as text.
    pub(crate) body: String,
}

impl Causeway {
    /// Opens a socket as a person, token in the query.
    pub(crate) async fn client(&self, who: &Person, path: &str) -> Client {
        let token = self.token(&who.id).await;
        self.open(&who.first_name, &with_token(path, &token)).await
    }

    /// Opens a socket as a person who wants event ids: from now on when `since` is empty.
    pub(crate) async fn client_since(&self, who: &Person, path: &str, since: &str) -> Client {
        self.client(who, &format!("{path}?since={since}")).await
    }

    /// Opens a socket on a path that says everything; `who` names it when the test fails.
    pub(crate) async fn open(&self, who: &str, path: &str) -> Client {
        match self.knock(who, path, &[]).await {
            Ok((client, _)) => client,
            Err(refused) => panic!("{who} is refused on {path}: {refused:?}"),
        }
    }

    /// Asks for a socket with more headers. Returns it with the headers of the 101 response.
    pub(crate) async fn knock(
        &self,
        who: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<(Client, HeaderMap), Refused> {
        let url = format!("ws://{}{path}", self.at.bridge);
        let mut request = url.into_client_request().expect("the path is one");
        for (name, value) in headers {
            let name = HeaderName::try_from(*name).expect("a header's name");
            request.headers_mut().insert(name, HeaderValue::try_from(*value).expect("a header's value"));
        }
        let answer = timeout(PATIENCE, connect_async(request)).await;
        match answer.unwrap_or_else(|_| panic!("{who} on {path}: no answer")) {
            Ok((socket, response)) => Ok((Client::new(socket, who.to_owned()), response.headers().clone())),
            Err(tungstenite::Error::Http(response)) => {
                let status = response.status().as_u16();
                let body = response.body().as_deref().map(String::from_utf8_lossy).unwrap_or_default();
                Err(Refused { status, body: body.into_owned() })
            }
            Err(error) => panic!("{who} on {path}: {error}"),
        }
    }

    /// A token for a user that was good until a minute ago.
    pub(crate) fn expired_token(&self, user: &str) -> String {
        let key = fs::read_to_string(self.data_dir().join("signing.key")).expect("the first start makes it");
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
        let claims = json!({"sub": user, "exp": now - 60});
        encode(&Header::default(), &claims, &EncodingKey::from_secret(key.trim().as_bytes()))
            .expect("the claims can be signed")
    }

    /// Asks for a socket that must be refused before the upgrade.
    pub(crate) async fn refused(&self, path: &str) -> Refused {
        match self.knock("nobody", path, &[]).await {
            Ok(_) => panic!("{path} is opened"),
            Err(refused) => refused,
        }
    }

    /// Asks for a socket that must be accepted and closed at once with this code. Returns the reason.
    pub(crate) async fn closed(&self, path: &str, code: u16) -> String {
        self.open(path, path).await.expect_close(code).await
    }
}

/// The path with a token in its query.
pub(crate) fn with_token(path: &str, token: &str) -> String {
    let separator = if path.contains('?') { '&' } else { '?' };
    format!("{path}{separator}token={token}")
}
