//! What can go wrong in a service, as its caller must know it. Mapped to a gRPC status here and nowhere else.

use std::{borrow::Cow, time::Duration};

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

type Source = Box<dyn std::error::Error + Send + Sync>;
type Text = Cow<'static, str>;

/// How soon to try again what failed with [`Error::Unavailable`].
const RETRY: Duration = Duration::from_secs(1);

/// Why a call was not carried out. Everything but the source of [`Error::Internal`] is told to the caller.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A field of the request is wrong: `INVALID_ARGUMENT` with `BadRequest`.
    #[error("{field}: {problem}")]
    InvalidField {
        /// The protobuf field, with dots into messages: `message.text`.
        field: Text,
        /// What is wrong with it, as the end of a sentence: "must not be empty".
        problem: Text,
    },
    /// What was asked for does not exist, or the caller may not know that it does: `NOT_FOUND`.
    #[error("{0} not found")]
    NotFound(Text),
    /// The user on whose behalf the call is made may not do this: `PERMISSION_DENIED`.
    #[error("{0}")]
    PermissionDenied(Text),
    /// The state of things does not allow it: `FAILED_PRECONDITION`.
    #[error("{0}")]
    Conflict(Text),
    /// It exists already: `ALREADY_EXISTS`.
    #[error("{0}")]
    AlreadyExists(Text),
    /// A limit is reached: `RESOURCE_EXHAUSTED` with `RetryInfo`.
    #[error("{why}")]
    Exhausted {
        /// Which limit.
        why: Text,
        /// How long to wait before the next try.
        retry: Duration,
    },
    /// It cannot be done now, and nothing was stored as far as the caller needs to know: `UNAVAILABLE` with `RetryInfo`.
    #[error("{0}")]
    Unavailable(Text),
    /// This process ends, and others may take the call at once: `UNAVAILABLE` with a `RetryInfo` of zero.
    #[error("the server stops")]
    Stopping,
    /// A fault of ours: `INTERNAL`. The source is written to the log and told to nobody.
    #[error("internal error")]
    Internal(#[source] Source),
}

impl Error {
    /// [`Error::InvalidField`].
    pub fn invalid(field: impl Into<Text>, problem: impl Into<Text>) -> Self {
        Self::InvalidField { field: field.into(), problem: problem.into() }
    }

    /// [`Error::NotFound`]; `what` is a noun: "conversation".
    pub fn not_found(what: impl Into<Text>) -> Self {
        Self::NotFound(what.into())
    }

    /// [`Error::PermissionDenied`].
    pub fn denied(why: impl Into<Text>) -> Self {
        Self::PermissionDenied(why.into())
    }

    /// [`Error::Conflict`].
    pub fn conflict(why: impl Into<Text>) -> Self {
        Self::Conflict(why.into())
    }

    /// [`Error::AlreadyExists`].
    pub fn exists(why: impl Into<Text>) -> Self {
        Self::AlreadyExists(why.into())
    }

    /// [`Error::Unavailable`].
    pub fn unavailable(why: impl Into<Text>) -> Self {
        Self::Unavailable(why.into())
    }

    /// [`Error::Internal`]; `source` is an error or a text for the log.
    pub fn internal(source: impl Into<Source>) -> Self {
        Self::Internal(source.into())
    }

    /// The gRPC code that a caller sees.
    pub fn code(&self) -> Code {
        match self {
            Self::InvalidField { .. } => Code::InvalidArgument,
            Self::NotFound(_) => Code::NotFound,
            Self::PermissionDenied(_) => Code::PermissionDenied,
            Self::Conflict(_) => Code::FailedPrecondition,
            Self::AlreadyExists(_) => Code::AlreadyExists,
            Self::Exhausted { .. } => Code::ResourceExhausted,
            Self::Unavailable(_) | Self::Stopping => Code::Unavailable,
            Self::Internal(_) => Code::Internal,
        }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let (code, message) = (error.code(), error.to_string());
        match error {
            Error::InvalidField { field, problem } => {
                let details = ErrorDetails::with_bad_request_violation(field, problem);
                Status::with_error_details(code, message, details)
            }
            Error::Exhausted { retry, .. } => {
                Status::with_error_details(code, message, ErrorDetails::with_retry_info(Some(retry)))
            }
            Error::Unavailable(_) => {
                Status::with_error_details(code, message, ErrorDetails::with_retry_info(Some(RETRY)))
            }
            Error::Stopping => {
                Status::with_error_details(code, message, ErrorDetails::with_retry_info(Some(Duration::ZERO)))
            }
            Error::Internal(source) => {
                tracing::error!(error = %chain(source.as_ref()), "call failed inside");
                Status::new(code, message)
            }
            Error::NotFound(_)
            | Error::PermissionDenied(_)
            | Error::Conflict(_)
            | Error::AlreadyExists(_) => Status::new(code, message),
        }
    }
}

/// An error and what caused it, for the log.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_field_is_named_in_the_details() {
        let status = Status::from(Error::invalid("message.text", "must not be empty"));
        assert_eq!(status.code(), Code::InvalidArgument);
        let violations = status.get_details_bad_request().map(|bad| bad.field_violations).unwrap_or_default();
        assert_eq!(violations[0].field, "message.text");
        assert_eq!(violations[0].description, "must not be empty");
    }

    #[test]
    fn what_may_be_tried_again_says_when() {
        let retry = Duration::from_millis(250);
        let exhausted = Status::from(Error::Exhausted { why: "too many".into(), retry });
        assert_eq!(exhausted.get_details_retry_info().and_then(|info| info.retry_delay), Some(retry));
        let unavailable = Status::from(Error::unavailable("the store is away"));
        assert_eq!(unavailable.get_details_retry_info().and_then(|info| info.retry_delay), Some(RETRY));
        let stopping = Status::from(Error::Stopping);
        let at_once = Some(Duration::ZERO);
        assert_eq!(stopping.get_details_retry_info().and_then(|info| info.retry_delay), at_once);
    }

    #[test]
    fn internals_stay_inside() {
        let status = Status::from(Error::internal("no such table: secret"));
        assert_eq!((status.code(), status.message()), (Code::Internal, "internal error"));
        assert!(status.details().is_empty());
    }
}
