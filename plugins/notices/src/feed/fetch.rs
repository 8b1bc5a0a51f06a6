//! Asks for a feed.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use reqwest::{
    Client, Response, StatusCode,
    header::{
        ACCEPT, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
    },
    redirect::{Attempt, Policy},
};

use super::{
    addresses::{PublicOnly, names_private},
    patience,
};
use crate::error::{FeedError, NotPublic};

/// Largest feed, in bytes.
const BODY: usize = 2 << 20;
const REDIRECTS: usize = 5;
const USER_AGENT: &str = concat!("causeway-notices/", env!("CARGO_PKG_VERSION"));
const FEEDS: &str =
    "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, */*;q=0.5";

/// What the server said of the feed's version, to be told to it the next time (RFC 9110 §13.1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Validators {
    etag: Option<HeaderValue>,
    last_modified: Option<HeaderValue>,
}

/// A feed, or that it has not changed.
#[derive(Debug)]
pub(super) struct Answer {
    /// `None`: it is as it was.
    pub(super) body: Option<Vec<u8>>,
    pub(super) validators: Validators,
    /// How long the server wants to be left alone; none is no wait.
    pub(super) patience: Duration,
}

/// A client for one feed.
pub(super) fn client(private: bool) -> Result<Client, reqwest::Error> {
    // The process may have installed one already, which is as good.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let builder = Client::builder()
        .user_agent(USER_AGENT)
        // Neither through a proxy, which connects to where it likes, nor with an address that may hold credentials.
        .no_proxy()
        .referer(false)
        .redirect(Policy::custom(move |attempt| follow(attempt, private)));
    if private { builder.build() } else { builder.dns_resolver(Arc::new(PublicOnly)).build() }
}

/// Where a redirect leads must be as good as where it came from. Names are looked at when they are resolved.
fn follow(attempt: Attempt<'_>, private: bool) -> reqwest::redirect::Action {
    if attempt.previous().len() > REDIRECTS {
        return attempt.error("it redirects too often");
    }
    if !matches!(attempt.url().scheme(), "http" | "https") {
        return attempt.error("it redirects to something that is neither http nor https");
    }
    if !private && names_private(attempt.url()) {
        return attempt.error(NotPublic);
    }
    attempt.follow()
}

/// Asks once. `private`: wherever the feed lies.
pub(super) async fn fetch(
    client: &Client,
    url: &str,
    known: &Validators,
    private: bool,
) -> Result<Answer, FeedError> {
    let url = reqwest::Url::parse(url).map_err(|error| FeedError::Unreachable(error.to_string()))?;
    if !private && names_private(&url) {
        return Err(NotPublic.into());
    }
    let response = client.get(url).headers(known.headers()).header(ACCEPT, FEEDS).send().await?;
    let patience = patience::max_age(response.headers());
    match response.status() {
        StatusCode::NOT_MODIFIED => Ok(Answer { body: None, validators: known.clone(), patience }),
        StatusCode::OK => {
            let validators = Validators::read(response.headers());
            Ok(Answer { body: Some(read(response).await?), validators, patience })
        }
        status => {
            let retry_after = patience::retry_after(response.headers(), Timestamp::now());
            Err(FeedError::Status { status: status.as_u16(), retry_after })
        }
    }
}

async fn read(mut response: Response) -> Result<Vec<u8>, FeedError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > BODY {
            return Err(FeedError::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

impl Validators {
    fn read(headers: &HeaderMap) -> Self {
        Self { etag: headers.get(ETAG).cloned(), last_modified: headers.get(LAST_MODIFIED).cloned() }
    }

    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let mut add = |name: HeaderName, value: &Option<HeaderValue>| {
            if let Some(value) = value {
                headers.insert(name, value.clone());
            }
        };
        add(IF_NONE_MATCH, &self.etag);
        add(IF_MODIFIED_SINCE, &self.last_modified);
        headers
    }
}
