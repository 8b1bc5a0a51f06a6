//! A call on one endpoint: a single answer is read to its end, where its code stands; a stream is watched while it lasts.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Frame, SizeHint};
use http_body_util::{BodyExt, Limited};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::WaitForCancellationFutureOwned;
use tonic::{Code, Status, body::Body, codegen::StdError};
use tonic_types::{ErrorDetails, StatusExt};
use tower::ServiceExt;

use super::{
    endpoint::{Endpoint, UnderWay},
    pool::Pool,
    verdict::{Reached, Verdict, code},
};

/// Longest single answer that is taken, in bytes. Clients have smaller limits of their own.
const LONGEST_ANSWER: usize = 32 << 20;

/// What is answered, and what it means.
pub(crate) struct Answer {
    pub(crate) response: Result<Response<Body>, StdError>,
    pub(crate) verdict: Verdict,
}

/// Makes a call that has one answer.
pub(crate) async fn single(
    pool: &Arc<Pool>,
    endpoint: &Arc<Endpoint>,
    request: Request<Body>,
    deadline: Instant,
) -> Answer {
    let noting = Noting { pool, endpoint, deadline: Some(deadline), is_noted: false };
    let _under_way = endpoint.begin();
    let whole = async { read(endpoint.channel.clone().oneshot(request).await?).await };
    let response = match timeout_at(deadline, whole).await {
        Ok(response) => response,
        Err(_) => Ok(late()),
    };
    let verdict = Verdict::of(&response);
    noting.note(verdict);
    Answer { response, verdict }
}

/// The answer to a call whose time is over.
pub(crate) fn late() -> Response<Body> {
    Status::deadline_exceeded("the deadline passed before the answer").into_http()
}

/// Reads a single answer to its end.
async fn read(response: Response<Body>) -> Result<Response<Body>, StdError> {
    let (mut head, body) = response.into_parts();
    let body = Limited::new(body, LONGEST_ANSWER).collect().await?;
    if let Some(code) = code(&head.headers).or_else(|| body.trailers().and_then(code)) {
        head.extensions.insert(Verdict::answered(code));
    }
    Ok(Response::from_parts(head, Body::new(body)))
}

/// The end of a stream that can be opened elsewhere at once.
fn elsewhere() -> Status {
    let at_once = ErrorDetails::with_retry_info(Some(Duration::ZERO));
    let message = "the endpoint does not serve any more, and another does";
    Status::with_error_details(Code::Unavailable, message, at_once)
}

/// Opens a stream. It is under way for as long as its answers are read, and ends with `UNAVAILABLE` when the endpoint does not
/// serve any more and another can take over.
pub(crate) async fn stream(
    pool: &Arc<Pool>,
    endpoint: &Arc<Endpoint>,
    request: Request<Body>,
) -> Result<Response<Body>, StdError> {
    let noting = Noting { pool, endpoint, deadline: None, is_noted: false };
    let (under_way, leaving) = (endpoint.begin(), endpoint.leaving());
    let response = endpoint.channel.clone().oneshot(request).await;
    noting.note(Verdict::of(&response));
    let response = response?;
    let has_ended = code(response.headers()).is_some();
    let (pool, leaving) = (pool.clone(), Box::pin(leaving.cancelled_owned()));
    Ok(response.map(|body| Body::new(Watched { body, pool, under_way, leaving, has_ended, is_over: false })))
}

/// Notes what came of a call, also when its caller gives it up because it takes too long.
struct Noting<'a> {
    pool: &'a Pool,
    endpoint: &'a Endpoint,
    deadline: Option<Instant>,
    is_noted: bool,
}

impl Noting<'_> {
    fn note(mut self, verdict: Verdict) {
        self.is_noted = true;
        self.pool.note(self.endpoint, verdict);
    }
}

impl Drop for Noting<'_> {
    fn drop(&mut self) {
        /// Callers have clocks of their own, which are a little before ours.
        const ABOUT: Duration = Duration::from_millis(50);
        let is_late = self.deadline.is_some_and(|deadline| Instant::now() + ABOUT >= deadline);
        if is_late && !self.is_noted {
            let verdict = Verdict { code: Code::DeadlineExceeded, reached: Reached::Perhaps };
            self.pool.note(self.endpoint, verdict);
        }
    }
}

/// The answers of a stream.
struct Watched {
    body: Body,
    pool: Arc<Pool>,
    under_way: UnderWay,
    leaving: Pin<Box<WaitForCancellationFutureOwned>>,
    /// It has said its code.
    has_ended: bool,
    /// We have ended it.
    is_over: bool,
}

impl Watched {
    /// Looks at a frame that passes: a stream that breaks says something about its endpoint, and so does one that ends without
    /// a code.
    fn look(&mut self, frame: Option<&Result<Frame<Bytes>, Status>>) {
        let is_lost = match frame {
            Some(Ok(frame)) => match frame.trailers_ref() {
                Some(trailers) => {
                    self.has_ended = true;
                    code(trailers) == Some(Code::Unavailable)
                }
                None => false,
            },
            Some(Err(status)) => Verdict::of_error(status).is_sick(),
            None => !self.has_ended,
        };
        if is_lost {
            self.pool.lost(&self.under_way.0);
        }
    }
}

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(frame) = &frame {
            self.look(frame.as_ref());
        }
        if frame.is_pending() && self.leaving.as_mut().poll(context).is_ready() {
            self.is_over = true;
            return Poll::Ready(Some(Err(elsewhere())));
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.is_over || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
