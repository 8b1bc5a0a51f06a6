//! A service behind a breaker. Streams pass: who holds one has pauses of its own.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::future::BoxFuture;
use http::{Request, Response};
use tokio::time::Instant;
use tonic::{body::Body, codegen::StdError};
use tower::Service;

use super::Breaker;
use crate::grpc::{
    methods::{Repeat, repeat},
    verdict::Verdict,
};

/// A service behind a breaker.
#[derive(Clone)]
pub(crate) struct Guarded<S> {
    pub(crate) inner: S,
    pub(crate) breaker: Arc<Breaker>,
}

impl<S> Service<Request<Body>> for Guarded<S>
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

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        if repeat(request.uri().path()) == Repeat::Stream {
            return Box::pin(self.inner.call(request));
        }
        if let Err(wait) = self.breaker.admit(Instant::now()) {
            let refusal = self.breaker.refusal(wait).into_http();
            return Box::pin(std::future::ready(Ok(refusal)));
        }
        let (breaker, answer) = (self.breaker.clone(), self.inner.call(request));
        Box::pin(async move {
            let answer = answer.await;
            breaker.note(Verdict::of(&answer).is_sick(), Instant::now());
            answer
        })
    }
}
