//! Metrics of calls: how long each method took, by the code that it answered.
//!
//! A single answer is measured to its end, where its code stands; a stream until it begins.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
    time::Instant,
};

use bytes::Bytes;
use http::{HeaderMap, Response};
use http_body::{Frame, SizeHint};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, histogram::Histogram},
    registry::{Registry, Unit},
};
use tonic::{Code, Status, body::Body};

use super::catalogue::{Catalogue, Method};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    service: String,
    method: String,
    code: String,
}

/// The family, registered once for a process.
#[derive(Clone)]
pub(crate) struct CallMetrics {
    seconds: Family<Labels, Histogram>,
}

impl CallMetrics {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let buckets = || Histogram::new([0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0, 5.0]);
        let this = Self { seconds: Family::new_with_constructor(buckets) };
        let help = "How long calls took, streams until they began";
        registry.register_with_unit("grpc_call", help, Unit::Seconds, this.seconds.clone());
        this
    }
}

/// The methods that are measured, by path. A path that is none of them counts as "other", so that callers cannot make labels.
pub(super) struct Calls {
    methods: HashMap<String, Arc<Measured>>,
    other: Arc<Measured>,
}

/// A method and its histograms, one for each code, made when they are first needed.
struct Measured {
    method: Method,
    metrics: CallMetrics,
    codes: [OnceLock<Histogram>; CODES],
}

const CODES: usize = Code::Unauthenticated as usize + 1;

/// A call in progress.
pub(super) struct Call {
    measured: Arc<Measured>,
    started: Instant,
}

impl Calls {
    pub(super) fn of(catalogue: &Catalogue, metrics: &CallMetrics) -> Self {
        let measured = |method: &Method| {
            let (method, metrics) = (method.clone(), metrics.clone());
            Arc::new(Measured { method, metrics, codes: [const { OnceLock::new() }; CODES] })
        };
        let path = |method: &Method| format!("/{}/{}", method.service, method.name);
        let other = Method { service: "other".to_owned(), name: "other".to_owned(), streams: true };
        Self {
            methods: catalogue.methods().map(|method| (path(method), measured(method))).collect(),
            other: measured(&other),
        }
    }

    pub(super) fn begin(&self, path: &str) -> Call {
        let measured = self.methods.get(path).unwrap_or(&self.other).clone();
        Call { measured, started: Instant::now() }
    }
}

impl Call {
    /// Measures now what is answered already, and the rest when its trailers pass.
    pub(super) fn answer(self, response: Response<Body>) -> Response<Body> {
        match code(response.headers()) {
            Some(code) => self.end(code),
            None if self.measured.method.streams => self.end(Code::Ok),
            None => return response.map(|body| Body::new(Answer { body, call: Some(self) })),
        }
        response
    }

    fn end(self, code: Code) {
        let Some(histogram) = self.measured.codes.get(code as usize) else { return };
        let histogram = histogram.get_or_init(|| {
            let Method { service, name, .. } = self.measured.method.clone();
            let labels = Labels { service, method: name, code: format!("{code:?}") };
            self.measured.metrics.seconds.get_or_create_owned(&labels)
        });
        histogram.observe(self.started.elapsed().as_secs_f64());
    }
}

fn code(headers: &HeaderMap) -> Option<Code> {
    headers.get(Status::GRPC_STATUS).map(|value| Code::from_bytes(value.as_bytes()))
}

/// The body of a single answer on its way out.
struct Answer {
    body: Body,
    call: Option<Call>,
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &frame
            && let Some(code) = frame.trailers_ref().and_then(code)
            && let Some(call) = self.call.take()
        {
            call.end(code);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            call.end(Code::Cancelled);
        }
    }
}
