//! The Bot API over HTTP: frankenstein's methods and types on a client of our own, so that addresses, patience and what an
//! error means are ours.
//!
//! The bot's token is part of each URL. No URL leaves this file: not in errors, not in logs.

use std::{fmt, path::PathBuf, time::Duration};

use async_trait::async_trait;
use frankenstein::{AsyncTelegramApi, response::MethodResponse};
use reqwest::{Client, Response, StatusCode, header::CONTENT_TYPE, redirect};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    error::{ApiError, Refusal},
    settings::{Settings, SettingsError},
};

/// Largest answer that is read, in bytes: a hundred updates.
const MAX_ANSWER: usize = 16 << 20;
/// The one method that takes as long as it is told.
const GET_UPDATES: &str = "getUpdates";

/// One bot's way to Telegram.
pub(crate) struct Api {
    client: Client,
    /// With the token, without a slash at the end.
    methods: String,
    /// Where files are, with the token, without a slash at the end.
    files: String,
    request_timeout: Duration,
    poll_timeout: Duration,
}

/// A client that all bots share.
pub(crate) fn client(settings: &Settings) -> Result<Client, SettingsError> {
    // The process may have installed one already, which is as good.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Client::builder()
        // Half, so that what was never sent is told from what was not answered.
        .connect_timeout(settings.request_timeout / 2)
        // To where the token must not go.
        .redirect(redirect::Policy::none())
        .build()
        .map_err(|error| SettingsError::Client(error.without_url().to_string()))
}

impl Api {
    /// Nothing is asked yet.
    pub(crate) fn new(client: Client, settings: &Settings, token: &str) -> Self {
        let base = settings.api.trim_end_matches('/');
        Self {
            client,
            methods: format!("{base}/bot{token}"),
            files: format!("{base}/file/bot{token}"),
            request_timeout: settings.request_timeout,
            poll_timeout: settings.poll_timeout,
        }
    }

    /// Calls a method and reads as much of its result as `Output` wants. A message's whole result need not be understood to
    /// know that it was sent.
    pub(crate) async fn call<Params, Output>(&self, method: &str, params: &Params) -> Result<Output, ApiError>
    where
        Params: Serialize + fmt::Debug + Sync,
        Output: DeserializeOwned,
    {
        self.request::<_, MethodResponse<Output>>(method, Some(params)).await.map(|answer| answer.result)
    }

    /// Begins to fetch a file, by the path that `getFile` gave.
    pub(crate) async fn file(&self, path: &str) -> Result<Response, ApiError> {
        let request = self.client.get(format!("{}/{path}", self.files)).send();
        let answer = tokio::time::timeout(self.request_timeout, request).await;
        let answer = answer.map_err(|_| ApiError::NoAnswer("it took too long".to_owned()))?;
        let answer = answer.map_err(ApiError::of)?;
        match answer.status() {
            StatusCode::OK => Ok(answer),
            status => Err(ApiError::Refused(Refusal::read(status, &[]))),
        }
    }

    /// How long an answer, or the next piece of a file, may take.
    pub(crate) fn patience(&self) -> Duration {
        self.request_timeout
    }
}

#[async_trait]
impl AsyncTelegramApi for Api {
    type Error = ApiError;

    async fn request<Params, Output>(&self, method: &str, params: Option<Params>) -> Result<Output, ApiError>
    where
        Params: Serialize + fmt::Debug + Send,
        Output: DeserializeOwned,
    {
        let body = match params {
            Some(params) => {
                serde_json::to_vec(&params).map_err(|error| ApiError::Unasked(error.to_string()))?
            }
            None => b"{}".to_vec(),
        };
        let patience = match method {
            GET_UPDATES => self.poll_timeout + self.request_timeout,
            _ => self.request_timeout,
        };
        let request = self.client.post(format!("{}/{method}", self.methods)).timeout(patience);
        let request = request.header(CONTENT_TYPE, "application/json").body(body);
        let answer = request.send().await.map_err(ApiError::of)?;
        let status = answer.status();
        match read(answer).await {
            Ok(body) if status.is_success() => {
                let unread =
                    |error: serde_json::Error| ApiError::NoAnswer(format!("cannot read it: {error}"));
                serde_json::from_slice(&body).map_err(unread)
            }
            Err(error) if status.is_success() => Err(error),
            body => Err(ApiError::Refused(Refusal::read(status, &body.unwrap_or_default()))),
        }
    }

    /// Telegram fetches what we send: there are no files here.
    async fn request_with_form_data<Params, Output>(
        &self,
        method: &str,
        _: Params,
        _: Vec<(&str, PathBuf)>,
    ) -> Result<Output, ApiError>
    where
        Params: Serialize + fmt::Debug + Send,
        Output: DeserializeOwned,
    {
        Err(ApiError::Unasked(format!("{method} with a file from the disk")))
    }
}

async fn read(mut answer: Response) -> Result<Vec<u8>, ApiError> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(ApiError::of)? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(ApiError::NoAnswer("it is too long".to_owned()));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").finish_non_exhaustive()
    }
}
