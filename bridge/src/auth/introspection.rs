//! Tokens that only the authorization server can read: it is asked about each (RFC 7662), and its answer is believed for a
//! short while.
//!
//! Where it is asked is settled by the configuration alone. Nothing of a token but the token itself goes there, redirects are
//! not followed, and an answer is read up to a limit.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use causeway_config::auth::IntrospectionSettings;
use causeway_proto::time::Clock;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};
use reqwest::{Client, StatusCode, redirect};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::{sync::Semaphore, time::Instant};

use super::{
    AuthError,
    claims::{self, Claims, Rules, Testimony},
};
use crate::command::Token;

/// Largest answer that is read, in bytes.
const MAX_ANSWER: usize = 64 * 1024;
/// Answers that are kept. Over it the oldest goes, and its token costs another question.
const MAX_KEPT: usize = 10_000;
/// Questions under way. Over it a connect waits for its turn as long as for an answer.
const MAX_ASKING: usize = 32;
/// What credentials cannot have as it is: all but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Asks the authorization server, and remembers.
pub(super) struct Introspection {
    endpoint: IntrospectionSettings,
    client: Client,
    asking: Semaphore,
    kept: Mutex<Kept>,
}

/// Why the endpoint cannot be asked at all.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// Not a URL.
    #[error("not an http or https URL")]
    Url,
    /// The HTTP client cannot be set up, for example because the system has no certificates.
    #[error("cannot set up the HTTP client: {0}")]
    Client(reqwest::Error),
}

impl Introspection {
    /// Sets up the client; nothing is asked yet.
    pub(super) fn new(endpoint: &IntrospectionSettings) -> Result<Self, SetupError> {
        let url = reqwest::Url::parse(&endpoint.url).map_err(|_| SetupError::Url)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(SetupError::Url);
        }
        // The process may have installed one already, which is as good.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = Client::builder()
            .timeout(endpoint.timeout)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|error| SetupError::Client(error.without_url()))?;
        Ok(Self {
            endpoint: endpoint.clone(),
            client,
            asking: Semaphore::new(MAX_ASKING),
            kept: Mutex::default(),
        })
    }

    /// What the authorization server says about a token, now or a short while ago. [`AuthError::Invalid`] when it is not
    /// active, or not for us; [`AuthError::Unavailable`] when there is no answer.
    pub(super) async fn ask(
        &self,
        token: &Token,
        rules: &Rules,
        clock: &Clock,
    ) -> Result<Testimony, AuthError> {
        // RFC 6749 appendix A.12: printable ASCII. What is not cannot have been issued.
        if !token.0.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            return Err(AuthError::Invalid);
        }
        let digest = Sha256::digest(token.0.as_bytes()).into();
        if let Some(answer) = self.kept().get(&digest, Instant::now()) {
            return answer.ok_or(AuthError::Invalid);
        }
        let answer = tokio::time::timeout(self.endpoint.timeout, self.question(token))
            .await
            .map_err(|_| AuthError::Unavailable)??;
        let testimony = believe(&answer, rules, clock.now_micros());
        self.kept().keep(digest, testimony.clone(), Instant::now() + self.endpoint.cache);
        testimony.ok_or(AuthError::Invalid)
    }

    async fn question(&self, token: &Token) -> Result<Claims, AuthError> {
        let _turn = self.asking.acquire().await.map_err(|_| AuthError::Unavailable)?;
        let IntrospectionSettings { client_id, client_secret, .. } = &self.endpoint;
        let answer = self
            .client
            .post(&self.endpoint.url)
            .basic_auth(form_encoded(client_id), Some(form_encoded(client_secret.expose())))
            .form(&[("token", token.0.as_str()), ("token_type_hint", "access_token")])
            .send()
            .await;
        let mut answer = answer.map_err(|error| unavailable(&error.without_url().to_string()))?;
        if answer.status() != StatusCode::OK {
            return Err(unavailable(answer.status().as_str()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|_| unavailable("the answer broke off"))? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(unavailable("the answer is too long"));
            }
            body.extend_from_slice(&chunk);
        }
        serde_json::from_slice(&body).map_err(|_| unavailable("the answer is not a JSON object"))
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Introspection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Introspection").field("url", &self.endpoint.url).finish_non_exhaustive()
    }
}

