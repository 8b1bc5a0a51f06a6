//! How a client reaches a service: over a connection, or within the process. The generated clients cannot tell.

use std::time::Duration;

use http::{HeaderValue, Request, Response, header::AUTHORIZATION};
use tonic::{
    body::Body,
    codegen::{Service, StdError},
    transport::{Channel, Endpoint, Error},
};
use tower::{ServiceExt, util::BoxCloneSyncService};

/// What every generated client is built on, for example `ChatClient::new(grpc)`. Cloning is cheap.
pub type Grpc = BoxCloneSyncService<Request<Body>, Response<Body>, StdError>;

/// A credential that is sent with every call and never printed.
#[derive(Clone)]
pub struct Credential(HeaderValue);

impl Credential {
    /// A bearer token (RFC 6750 §2.1); `None` when it cannot stand in a header.
    pub fn bearer(token: &str) -> Option<Self> {
        let mut value = HeaderValue::try_from(format!("Bearer {token}")).ok()?;
        value.set_sensitive(true);
        Some(Self(value))
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credential(…)")
    }
}

/// Calls go straight into a service of this process, through the same authentication and limits as any other.
pub fn in_process<S>(service: S, credential: Credential) -> Grpc
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
    S::Error: Into<StdError>,
{
    signed(service.map_err(Into::into), credential)
}

/// Calls go to `url` (`http://host:port`), and nowhere else: `causeway-link` knows services of several endpoints.
pub fn remote(url: &str, credential: Credential) -> Result<Grpc, Error> {
    Ok(signed(connect(url)?, credential))
}

/// Calls go to `url`, as they are. The connection is made at the first call, and again whenever it is lost. A peer that does not
/// answer a ping within 5 s is given up, so that calls fail instead of hanging.
pub fn connect(url: &str) -> Result<Grpc, Error> {
    Ok(Grpc::new(channel(url)?.map_err(Into::into)))
}

fn channel(url: &str) -> Result<Channel, Error> {
    Ok(endpoint(url)?.connect_lazy())
}

/// How connections to `url` behave, for whoever makes them in a way of its own, as a simulation does.
pub fn endpoint(url: &str) -> Result<Endpoint, Error> {
    let endpoint = Endpoint::from_shared(url.to_owned())?
        .connect_timeout(Duration::from_secs(3))
        .http2_keep_alive_interval(Duration::from_secs(10))
        .keep_alive_timeout(Duration::from_secs(5))
        .keep_alive_while_idle(true)
        .initial_stream_window_size(1 << 20)
        .initial_connection_window_size(4 << 20)
        .tcp_nodelay(true);
    Ok(endpoint)
}

/// Every call shows the credential.
pub fn signed<S>(service: S, credential: Credential) -> Grpc
where
    S: Service<Request<Body>, Response = Response<Body>, Error = StdError> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    BoxCloneSyncService::new(service.map_request(move |mut request: Request<Body>| {
        request.headers_mut().insert(AUTHORIZATION, credential.0.clone());
        request
    }))
}
