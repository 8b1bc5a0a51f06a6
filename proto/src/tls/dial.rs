//! Makes the connections of channels, over TLS and in the clear.

use std::{io, sync::Arc, time::Duration};

use http::Uri;
use hyper_util::{client::legacy::connect::HttpConnector, rt::TokioIo};
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};
use tonic::{
    codegen::StdError,
    transport::{Channel, Endpoint},
};
use tower::{ServiceExt, service_fn};

use super::{
    ClientTls,
    heard::{Heard, Told},
    problem::HandshakeError,
};

/// How long finding the host, connecting, and the handshake may take together.
const CONNECTING: Duration = Duration::from_secs(3);

/// A channel in the clear. Connects at the first call, and again.
pub(crate) fn clear(endpoint: &Endpoint, told: Told) -> Channel {
    let mut tcp = connector();
    tcp.set_connect_timeout(Some(CONNECTING));
    endpoint.connect_with_connector_lazy(service_fn(move |uri: Uri| {
        let (tcp, place, told) = (tcp.clone(), place(&uri), told.clone());
        async move {
            let stream = tcp.oneshot(uri).await?.into_inner();
            Ok::<_, StdError>(TokioIo::new(Heard::new(stream, place, told)))
        }
    }))
}

/// A channel over TLS. The server's certificate must be for the name that `tls` sets, else for `name`, else for the URL's host.
pub(crate) fn encrypted(endpoint: &Endpoint, tls: ClientTls, name: Option<&str>, told: Told) -> Channel {
    let (tcp, name) = (connector(), name.map(str::to_owned));
    endpoint.connect_with_connector_lazy(service_fn(move |uri: Uri| {
        let (tcp, tls, name) = (tcp.clone(), tls.clone(), name.clone());
        let (place, told) = (place(&uri), told.clone());
        async move {
            let connecting = Box::pin(connect(tcp, uri, &tls, name));
            match tokio::time::timeout(CONNECTING, connecting).await {
                Ok(Ok(stream)) => Ok(TokioIo::new(Heard::new(stream, place, told))),
                Ok(Err(error)) => Err(error),
                Err(_) => Err(io::Error::from(io::ErrorKind::TimedOut).into()),
            }
        }
    }))
}

fn connector() -> HttpConnector {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp
}

/// A URL without a path, for people.
fn place(uri: &Uri) -> String {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    format!("{}://{authority}", uri.scheme_str().unwrap_or_default())
}

async fn connect(
    tcp: HttpConnector,
    uri: Uri,
    tls: &ClientTls,
    name: Option<String>,
) -> Result<TlsStream<TcpStream>, StdError> {
    let (config, set) = tls.now()?;
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let (name, place) = (set.or(name).unwrap_or_else(|| host.to_owned()), place(&uri));
    let stream = tcp.oneshot(uri).await?.into_inner();
    let shaken = shake(stream, config, &name).await;
    shaken.map_err(|error| HandshakeError::new(place, &name, error).into())
}

async fn shake(stream: TcpStream, config: Arc<ClientConfig>, name: &str) -> io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
    TlsConnector::from(config).connect(name, stream).await
}
