//! What goes wrong with a call, and what that means for a delivery and for the account.

use std::time::Duration;

use causeway_plugin_sdk::Undelivered;
use reqwest::StatusCode;
use serde::Deserialize;

/// How long deliveries wait for a person to give a good token.
const NEW_TOKEN: Duration = Duration::from_secs(60);
/// Longest description that is kept, in characters.
const MAX_TEXT: usize = 300;
/// Longest wait that is believed.
const MAX_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// Why a call came to nothing. Holds no URL, because the bot's token is in them.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// Telegram said no: nothing has happened.
    #[error("{}", .0.description)]
    Refused(Refusal),
    /// The request was never there: nothing has happened.
    #[error("cannot reach Telegram: {0}")]
    Unreachable(String),
    /// The request was sent, and there is no answer that says what came of it.
    #[error("no answer from Telegram: {0}")]
    NoAnswer(String),
    /// It is not asked for, because we do not do so.
    #[error("cannot ask that of Telegram: {0}")]
    Unasked(String),
}

/// An answer that says no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// As in HTTP.
    pub(crate) code: u16,
    /// Telegram's words.
    pub(crate) description: String,
    /// How long to wait.
    pub(crate) retry_after: Option<Duration>,
}

/// <https://core.telegram.org/bots/api#making-requests>; frankenstein's own reads waits of up to 18 hours alone.
#[derive(Deserialize)]
struct Answer {
    description: String,
    #[serde(default)]
    parameters: Parameters,
}

#[derive(Default, Deserialize)]
struct Parameters {
    retry_after: Option<u64>,
}

impl Refusal {
    /// Reads an answer whose status is not that of success. What stands between us and Telegram may have given it.
    pub(crate) fn read(status: StatusCode, body: &[u8]) -> Self {
        let answer = serde_json::from_slice::<Answer>(body).ok();
        let (description, retry_after) = match answer {
            Some(answer) => (answer.description, answer.parameters.retry_after),
            None => (status.to_string(), None),
        };
        Self {
            code: status.as_u16(),
            description: description.chars().take(MAX_TEXT).collect(),
            retry_after: retry_after.map(|seconds| Duration::from_secs(seconds).min(MAX_WAIT)),
        }
    }

    /// Whether the token is not, or no longer, a bot's. One that does not look like a token is answered as an unknown path.
    pub(crate) fn is_about_the_token(&self) -> bool {
        matches!(self.code, 401 | 404)
    }

    /// Whether Telegram's words contain these, in any case: its codes alone do not tell.
    pub(crate) fn says(&self, words: &str) -> bool {
        self.description.to_ascii_lowercase().contains(words)
    }

    fn undelivered(self) -> Undelivered {
        let (code, after, account_wide) = match self.code {
            429 => ("too_many_requests", self.retry_after, true),
            401 | 404 => ("unauthorized", Some(NEW_TOKEN), true),
            400 | 403 | 413 => {
                return Undelivered::Permanent { code: self.reason().to_owned(), text: self.description };
            }
            _ => ("unavailable", self.retry_after, false),
        };
        Undelivered::Later { code: code.to_owned(), text: self.description, after, account_wide }
    }

    /// In a word, why it will never be otherwise.
    fn reason(&self) -> &'static str {
        let known = [
            ("blocked by the user", "blocked"),
            ("user is deactivated", "deactivated"),
            ("chat not found", "chat_not_found"),
            ("message to edit not found", "message_not_found"),
            ("too long", "too_long"),
        ];
        let known = known.iter().find(|(words, _)| self.says(words));
        known.map_or(if self.code == 403 { "forbidden" } else { "bad_request" }, |(_, code)| *code)
    }
}

impl ApiError {
    /// A request that came to nothing before there was an answer, or whose answer broke off.
    pub(crate) fn of(error: reqwest::Error) -> Self {
        let is_connect = error.is_connect();
        let is_unasked = error.is_builder();
        let error = error.without_url();
        let mut text = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            text = format!("{text}: {cause}");
            source = cause.source();
        }
        match (is_unasked, is_connect) {
            (true, _) => Self::Unasked(text),
            (false, true) => Self::Unreachable(text),
            (false, false) => Self::NoAnswer(text),
        }
    }

    /// What Telegram said, when it said no.
    pub(crate) fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            Self::Unreachable(_) | Self::NoAnswer(_) | Self::Unasked(_) => None,
        }
    }

    /// What it means for the delivery for which the call was.
    pub(crate) fn undelivered(self) -> Undelivered {
        let text = self.to_string();
        match self {
            Self::Refused(refusal) => refusal.undelivered(),
            Self::Unreachable(_) => later("unreachable", text),
            Self::NoAnswer(_) => Undelivered::Uncertain { code: "no_answer".to_owned(), text },
            Self::Unasked(_) => permanent("unasked", text),
        }
    }
}

/// A delivery that may arrive later, when the host thinks so.
fn later(code: &str, text: String) -> Undelivered {
    Undelivered::Later { code: code.to_owned(), text, after: None, account_wide: false }
}

/// A delivery that never will.
pub(crate) fn permanent(code: &str, text: impl Into<String>) -> Undelivered {
    Undelivered::Permanent { code: code.to_owned(), text: text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn undelivered(status: u16, body: &str) -> Undelivered {
        let status = StatusCode::from_u16(status).unwrap();
        ApiError::Refused(Refusal::read(status, body.as_bytes())).undelivered()
    }

    fn refused(status: u16, description: &str) -> Undelivered {
        undelivered(status, &format!(r#"{{"ok":false,"error_code":{status},"description":{description:?}}}"#))
    }

    #[test]
    fn what_will_never_be_otherwise_is_permanent() {
        for (status, description, reason) in [
            (403, "Forbidden: bot was blocked by the user", "blocked"),
            (403, "Forbidden: user is deactivated", "deactivated"),
            (403, "Forbidden: bot can't initiate conversation with a user", "forbidden"),
            (400, "Bad Request: chat not found", "chat_not_found"),
            (400, "Bad Request: message to edit not found", "message_not_found"),
            (400, "Bad Request: message is too long", "too_long"),
            (400, "Bad Request: can't parse entities", "bad_request"),
        ] {
            assert_eq!(refused(status, description), permanent(reason, description));
        }
    }

    #[test]
    fn telegrams_wait_holds_for_the_account() {
        let body = r#"{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 90000",
            "parameters":{"retry_after":90000}}"#;
        let Undelivered::Later { after, account_wide, .. } = undelivered(429, body) else { panic!("later") };
        assert_eq!((after, account_wide), (Some(MAX_WAIT), true));
        let Undelivered::Later { after, account_wide, .. } = refused(401, "Unauthorized") else {
            panic!("later")
        };
        assert_eq!((after, account_wide), (Some(NEW_TOKEN), true));
    }

    #[test]
    fn a_broken_server_is_tried_again_whatever_it_says() {
        for body in ["", "<html>", r#"{"ok":false}"#] {
            let Undelivered::Later { text, after, account_wide, .. } = undelivered(502, body) else {
                panic!("later")
            };
            assert_eq!((text.as_str(), after, account_wide), ("502 Bad Gateway", None, false));
        }
    }
}
