//! A service of this process that is called before it exists: parts are given each other's clients when they are made.

use std::{
    convert::Infallible,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
};

use causeway_kit::server::GrpcService;
use http::{Request, Response};
use tonic::{
    Status,
    body::Body,
    codegen::{BoxFuture, Service},
};

/// Stands for the process's gRPC service; until that is there, calls are answered `UNAVAILABLE`.
#[derive(Clone, Default)]
pub(crate) struct Later(Arc<OnceLock<GrpcService>>);

impl Later {
    /// From now on calls go to the service.
    pub(crate) fn is_here(&self, service: GrpcService) {
        // It is called once, by whoever made it.
        let _ = self.0.set(service);
    }
}

impl Service<Request<Body>> for Later {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Response<Body>, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        match self.0.get() {
            Some(service) => service.clone().call(request),
            None => Box::pin(async { Ok(Status::unavailable("not started yet").into_http()) }),
        }
    }
}
