//! Deadlines: every call with a single answer has one, the caller's `grpc-timeout` or else the configured. Whatever is tried
//! again is tried within it.

use std::{
    task::{Context, Poll},
    time::Duration,
};

use causeway_proto::deadline;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use tokio::time::{Instant, timeout_at};
use tonic::{body::Body, codegen::StdError};
use tower::Service;

use super::{
    attempt::late,
    methods::{Repeat, repeat},
};

/// Stands in the extensions of a request: when its answer must be there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    pub(crate) fn at(by: Instant) -> Self {
        Self(by)
    }

    pub(crate) fn of(request: &Request<Body>) -> Option<Instant> {
        request.extensions().get::<Self>().map(|deadline| deadline.0)
    }
}

/// Ends calls in time.
#[derive(Clone)]
pub(crate) struct Timely<S> {
    pub(crate) inner: S,
    /// For callers who name no time.
    pub(crate) timeout: Duration,
}

impl<S> Service<Request<Body>> for Timely<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = StdError>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = StdError;
    type Future = BoxFuture<'static, Result<Response<Body>, StdError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), StdError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        if repeat(request.uri().path()) == Repeat::Stream {
            return Box::pin(self.inner.call(request));
        }
        let timeout = deadline::of(request.headers()).unwrap_or(self.timeout);
        let by = Instant::now() + timeout;
        request.extensions_mut().insert(Deadline::at(by));
        let answer = self.inner.call(request);
        Box::pin(async move { timeout_at(by, answer).await.unwrap_or_else(|_| Ok(late())) })
    }
}

#[cfg(test)]
mod tests {
    use tonic::Code;
    use tower::{ServiceExt, service_fn};

    use super::*;
    use crate::grpc::verdict::code;

    const METHOD: &str = "/causeway.chat.v1.Chat/SendMessages";

    /// How long a call takes that nobody answers, and what is answered then.
    async fn unanswered(path: &str, timeout: Option<&str>) -> (Duration, Option<Code>) {
        let never = service_fn(async |_: Request<Body>| std::future::pending::<Result<_, StdError>>().await);
        let mut request = Request::builder().uri(path);
        if let Some(timeout) = timeout {
            request = request.header(deadline::TIMEOUT, timeout);
        }
        let begun = Instant::now();
        let timely = Timely { inner: never, timeout: Duration::from_secs(10) };
        let answer = tokio::time::timeout(
            Duration::from_secs(100),
            timely.oneshot(request.body(Body::empty()).unwrap()),
        );
        let code = answer.await.ok().and_then(|answer| code(answer.unwrap().headers()));
        (begun.elapsed(), code)
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_ends_at_its_own_deadline_or_the_configured_one() {
        let late = Some(Code::DeadlineExceeded);
        assert_eq!(unanswered(METHOD, Some("3S")).await, (Duration::from_secs(3), late));
        assert_eq!(unanswered(METHOD, None).await, (Duration::from_secs(10), late));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_may_last() {
        let (lasted, code) = unanswered("/causeway.event.v1.Events/Subscribe", None).await;
        assert_eq!((lasted, code), (Duration::from_secs(100), None));
    }
}
