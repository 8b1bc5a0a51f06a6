//! Answers of the Bot API.

use axum::{
    body::Body,
    http::{StatusCode, header::CONTENT_TYPE},
    response::Response,
};
use serde_json::{Value, json};

/// What a method comes to: a result, or why not.
pub(crate) type Answer = Result<Value, Refusal>;

/// Why a method does nothing.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    code: u16,
    description: String,
    retry_after: Option<u32>,
}

impl Refusal {
    pub(crate) fn new(code: u16, description: impl Into<String>) -> Self {
        Self { code, description: description.into(), retry_after: None }
    }

    /// 400, in Telegram's words.
    pub(crate) fn bad(what: &str) -> Self {
        Self::new(400, format!("Bad Request: {what}"))
    }

    /// 403, in Telegram's words.
    pub(crate) fn forbidden(what: &str) -> Self {
        Self::new(403, format!("Forbidden: {what}"))
    }

    /// 409, in Telegram's words.
    pub(crate) fn conflict(what: &str) -> Self {
        Self::new(409, format!("Conflict: {what}"))
    }

    /// 429: come again after so many seconds.
    pub(crate) fn too_fast(retry_after: u32) -> Self {
        let description = format!("Too Many Requests: retry after {retry_after}");
        Self { code: 429, description, retry_after: Some(retry_after) }
    }

    /// What a failing Telegram says with this status.
    pub(crate) fn status(code: u16, retry_after: Option<u32>) -> Self {
        match (code, retry_after) {
            (429, Some(seconds)) => Self::too_fast(seconds),
            (401, _) => Self::new(401, "Unauthorized"),
            (_, _) => {
                let status = StatusCode::from_u16(code).unwrap();
                Self {
                    code,
                    description: status.canonical_reason().unwrap_or("Error").to_owned(),
                    retry_after,
                }
            }
        }
    }
}

/// The answer as it crosses the wire.
pub(crate) fn response(answer: Answer) -> Response {
    let (status, body) = match answer {
        Ok(result) => (200, json!({ "ok": true, "result": result })),
        Err(Refusal { code, description, retry_after }) => {
            let mut body = json!({ "ok": false, "error_code": code, "description": description });
            if let Some(seconds) = retry_after {
                body["parameters"] = json!({ "retry_after": seconds });
            }
            (code, body)
        }
    };
    let response = Response::builder().status(status).header(CONTENT_TYPE, "application/json");
    response.body(Body::from(body.to_string())).unwrap()
}