/// `None` unless the answer says that the token is active, whose it is, and, where it says whom it is for, us. An answer need
/// not name issuer and audience: whom it tells of a token is the authorization server's choice (RFC 7662 §4).
fn believe(answer: &Claims, rules: &Rules, now: i64) -> Option<Testimony> {
    if answer.get("active") != Some(&Value::Bool(true)) {
        return None;
    }
    let issuer = rules.issuer.as_deref().filter(|_| answer.contains_key("iss"));
    let audience = rules.audience.as_deref().filter(|_| answer.contains_key("aud"));
    if !claims::is_for(answer, issuer, audience) {
        return None;
    }
    claims::read_introspected(answer, rules, now).ok()
}

/// Credentials are form-encoded before they are joined by a colon (RFC 6749 §2.3.1); else a server that decodes them reads
/// a plus as a space.
fn form_encoded(credential: &str) -> PercentEncode<'_> {
    utf8_percent_encode(credential, RESERVED)
}

fn unavailable(reason: &str) -> AuthError {
    tracing::warn!(reason, "token introspection failed");
    AuthError::Unavailable
}

type TokenDigest = [u8; 32];

/// Answers by token, of which only the digest is kept. `None` is an answer too: the token is not good.
#[derive(Default)]
struct Kept {
    answers: HashMap<TokenDigest, (Option<Testimony>, Instant)>,
    /// In the order in which they end, as all are kept equally long.
    order: VecDeque<(TokenDigest, Instant)>,
}

impl Kept {
    fn get(&self, digest: &TokenDigest, now: Instant) -> Option<Option<Testimony>> {
        self.answers.get(digest).filter(|(_, until)| *until > now).map(|(answer, _)| answer.clone())
    }

    fn keep(&mut self, digest: TokenDigest, answer: Option<Testimony>, until: Instant) {
        self.answers.insert(digest, (answer, until));
        self.order.push_back((digest, until));
        let now = Instant::now();
        while let Some((digest, until)) = self.order.front().copied() {
            if until > now && self.order.len() <= MAX_KEPT {
                return;
            }
            self.order.pop_front();
            // A newer answer about the same token stays.
            if self.answers.get(&digest).is_some_and(|(_, kept)| *kept == until) {
                self.answers.remove(&digest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    fn rules() -> Rules {
        Rules {
            identity_claims: vec!["sub".into()],
            leeway: Duration::ZERO,
            issuer: None,
            audience: Some("bridge".into()),
        }
    }

    fn believed(answer: &Value) -> bool {
        believe(answer.as_object().unwrap(), &rules(), 0).is_some()
    }

    #[test]
    fn only_an_active_token_for_us_is_believed() {
        assert!(believed(&json!({"active": true, "sub": "7"})));
        assert!(believed(&json!({"active": true, "sub": "7", "aud": ["bridge", "other"]})));
        for bad in [
            json!({"active": false, "sub": "7"}),
            json!({"active": "true", "sub": "7"}),
            json!({"sub": "7"}),
            json!({"active": true}),
            json!({"active": true, "sub": "7", "aud": "other"}),
            json!({"active": true, "sub": "7", "exp": "soon"}),
        ] {
            assert!(!believed(&bad), "{bad}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_forgotten_in_time_and_when_there_are_too_many() {
        let mut kept = Kept::default();
        let soon = Instant::now() + Duration::from_secs(30);
        kept.keep([0; 32], None, soon);
        assert_eq!(kept.get(&[0; 32], Instant::now()), Some(None));
        assert_eq!(kept.get(&[1; 32], Instant::now()), None);
        tokio::time::advance(Duration::from_secs(30)).await;
        assert_eq!(kept.get(&[0; 32], Instant::now()), None);
        for number in 0..=MAX_KEPT {
            let mut digest = [1; 32];
            digest[..8].copy_from_slice(&number.to_le_bytes());
            kept.keep(digest, None, Instant::now() + Duration::from_secs(30));
        }
        assert_eq!((kept.answers.len(), kept.order.len()), (MAX_KEPT, MAX_KEPT));
    }
}
