//! The calls of the Graph API that the plugin makes, as "Instagram API with Instagram Login" has them.
//!
//! An access token goes into the `Authorization` header and nowhere else; URLs, which end up in logs, have none.

use std::time::Duration;

use reqwest::{Client, RequestBuilder, Response, Url, redirect};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    StartError,
    error::{ApiError, Kind},
    lenient::text_or_number,
    settings::{self, Account, Settings},
};

/// Largest answer that is read, in bytes.
const MAX_ANSWER: usize = 64 << 10;
/// Longest wait for a connection: that it was refused in time is known, while a request without an answer is lost.
const CONNECT: Duration = Duration::from_secs(5);

/// A client of the Graph API.
#[derive(Debug)]
pub(crate) struct Graph {
    base: Url,
    client: Client,
}

/// Body of `POST /<account>/messages`.
#[derive(Debug, Serialize)]
pub(crate) struct Send<'a> {
    pub(crate) recipient: Recipient<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<Message<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reply_to: Option<ReplyTo<'a>>,
    #[serde(flatten)]
    pub(crate) tag: Option<Tagged>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sender_action: Option<&'static str>,
}

/// To whom, by Instagram-scoped id.
#[derive(Debug, Serialize)]
pub(crate) struct Recipient<'a> {
    pub(crate) id: &'a str,
}

/// What is sent: one or the other.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Message<'a> {
    Text(&'a str),
    Attachment {
        #[serde(rename = "type")]
        kind: &'a str,
        payload: Payload<'a>,
    },
}

/// Where Instagram fetches a file.
#[derive(Debug, Serialize)]
pub(crate) struct Payload<'a> {
    pub(crate) url: &'a str,
}

/// The message that is answered.
#[derive(Debug, Serialize)]
pub(crate) struct ReplyTo<'a> {
    pub(crate) mid: &'a str,
}

/// Why a message may be sent though the customer wrote more than a day ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Tagged {
    messaging_type: &'static str,
    tag: &'static str,
}

/// A person answers, within seven days.
pub(crate) const HUMAN_AGENT: Tagged = Tagged { messaging_type: "MESSAGE_TAG", tag: "HUMAN_AGENT" };

/// Answer to a message.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Taken {
    /// Absent for a sender action.
    #[serde(default)]
    pub(crate) message_id: String,
}

/// A customer as `GET /<customer>` has it. What a person did not fill in is null or absent.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct User {
    pub(crate) name: Option<String>,
    pub(crate) username: Option<String>,
    pub(crate) profile_pic: Option<String>,
}

/// An account as `GET /me` has it.
#[derive(Debug, Deserialize)]
pub(crate) struct Me {
    #[serde(deserialize_with = "text_or_number")]
    pub(crate) user_id: String,
    #[serde(default)]
    pub(crate) username: String,
}

/// The documentation shows the account in a list, the API answers with the account itself.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum MeAnswer {
    Listed { data: Vec<Me> },
    Itself(Me),
}

impl Graph {
    /// Sets up the client; nothing is asked yet. Fails when the address is none, or the system gives no TLS.
    pub(crate) fn new(settings: &Settings) -> Result<Self, StartError> {
        let base = format!("{}/{}", settings.api.trim_end_matches('/'), settings.version);
        let base = Url::parse(&base).map_err(|_| settings::wrong_api())?;
        // The process may have installed one already, which is as good.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = Client::builder()
            .timeout(settings.request_timeout)
            .connect_timeout(CONNECT.min(settings.request_timeout / 2))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(|error| StartError::Client(error.without_url()))?;
        Ok(Self { base, client })
    }

    /// Sends a message or a sender action.
    pub(crate) async fn send(&self, account: &Account, what: &Send<'_>) -> Result<Taken, ApiError> {
        let url = self.url(&[&account.instagram_id, "messages"]);
        let response = answered(self.client.post(url).json(what), account).await?;
        // It is sent, whatever may be wrong with the rest of the answer.
        Ok(read(response).await.unwrap_or_default())
    }

    /// Asks who a customer is.
    pub(crate) async fn user(&self, account: &Account, customer_id: &str) -> Result<User, ApiError> {
        let mut url = self.url(&[customer_id]);
        url.set_query(Some("fields=name,username,profile_pic"));
        read(answered(self.client.get(url), account).await?).await
    }

    /// Asks whose an account's access token is.
    pub(crate) async fn me(&self, account: &Account) -> Result<Me, ApiError> {
        let mut url = self.url(&["me"]);
        url.set_query(Some("fields=user_id,username"));
        match read(answered(self.client.get(url), account).await?).await? {
            MeAnswer::Itself(me) => Ok(me),
            MeAnswer::Listed { data } => data.into_iter().next().ok_or_else(unreadable),
        }
    }

    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }
}

/// The answer to a request that the API did what it should have.
async fn answered(request: RequestBuilder, account: &Account) -> Result<Response, ApiError> {
    let token = account.access_token.expose();
    let response = request.bearer_auth(token).send().await.map_err(ApiError::no_answer)?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let headers = response.headers().clone();
    // An error whose text does not come through is still an error of this status.
    let body = body(response).await.unwrap_or_default();
    Err(ApiError::refused(status, &headers, &body, token))
}

async fn read<T: DeserializeOwned>(response: Response) -> Result<T, ApiError> {
    serde_json::from_slice(&body(response).await?).map_err(|_| unreadable())
}

async fn body(mut response: Response) -> Result<Vec<u8>, ApiError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(ApiError::no_answer)? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(unreadable());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn unreadable() -> ApiError {
    ApiError::new(Kind::Temporary, "bad_answer", "Instagram's answer cannot be read")
}
