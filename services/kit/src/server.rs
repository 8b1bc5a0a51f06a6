//! The gRPC stack in front of all parts of a process.
//!
//! [`stack`] merges the parts into one service, which answers calls in the process ([`causeway_proto::client::in_process`])
//! and over connections ([`serve`]) alike. A call goes through the `guard` (is the caller one of ours?), `peers` (do we
//! understand each other?), its deadline, and the `calls` metrics, before it reaches the part. gRPC health follows the parts'
//! own; reflection and health are open, plugins show credentials of their own, and all else wants the service token.

use std::{
    convert::Infallible,
    panic::AssertUnwindSafe,
    sync::Arc,
    task::{Context as TaskContext, Poll},
};

use causeway_proto::{
    FILE_DESCRIPTOR_SET,
    plugin::{plugin_host_server::PluginHostServer, plugins_server::PluginsServer},
};
use futures_util::{FutureExt, future, future::BoxFuture};
use http::{Request, Response};
use tonic::{
    Status,
    body::Body,
    service::{Routes, RoutesBuilder},
};
use tower::Service;

use crate::{
    events::EventsService,
    part::{Context, Part},
    plugin_host::{Door, Operators},
};

pub(crate) mod calls;
mod catalogue;
mod deadline;
mod guard;
mod health;
mod limits;
mod listener;
mod peers;
mod preface;
#[cfg(test)]
mod tests;

use calls::Calls;
use catalogue::Catalogue;
pub use guard::ServiceToken;
pub use limits::Limits;
pub use listener::{Certificate, serve, serve_over};
use peers::Peers;

/// What every process serves, whichever parts are in it.
const SHARED: [&str; 2] = ["causeway.event.v1.Events", "grpc.health.v1.Health"];

/// How the parts are served.
#[derive(Debug, Clone)]
pub struct StackOptions {
    /// What every caller must show.
    pub token: ServiceToken,
    /// Whether anybody may ask which services there are (gRPC reflection).
    pub reflection: bool,
}

/// All gRPC services of a process behind one door. Cloning is cheap.
#[derive(Clone)]
pub struct GrpcService {
    token: ServiceToken,
    peers: Arc<Peers>,
    calls: Arc<Calls>,
    routes: Routes,
}

/// Merges the parts into one service, and spawns what tends their topics and reports their health.
pub fn stack(parts: Vec<Part>, options: StackOptions, context: &Context) -> GrpcService {
    let catalogue = Catalogue::read(FILE_DESCRIPTOR_SET);
    let mut routes = RoutesBuilder::default();
    let mut hubs = Vec::new();
    let mut hosts = Vec::new();
    let mut reports = Vec::new();
    let peers = Peers::of(parts.iter().map(|part| part.name).collect::<Vec<_>>().join("+"));
    let mut served = SHARED.map(str::to_owned).to_vec();
    for part in parts {
        (part.add)(&mut routes);
        context.tasks.spawn(part.hub.clone().tend(context.stop.clone()));
        hubs.push(part.hub);
        hosts.extend(part.plugins);
        let services = catalogue.services(part.name);
        served.extend(services.iter().cloned());
        reports.push((services, part.health));
    }
    routes.add_service(EventsService::new(hubs, context));
    if !hosts.is_empty() {
        routes.add_service(PluginHostServer::new(Door::new(hosts.clone())));
        routes.add_service(PluginsServer::new(Operators::new(hosts)));
        served.extend(catalogue.services("plugin"));
    }
    let (reporter, server) = tonic_health::server::health_reporter();
    routes.add_service(server);
    context.tasks.spawn(health::report(reporter, reports, context.leaving.clone()));
    if options.reflection {
        add_reflection(&mut routes, &served);
    }
    GrpcService {
        token: options.token,
        peers: Arc::new(peers),
        calls: Arc::new(Calls::of(&catalogue, &context.metrics.calls)),
        routes: routes.routes().prepare(),
    }
}

/// Offers the descriptors in both versions of the protocol: the libraries of some languages still speak the older one only.
fn add_reflection(routes: &mut RoutesBuilder, served: &[String]) {
    let describe = || {
        let builder = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET);
        served.iter().fold(builder, |builder, name| builder.with_service_name(name))
    };
    match (describe().build_v1(), describe().build_v1alpha()) {
        (Ok(current), Ok(older)) => drop(routes.add_service(current).add_service(older)),
        (Err(error), _) | (_, Err(error)) => tracing::error!(%error, "reflection is not served"),
    }
}

impl Service<Request<Body>> for GrpcService {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let call = self.calls.begin(request.uri().path());
        let (caller, met) = self.peers.meet(request.headers());
        if let Err(refused) = self.token.admit(&request).and(met) {
            let mut response = refused.into_http();
            self.peers.sign(caller, &mut response);
            return Box::pin(future::ready(Ok(call.answer(response))));
        }
        let peers = self.peers.clone();
        let deadline = deadline::of(request.headers());
        // In the process a handler runs in its caller's task, which must not die of the handler's panic.
        let answer = AssertUnwindSafe(self.routes.call(request)).catch_unwind();
        Box::pin(async move {
            let answer = deadline::within(deadline, answer).await;
            let mut response = match answer {
                Ok(Ok(Ok(response))) => response,
                Ok(Ok(Err(never))) => match never {},
                Ok(Err(_)) => Status::internal("internal error").into_http(),
                Err(late) => late.into_http(),
            };
            peers.sign(caller, &mut response);
            Ok(call.answer(response))
        })
    }
}
