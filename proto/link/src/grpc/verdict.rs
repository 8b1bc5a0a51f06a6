//! What came of a call: its code, and whether the service can have begun with it.

use std::error::Error;

use http::{HeaderMap, Response};
use tonic::{Code, ConnectError, Status, TimeoutExpired, body::Body, codegen::StdError};

/// What came of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) code: Code,
    pub(crate) reached: Reached,
}

/// How far a call got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reached {
    /// No connection could be made.
    Nobody,
    /// The connection ended before the call was looked at.
    Connection,
    /// The connection broke while the call was under way.
    Perhaps,
    /// The service answered.
    Service,
}

impl Verdict {
    /// What came of a call whose whole answer is here: the code is in its headers, or was put into its extensions when its body was
    /// read.
    pub(crate) fn of(answer: &Result<Response<Body>, StdError>) -> Self {
        match answer {
            Ok(response) => response
                .extensions()
                .get::<Self>()
                .copied()
                .unwrap_or_else(|| Self::answered(code(response.headers()).unwrap_or(Code::Ok))),
            Err(error) => Self::of_error(&**error),
        }
    }

    pub(crate) const fn answered(code: Code) -> Self {
        Self { code, reached: Reached::Service }
    }

    /// What came of a call that the transport gave up.
    pub(crate) fn of_error(error: &(dyn Error + Send + Sync + 'static)) -> Self {
        let mut cause: Option<&(dyn Error + 'static)> = Some(error);
        while let Some(error) = cause {
            if let Some(verdict) = Self::of_cause(error) {
                return verdict;
            }
            cause = error.source();
        }
        Self { code: Code::Unavailable, reached: Reached::Perhaps }
    }

    fn of_cause(error: &(dyn Error + 'static)) -> Option<Self> {
        let unavailable = |reached| Some(Self { code: Code::Unavailable, reached });
        if error.is::<ConnectError>() {
            return unavailable(Reached::Nobody);
        }
        if error.is::<TimeoutExpired>() {
            return Some(Self { code: Code::DeadlineExceeded, reached: Reached::Perhaps });
        }
        // A status with a source was not sent by the service: what broke stands below it.
        if let Some(status) = error.downcast_ref::<Status>()
            && status.source().is_none()
        {
            return Some(Self::answered(status.code()));
        }
        // hyper cancels what it has not begun to send.
        if error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_canceled) {
            return unavailable(Reached::Connection);
        }
        let h2 = error.downcast_ref::<h2::Error>()?;
        // RFC 9113 §8.7: neither was looked at, a stream that is refused and one beyond the last that a GOAWAY names.
        let is_refused = h2.reason() == Some(h2::Reason::REFUSED_STREAM);
        let is_beyond = h2.is_go_away() && h2.is_remote() && h2.reason() == Some(h2::Reason::NO_ERROR);
        unavailable(if is_refused || is_beyond { Reached::Connection } else { Reached::Perhaps })
    }

    /// Whether it speaks against the endpoint.
    pub(crate) fn is_sick(self) -> bool {
        matches!(self.code, Code::Unavailable | Code::DeadlineExceeded)
    }

    /// Whether the call was certainly not carried out.
    pub(crate) fn was_not_begun(self) -> bool {
        matches!(self.reached, Reached::Nobody | Reached::Connection)
    }

    /// Whether the endpoint could not be reached, or was lost.
    pub(crate) fn is_broken(self) -> bool {
        self.reached != Reached::Service && self.code == Code::Unavailable
    }
}

/// The code that headers or trailers say.
pub(crate) fn code(headers: &HeaderMap) -> Option<Code> {
    headers.get(Status::GRPC_STATUS).map(|value| Code::from_bytes(value.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(error: impl Into<StdError>) -> Verdict {
        Verdict::of_error(&*error.into())
    }

    #[test]
    fn a_refused_connection_and_a_refused_stream_have_not_begun() {
        let refused = of(ConnectError("refused".into()));
        assert!(refused.was_not_begun() && refused.is_sick() && refused.is_broken());
        assert!(of(h2::Error::from(h2::Reason::REFUSED_STREAM)).was_not_begun());
    }

    #[test]
    fn a_connection_that_breaks_may_have_carried_the_call() {
        for error in [
            StdError::from(std::io::Error::other("reset")),
            h2::Error::from(h2::Reason::INTERNAL_ERROR).into(),
        ] {
            let verdict = Verdict::of_error(&*error);
            assert!(!verdict.was_not_begun() && verdict.is_sick() && verdict.is_broken());
        }
    }

    #[test]
    fn what_the_service_says_is_its_word() {
        let said = of(Status::not_found("no such user"));
        assert!(!said.is_sick() && !said.is_broken());
        let sick = Verdict::of(&Ok(Status::unavailable("the disk is full").into_http()));
        assert!(sick.is_sick() && !sick.is_broken() && !sick.was_not_begun());
    }
}
