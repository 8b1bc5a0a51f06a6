//! `causeway.event.v1.Events` as a gRPC service. By hand, because the generated server would decode and encode each event
//! that the log already has as bytes: see [`super::wire`].

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{self, Poll},
};

use causeway_proto::event::{ReadRequest, SubscribeRequest, events_server::SERVICE_NAME};
use futures_util::{Stream, future::BoxFuture, stream};
use http::{Request, Response};
use tokio_util::sync::CancellationToken;
use tonic::{
    Status, Streaming,
    body::Body,
    server::{Grpc, NamedService, StreamingService, UnaryService},
};
use tower::Service;

use super::{
    Hub,
    measure::EventMetrics,
    read,
    subscriber::Subscriber,
    wire::{Frame, ReadPage, WireCodec},
};
use crate::{bus::Bus, part::Context};

/// The one `Events` service of a process, over the topics of all its parts. Cloning is cheap.
#[derive(Clone)]
pub struct EventsService {
    hubs: Arc<[Hub]>,
    bus: Bus,
    closing: CancellationToken,
    measure: EventMetrics,
}

impl EventsService {
    /// Serves the topics of `hubs`, which publish on the context's bus. Subscriptions end with `UNAVAILABLE` when
    /// it closes, and ask to be opened at once elsewhere.
    pub fn new(hubs: Vec<Hub>, context: &Context) -> Self {
        Self {
            hubs: hubs.into(),
            bus: context.bus.clone(),
            closing: context.closing.clone(),
            measure: context.metrics.events.clone(),
        }
    }
}

type Frames = Pin<Box<dyn Stream<Item = Result<Frame, Status>> + Send>>;

struct Subscribe(EventsService);

impl StreamingService<SubscribeRequest> for Subscribe {
    type Response = Frame;
    type ResponseStream = Frames;
    type Future = BoxFuture<'static, Result<tonic::Response<Frames>, Status>>;

    fn call(&mut self, request: tonic::Request<Streaming<SubscribeRequest>>) -> Self::Future {
        let EventsService { hubs, bus, closing, measure } = self.0.clone();
        let subscriber =
            Box::new(Subscriber::new(request.into_inner(), hubs, bus.subscribe(), closing, measure));
        // An error is the last thing that a subscription says.
        let frames = stream::unfold(Some(subscriber), async |subscriber| {
            let mut subscriber = subscriber?;
            let frame = subscriber.next().await;
            let rest = frame.is_ok().then_some(subscriber);
            Some((frame, rest))
        });
        Box::pin(async { Ok(tonic::Response::new(Box::pin(frames) as Frames)) })
    }
}

struct Read(EventsService);

impl UnaryService<ReadRequest> for Read {
    type Response = ReadPage;
    type Future = BoxFuture<'static, Result<tonic::Response<ReadPage>, Status>>;

    fn call(&mut self, request: tonic::Request<ReadRequest>) -> Self::Future {
        let hubs = self.0.hubs.clone();
        Box::pin(async move { Ok(tonic::Response::new(read::read(&hubs, request.into_inner()).await?)) })
    }
}

impl Service<Request<Body>> for EventsService {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let this = self.clone();
        Box::pin(async move {
            Ok(match request.uri().path() {
                "/causeway.event.v1.Events/Subscribe" => {
                    Grpc::new(WireCodec::default()).streaming(Subscribe(this), request).await
                }
                "/causeway.event.v1.Events/Read" => {
                    Grpc::new(WireCodec::default()).unary(Read(this), request).await
                }
                _ => Status::unimplemented("no such method").into_http(),
            })
        })
    }
}

impl NamedService for EventsService {
    const NAME: &'static str = SERVICE_NAME;
}
