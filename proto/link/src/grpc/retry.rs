//! Chooses the endpoint of each call, and makes a call again, elsewhere if possible, when that is harmless and in the budget.
//!
//! Streams are never made again: their holders do that, who know what to say on the next.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use causeway_proto::deadline;
use futures_util::future::BoxFuture;
use http::{Request, Response, request::Parts};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use tokio::time::Instant;
use tonic::{Status, body::Body, codegen::StdError};
use tower::Service;

use super::{
    attempt::{self, Answer},
    budget::Budget,
    endpoint::Endpoint,
    methods::{Keyed, Repeat, repeat},
    pool::Pool,
    timeout::Deadline,
    verdict::Verdict,
};

/// Longest request of a single answer, in bytes; services take 4 MiB.
const LONGEST_REQUEST: usize = 16 << 20;

/// The pause before a call is made again on an endpoint that was tried before; twice as long each time.
const PAUSE: Duration = Duration::from_millis(50);

/// The endpoints of a service as one service.
#[derive(Clone)]
pub(crate) struct Retry {
    pub(crate) pool: Arc<Pool>,
    pub(crate) budget: Arc<Budget>,
}

impl Service<Request<Body>> for Retry {
    type Response = Response<Body>;
    type Error = StdError;
    type Future = BoxFuture<'static, Result<Response<Body>, StdError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), StdError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let this = self.clone();
        Box::pin(async move {
            if let Err(missing) = this.pool.known().await {
                return Ok(missing.into_http());
            }
            match repeat(request.uri().path()) {
                Repeat::Stream => this.open(request).await,
                Repeat::Harmless => this.make(request, true).await,
                Repeat::Harmful => {
                    let is_keyed = request.extensions().get::<Keyed>().is_some();
                    this.make(request, is_keyed).await
                }
            }
        })
    }
}

impl Retry {
    async fn open(&self, request: Request<Body>) -> Result<Response<Body>, StdError> {
        match self.pool.pick(&[]) {
            Some(endpoint) => attempt::stream(&self.pool, &endpoint, request).await,
            None => Ok(self.nobody()),
        }
    }

    async fn make(&self, request: Request<Body>, is_harmless: bool) -> Result<Response<Body>, StdError> {
        let deadline = Deadline::of(&request).unwrap_or_else(|| Instant::now() + self.pool.settings.timeout);
        let kept = match Kept::read(request).await? {
            Ok(kept) => kept,
            Err(too_long) => return Ok(too_long.into_http()),
        };
        self.budget.deposit();
        let mut tried: Vec<Arc<Endpoint>> = Vec::new();
        loop {
            let Some(endpoint) = self.pool.pick(&tried) else { return Ok(self.nobody()) };
            let Answer { response, verdict } =
                attempt::single(&self.pool, &endpoint, kept.again(deadline), deadline).await;
            tried.push(endpoint);
            if !self.should_repeat(verdict, is_harmless, tried.len()) {
                return response;
            }
            if !self.pause(&tried, deadline).await || !self.may_repeat() {
                return response;
            }
        }
    }

    /// Whether a call that failed so can be made again without harm.
    fn should_repeat(&self, verdict: Verdict, is_harmless: bool, tries: usize) -> bool {
        let is_unavailable = verdict.code == tonic::Code::Unavailable;
        let is_left = tries < usize::try_from(self.pool.settings.attempts).unwrap_or(usize::MAX);
        is_unavailable && is_left && (is_harmless || verdict.was_not_begun())
    }

    /// Whether the budget has it.
    fn may_repeat(&self) -> bool {
        let has_left = self.budget.withdraw();
        match has_left {
            true => self.pool.metrics.retried(),
            false => self.pool.metrics.budget_exhausted(),
        }
        has_left
    }

    /// Waits a little, unless there is another endpoint; false when there is no time for that.
    async fn pause(&self, tried: &[Arc<Endpoint>], deadline: Instant) -> bool {
        if tried.last().is_some_and(|last| self.pool.has_another(last)) {
            return true;
        }
        let doublings = u32::try_from(tried.len().saturating_sub(1)).unwrap_or(0).min(8);
        let pause = (PAUSE * (1 << doublings)).mul_f64(rand::random_range(0.5..1.0));
        let until = Instant::now() + pause;
        if until >= deadline {
            return false;
        }
        tokio::time::sleep_until(until).await;
        true
    }

    fn nobody(&self) -> Response<Body> {
        Status::unavailable(format!("{} has no endpoint", self.pool.service)).into_http()
    }
}

/// A request that can be sent more than once.
struct Kept {
    head: Parts,
    body: Bytes,
}

impl Kept {
    /// Reads the body, which the clients have in memory already.
    async fn read(request: Request<Body>) -> Result<Result<Self, Status>, StdError> {
        let (head, body) = request.into_parts();
        match Limited::new(body, LONGEST_REQUEST).collect().await {
            Ok(body) => Ok(Ok(Self { head, body: body.to_bytes() })),
            Err(error) if error.is::<LengthLimitError>() => {
                let most = LONGEST_REQUEST >> 20;
                Ok(Err(Status::out_of_range(format!("a request may have at most {most} MiB"))))
            }
            Err(error) => Err(error),
        }
    }

    /// The request, to be answered within what is left of its time.
    fn again(&self, by: Instant) -> Request<Body> {
        let mut request = Request::new(Body::new(Full::new(self.body.clone())));
        *request.method_mut() = self.head.method.clone();
        *request.uri_mut() = self.head.uri.clone();
        *request.version_mut() = self.head.version;
        *request.headers_mut() = self.head.headers.clone();
        let left = by.saturating_duration_since(Instant::now());
        request.headers_mut().insert(deadline::TIMEOUT, deadline::header(left));
        request
    }
}

#[cfg(test)]
mod tests;
