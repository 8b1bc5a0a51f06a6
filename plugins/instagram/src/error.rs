//! What the Graph API refuses, told apart by what has to be done about it.
//!
//! Codes are those of "Handle Errors" and "Rate Limits" in the Graph API's documentation, and of the Send API's list for
//! Messenger and Instagram.

use std::time::Duration;

use causeway_plugin_sdk::Undelivered;
use reqwest::{
    StatusCode,
    header::{HeaderMap, RETRY_AFTER},
};
use serde::Deserialize;
use serde_json::Value;

/// Longest text that is kept of an error, in characters.
const TEXT: usize = 400;
/// How long to wait at a rate limit when nothing says how long.
const USUAL_WAIT: Duration = Duration::from_secs(60);
/// Longest wait that is believed.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);
/// Headers that say when calls are taken again, in minutes somewhere in their JSON.
const USAGE_HEADERS: [&str; 2] = ["x-business-use-case-usage", "x-app-usage"];

/// Why a call did not do what it should have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {text}")]
pub(crate) struct ApiError {
    pub(crate) kind: Kind,
    /// In a word: the plugin's own, or "graph_" and the API's number.
    pub(crate) code: String,
    /// For people, without credentials.
    pub(crate) text: String,
}

/// What has to be done about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A person gives a new access token. With the API's subcode.
    Credentials(Option<i64>),
    /// The account waits that long.
    RateLimited(Duration),
    /// Nothing, until the customer writes again.
    OutsideWindow,
    /// Nothing: the customer is not to be reached.
    Unavailable,
    /// Nothing: the API does not take this.
    Refused,
    /// It is tried again; nothing has happened.
    Temporary,
    /// It is tried again, though it may have happened.
    Lost,
}

/// The body of an answer that is not 200.
#[derive(Debug, Default, Deserialize)]
struct Answer {
    #[serde(default)]
    error: Option<GraphError>,
}

#[derive(Debug, Default, Deserialize)]
struct GraphError {
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    code: Option<i64>,
    #[serde(default)]
    error_subcode: Option<i64>,
    #[serde(default)]
    is_transient: Option<bool>,
    #[serde(default)]
    fbtrace_id: Option<String>,
}

impl ApiError {
    pub(crate) fn new(kind: Kind, code: impl Into<String>, text: impl Into<String>) -> Self {
        Self { kind, code: code.into(), text: text.into() }
    }

    /// Of a request that got no answer, or none in time.
    pub(crate) fn no_answer(error: reqwest::Error) -> Self {
        let was_sent = !error.is_connect() && !error.is_builder();
        let text = reasons(&error.without_url());
        if was_sent {
            return Self::new(Kind::Lost, "no_answer", format!("Instagram did not answer: {text}"));
        }
        Self::new(Kind::Temporary, "unreachable", format!("cannot reach Instagram: {text}"))
    }

    /// Of an answer that says no. `token` is kept out of what the API says, which repeats a token that it cannot read.
    pub(crate) fn refused(status: StatusCode, headers: &HeaderMap, body: &[u8], token: &str) -> Self {
        let answer: Answer = serde_json::from_slice(body).unwrap_or_default();
        let Some(error) = answer.error else { return Self::without_reason(status, headers) };
        let kind = error.kind(status, headers);
        let code = match kind {
            Kind::Credentials(_) => "bad_credentials".to_owned(),
            Kind::RateLimited(_) => "rate_limited".to_owned(),
            Kind::OutsideWindow => "outside_window".to_owned(),
            Kind::Unavailable => "unavailable".to_owned(),
            Kind::Refused | Kind::Temporary | Kind::Lost => match error.code {
                Some(code) => format!("graph_{code}"),
                None => format!("http_{}", status.as_u16()),
            },
        };
        Self::new(kind, code, error.text(token))
    }

