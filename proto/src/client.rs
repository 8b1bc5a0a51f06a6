//! How a client reaches a service: over a connection, or within the process. The generated clients cannot tell.

use std::{sync::Arc, time::Duration};

use http::{HeaderValue, Request, Response, Uri, header::AUTHORIZATION};
use tokio_util::task::AbortOnDropHandle;
use tonic::{
    Status,
    body::Body,
    codegen::{Service, StdError},
    transport::{Endpoint, Error},
};
use tower::{ServiceExt, service_fn, util::BoxCloneSyncService};
use tracing::Instrument;

use crate::tls::{ClientTls, dial, heard::Told, problem, problem::Explained};

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

/// Calls go straight into a service of this process, through the same authentication and limits as any other. Each is carried
/// out by a task of its own, as behind a connection: what a service holds meanwhile is given back whether or not the caller looks
/// at its call. A call that the caller drops is given up.
pub fn in_process<S>(service: S, credential: Credential) -> Grpc
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
    S::Error: Into<StdError>,
{
    let carried_out = service_fn(move |request| {
        let call = service.clone().map_err(Into::into).oneshot(request);
        let call = AbortOnDropHandle::new(tokio::spawn(call.in_current_span()));
        async move { call.await? }
    });
    signed(carried_out, credential)
}

/// Calls go to `url` (`http://host:port`, or `https` for a certificate that the system trusts), and nowhere else:
/// `causeway-link` knows services of several endpoints.
pub fn remote(url: &str, credential: Credential) -> Result<Grpc, Error> {
    Ok(signed(connect(url)?, credential))
}

/// Calls go to `url`, as they are; over TLS, to whom the system trusts.
pub fn connect(url: &str) -> Result<Grpc, Error> {
    connect_over(url, &ClientTls::default(), None)
}

/// Calls go to `url`, as they are; when it begins with `https`, over `tls`. The server's certificate must be for `name`, and
/// without one for the URL's host. The connection is made at the first call, and again whenever it is lost. A peer that does not
/// answer a ping within 5 s is given up, so that calls fail instead of hanging.
pub fn connect_over(url: &str, tls: &ClientTls, name: Option<&str>) -> Result<Grpc, Error> {
    let told = Told::default();
    let channel = match url.starts_with("https://") {
        false => dial::clear(&lasting(url)?, told.clone()),
        true => dial::encrypted(&lasting(url)?.origin(origin(url, name)?), tls.clone(), name, told.clone()),
    };
    Ok(Grpc::new(channel.map_err(move |error| explained(error, &told))))
}

/// What calls say where they go: a proxy in between may look at it.
fn origin(url: &str, name: Option<&str>) -> Result<Uri, Error> {
    let endpoint = Endpoint::from_shared(url.to_owned())?;
    let Some(name) = name else { return Ok(endpoint.uri().clone()) };
    let port = endpoint.uri().port_u16().map(|port| format!(":{port}")).unwrap_or_default();
    Ok(Endpoint::from_shared(format!("https://{name}{port}"))?.uri().clone())
}

/// Has the error say what is wrong, where that is TLS.
fn explained(source: Error, told: &Told) -> StdError {
    match problem(&source).or_else(|| told.last()) {
        None => source.into(),
        Some(problem) => {
            let mut status = Status::unavailable(problem.clone());
            status.set_source(Arc::new(Explained { problem, source }));
            status.into()
        }
    }
}

/// How connections to `url` behave, for whoever makes them in a way of its own, as a simulation does.
pub fn endpoint(url: &str) -> Result<Endpoint, Error> {
    Ok(lasting(url)?.connect_timeout(Duration::from_secs(3)))
}

fn lasting(url: &str) -> Result<Endpoint, Error> {
    let endpoint = Endpoint::from_shared(url.to_owned())?
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

#[cfg(test)]
mod tests {
    use tokio::{
        sync::{Notify, oneshot},
        task::yield_now,
    };

    use super::*;

    /// Says when it is dropped.
    struct Told(Option<oneshot::Sender<()>>);

    impl Drop for Told {
        fn drop(&mut self) {
            self.0.take().map(|told| told.send(()));
        }
    }

    /// A service that waits for `go`, and the end of each call.
    fn waiting(go: Arc<Notify>) -> (Grpc, oneshot::Receiver<()>) {
        let (told, ended) = oneshot::channel();
        let told = Arc::new(std::sync::Mutex::new(Some(told)));
        let service = service_fn(move |_: Request<Body>| {
            let (go, told) = (go.clone(), Told(told.lock().unwrap().take()));
            async move {
                go.notified().await;
                drop(told);
                Ok::<_, StdError>(Response::new(Body::empty()))
            }
        });
        (in_process(service, Credential::bearer("x").unwrap()), ended)
    }

    #[tokio::test]
    async fn a_call_within_the_process_goes_on_when_nobody_looks_at_it() {
        let go = Arc::new(Notify::new());
        let (mut service, ended) = waiting(go.clone());
        let call = service.call(Request::new(Body::empty()));
        go.notify_one();
        ended.await.unwrap();
        assert!(call.await.is_ok());
    }

    #[tokio::test]
    async fn a_call_within_the_process_is_given_up_with_its_caller() {
        let (mut service, ended) = waiting(Arc::default());
        let call = service.call(Request::new(Body::empty()));
        yield_now().await;
        drop(call);
        ended.await.unwrap();
    }
}
