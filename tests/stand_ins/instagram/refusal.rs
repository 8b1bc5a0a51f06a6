//! Errors as the Graph API writes them.

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, Response, StatusCode, header},
};
use serde_json::json;

/// An error with its code and, 0 for none, its subcode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) kind: &'static str,
    pub(crate) code: i64,
    pub(crate) subcode: i64,
    pub(crate) message: String,
    pub(crate) is_transient: bool,
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl Refusal {
    pub(crate) fn new(status: u16, code: i64, subcode: i64, message: impl Into<String>) -> Self {
        let (kind, message) = ("IGApiException", message.into());
        Self { status, kind, code, subcode, message, is_transient: false, headers: Vec::new() }
    }

    /// The API repeats what it cannot read.
    pub(crate) fn bad_token(token: &str) -> Self {
        let message = if token.is_empty() {
            "An access token is required to request this resource.".to_owned()
        } else {
            format!("Malformed access token {token}")
        };
        Self { kind: "OAuthException", ..Self::new(400, 190, 0, message) }
    }

    pub(crate) fn expired_token() -> Self {
        let message = "Error validating access token: Session has expired on Friday, 20-Nov-26 10:00:00 PST. The \
                       current time is Saturday, 21-Nov-26 04:13:37 PST.";
        Self { kind: "OAuthException", ..Self::new(400, 190, 463, message) }
    }

    pub(crate) fn no_such_object(id: &str) -> Self {
        let message = format!(
            "Unsupported request. Object with ID '{id}' does not exist, cannot be loaded due to missing permissions, \
             or does not support this operation."
        );
        Self { kind: "GraphMethodException", ..Self::new(400, 100, 33, message) }
    }

    pub(crate) fn parameter(message: impl Into<String>) -> Self {
        Self::new(400, 100, 0, format!("(#100) {}", message.into()))
    }

    pub(crate) fn no_such_user() -> Self {
        Self::new(400, 100, 2_534_014, "The requested user cannot be found.")
    }

    pub(crate) fn outside_window() -> Self {
        Self::new(403, 10, 2_534_022, "This message is sent outside of allowed window.")
    }

    pub(crate) fn unavailable() -> Self {
        Self::new(400, 551, 1_545_041, "This person isn't available right now.")
    }

    pub(crate) fn no_consent() -> Self {
        Self::new(403, 230, 0, "(#230) User consent is required to access user profile")
    }

    pub(crate) fn temporary() -> Self {
        let message = "An unexpected error has occurred. Please retry your request later.";
        Self { kind: "OAuthException", is_transient: true, ..Self::new(500, 2, 0, message) }
    }

    /// The limit of a business use case, with its header, which counts in minutes.
    pub(crate) fn rate_limited(account: &str, minutes: u64) -> Self {
        let usage = json!({account: [{
            "type": "instagram", "call_count": 100, "total_cputime": 25, "total_time": 25,
            "estimated_time_to_regain_access": minutes,
        }]});
        let message = "(#80002) There have been too many calls to this Instagram account. Wait a bit and try again. For more \
                       info, please refer to https://developers.facebook.com/docs/graph-api/overview/rate-limiting.";
        let headers = vec![("x-business-use-case-usage", usage.to_string())];
        Self { kind: "OAuthException", headers, ..Self::new(400, 80_002, 0, message) }
    }

    /// For limits of less than a minute, which Instagram's headers cannot tell.
    pub(crate) fn retry_after(mut self, seconds: u64) -> Self {
        self.headers.push(("retry-after", seconds.to_string()));
        self
    }

    pub(super) fn response(&self) -> Response<Body> {
        let mut error = json!({
            "message": self.message, "type": self.kind, "code": self.code, "fbtrace_id": "AbCdEfGhIjKlMnOpQrStUvW",
        });
        if self.subcode != 0 {
            error["error_subcode"] = self.subcode.into();
        }
        if self.is_transient {
            error["is_transient"] = true.into();
        }
        let mut response = Response::new(Body::from(json!({"error": error}).to_string()));
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap();
        let json = HeaderValue::from_static("application/json; charset=UTF-8");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        for (name, value) in &self.headers {
            let value = HeaderValue::from_str(value).unwrap();
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
        response
    }
}
