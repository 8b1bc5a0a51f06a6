//! What a service's status means to a client: the one place where it is decided.

use std::error::Error;

use causeway_proto::peer::Peer;
use tonic::{Code as GrpcCode, Status};
use tonic_types::StatusExt;

use crate::fault::{Code, Fault, Refusal};

/// The fault that a failed call is.
pub(crate) fn fault(status: Status) -> Fault {
    fault_in(&status)
}

fn fault_in(status: &Status) -> Fault {
    // A status with a source was not sent by the service: the call broke on its way.
    if status.source().is_some() || is_of_another_version(status) {
        return fault_of(GrpcCode::Unavailable, "", "");
    }
    let violation =
        status.get_details_bad_request().and_then(|details| details.field_violations.into_iter().next());
    let (field, problem) = match &violation {
        Some(violation) => (violation.field.as_str(), violation.description.as_str()),
        None => ("", status.message()),
    };
    fault_of(status.code(), problem, field)
}

/// Whether the service refuses us because of our version, which is no client's business; `readyz` and the log say so.
fn is_of_another_version(status: &Status) -> bool {
    status.code() == GrpcCode::FailedPrecondition
        && Peer::of(&status.metadata().clone().into_headers())
            .is_some_and(|there| Peer::here("bridge").fits(&there).is_err())
}

/// The fault of a code, the service's words about it, and the field at fault, if there is one.
pub(crate) fn fault_of(code: GrpcCode, message: &str, field: &str) -> Fault {
    match code {
        GrpcCode::Unavailable
        | GrpcCode::DeadlineExceeded
        | GrpcCode::Cancelled
        | GrpcCode::Aborted
        | GrpcCode::ResourceExhausted => Fault::new(Code::Unavailable, "not available right now; try again"),
        GrpcCode::NotFound => Fault::new(Code::NotFound, "not found"),
        GrpcCode::PermissionDenied => Fault::new(Code::Forbidden, said(message, "not allowed")),
        GrpcCode::FailedPrecondition | GrpcCode::AlreadyExists => {
            Fault::new(Code::Conflict, said(message, "not possible in its present state"))
        }
        GrpcCode::InvalidArgument | GrpcCode::OutOfRange => match field {
            "" => Fault::new(Code::InvalidField, said(message, "a field is not valid")),
            field => Fault::field(field, said(problem(message, field), "is not valid")),
        },
        GrpcCode::Ok
        | GrpcCode::Unknown
        | GrpcCode::Unimplemented
        | GrpcCode::Internal
        | GrpcCode::DataLoss
        | GrpcCode::Unauthenticated => Fault::new(Code::Internal, "something went wrong on our side"),
    }
}

/// Why a socket is not opened, when a call that opening needs has failed.
pub(crate) fn refusal(status: &Status, denied: Refusal) -> Refusal {
    match fault_in(status).code {
        Code::Forbidden => denied,
        Code::NotFound | Code::InvalidField | Code::Conflict => Refusal::NotFound,
        Code::InvalidJson
        | Code::UnknownType
        | Code::RateLimited
        | Code::TooLarge
        | Code::HistoryLost
        | Code::Unavailable
        | Code::Internal => Refusal::Unavailable,
    }
}

/// Logs a failure that a person should look into.
pub(crate) fn note(method: &str, status: &Status) {
    if fault_in(status).code == Code::Internal {
        tracing::error!(method, code = ?status.code(), cause = status.message(), "a call to a service failed");
    }
}

/// A gRPC code as it stands in metrics.
pub(crate) fn label(code: GrpcCode) -> &'static str {
    match code {
        GrpcCode::Ok => "ok",
        GrpcCode::Cancelled => "cancelled",
        GrpcCode::Unknown => "unknown",
        GrpcCode::InvalidArgument => "invalid_argument",
        GrpcCode::DeadlineExceeded => "deadline_exceeded",
        GrpcCode::NotFound => "not_found",
        GrpcCode::AlreadyExists => "already_exists",
        GrpcCode::PermissionDenied => "permission_denied",
        GrpcCode::ResourceExhausted => "resource_exhausted",
        GrpcCode::FailedPrecondition => "failed_precondition",
        GrpcCode::Aborted => "aborted",
        GrpcCode::OutOfRange => "out_of_range",
        GrpcCode::Unimplemented => "unimplemented",
        GrpcCode::Internal => "internal",
        GrpcCode::Unavailable => "unavailable",
        GrpcCode::DataLoss => "data_loss",
        GrpcCode::Unauthenticated => "unauthenticated",
    }
}

fn said<'a>(message: &'a str, otherwise: &'a str) -> &'a str {
    if message.is_empty() { otherwise } else { message }
}

/// A problem without the field's name, which the fault says itself.
fn problem<'a>(message: &'a str, field: &str) -> &'a str {
    message.strip_prefix(field).unwrap_or(message).trim_start()
}

#[cfg(test)]
mod tests {
    use tonic_types::ErrorDetails;

    use super::*;

    #[test]
    fn a_bad_request_names_the_field() {
        let details = ErrorDetails::with_bad_request_violation("content", "must not be empty");
        let status =
            Status::with_error_details(GrpcCode::InvalidArgument, "content must not be empty", details);
        let fault = fault(status);
        assert_eq!((fault.code, fault.field.as_deref()), (Code::InvalidField, Some("content")));
        assert_eq!(fault.message, "content must not be empty");
    }

    #[test]
    fn a_service_that_is_away_is_unavailable() {
        for code in [GrpcCode::Unavailable, GrpcCode::DeadlineExceeded, GrpcCode::ResourceExhausted] {
            assert_eq!(fault(Status::new(code, "tcp connect error")).code, Code::Unavailable);
        }
    }

    #[test]
    fn a_service_of_another_version_is_unavailable_and_its_words_are_kept_from_clients() {
        let mut refused = Status::failed_precondition("chat 9.0.0 and bridge 0.1.0 speak no common protocol");
        assert_eq!(fault(refused.clone()).code, Code::Conflict);
        let newer = "chat/9.0.0; protocol=9".parse().unwrap();
        refused.metadata_mut().insert(causeway_proto::peer::PEER, newer);
        let fault = fault(refused);
        assert_eq!(fault.code, Code::Unavailable);
        assert!(!fault.message.contains("9.0.0"));
    }

    #[test]
    fn a_call_that_broke_on_its_way_is_unavailable() {
        let broken = Status::from_error(Box::new(std::io::Error::other("connection reset")));
        assert_eq!(fault(broken).code, Code::Unavailable);
    }

    #[test]
    fn a_failure_of_ours_says_nothing_of_its_cause() {
        let fault = fault(Status::internal("table message has no column"));
        assert_eq!(fault.code, Code::Internal);
        assert!(!fault.message.contains("column"));
    }

    #[test]
    fn what_one_may_not_see_reads_like_what_is_not_there() {
        let one = fault(Status::not_found("no message 7"));
        let other = fault(Status::not_found("not in conversation 3"));
        assert_eq!(one, other);
    }
}