    /// Of an answer that holds no error as the Graph API writes it: it comes from something in between.
    fn without_reason(status: StatusCode, headers: &HeaderMap) -> Self {
        let kind = match status {
            StatusCode::TOO_MANY_REQUESTS => Kind::RateLimited(wait(headers)),
            StatusCode::REQUEST_TIMEOUT => Kind::Temporary,
            status if status.is_server_error() => Kind::Temporary,
            _ => Kind::Refused,
        };
        Self::new(kind, format!("http_{}", status.as_u16()), format!("Instagram answered {status}"))
    }

    /// What the host is told of a delivery that failed so. After a refused access token, an account waits `check_every`.
    pub(crate) fn undelivered(self, check_every: Duration) -> Undelivered {
        let Self { kind, code, text } = self;
        let (after, account_wide) = match kind {
            Kind::OutsideWindow | Kind::Unavailable | Kind::Refused => {
                return Undelivered::Permanent { code, text };
            }
            Kind::Lost => return Undelivered::Uncertain { code, text },
            Kind::Credentials(_) => (Some(check_every), true),
            Kind::RateLimited(wait) => (Some(wait), true),
            Kind::Temporary => (None, false),
        };
        Undelivered::Later { code, text, after, account_wide }
    }
}

impl GraphError {
    fn kind(&self, status: StatusCode, headers: &HeaderMap) -> Kind {
        match (self.code.unwrap_or_default(), self.error_subcode.unwrap_or_default()) {
            (190 | 102, _) => Kind::Credentials(self.error_subcode),
            (4 | 17 | 32 | 613 | 80_002 | 80_006, _) => Kind::RateLimited(wait(headers)),
            (_, 2_534_022 | 2_018_278) => Kind::OutsideWindow,
            // 2534014: the user cannot be found.
            (230 | 551, _) | (_, 2_534_014) => Kind::Unavailable,
            (100, _) => Kind::Refused,
            (1 | 2, _) => Kind::Temporary,
            _ if self.is_transient == Some(true) || status.is_server_error() => Kind::Temporary,
            _ if status == StatusCode::TOO_MANY_REQUESTS => Kind::RateLimited(wait(headers)),
            _ => Kind::Refused,
        }
    }

    /// What the API says, and the number by which Meta finds the call.
    fn text(&self, token: &str) -> String {
        let message = self.message.as_deref().unwrap_or("no reason given");
        let mut text: String = message.replace(token, "…").chars().take(TEXT).collect();
        if let Some(trace) = &self.fbtrace_id {
            text.push_str(" (trace ");
            text.extend(trace.chars().take(64));
            text.push(')');
        }
        text
    }
}

/// An error and what it came from.
fn reasons(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text.chars().take(TEXT).collect()
}

/// How long the account has to wait, as the headers say.
fn wait(headers: &HeaderMap) -> Duration {
    let minutes = USAGE_HEADERS.iter().filter_map(|name| {
        let usage: Value = serde_json::from_slice(headers.get(*name)?.as_bytes()).ok()?;
        longest_minutes(&usage)
    });
    let seconds = || headers.get(RETRY_AFTER)?.to_str().ok()?.parse::<u64>().ok();
    let wait = match minutes.max() {
        Some(minutes) => Some(Duration::from_secs(minutes.saturating_mul(60))),
        None => seconds().map(Duration::from_secs),
    };
    wait.unwrap_or(USUAL_WAIT).min(LONGEST_WAIT)
}

/// The greatest `estimated_time_to_regain_access` that is not 0, wherever it stands.
fn longest_minutes(usage: &Value) -> Option<u64> {
    match usage {
        Value::Object(fields) => {
            let here = fields.get("estimated_time_to_regain_access").and_then(Value::as_u64);
            here.filter(|minutes| *minutes > 0).max(fields.values().filter_map(longest_minutes).max())
        }
        Value::Array(items) => items.iter().filter_map(longest_minutes).max(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

#[cfg(test)]
mod tests;
