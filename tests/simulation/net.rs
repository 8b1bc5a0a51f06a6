//! What the real parts need of a network, from the simulated one.

use std::io;

use causeway_bridge::Incoming;
use causeway_proto::client::{self, Grpc};
use futures_util::{Stream, stream};
use http::Uri;
use hyper_util::rt::TokioIo;
use tower::{ServiceExt, service_fn};
use turmoil::net::{TcpListener, TcpStream};

/// Where services listen.
pub(crate) const GRPC: u16 = 8001;
/// Where bridges listen.
pub(crate) const DOOR: u16 = 8000;
/// Where the bus listens.
pub(crate) const BUS: u16 = 6379;

/// Listens on this host.
pub(crate) async fn listen(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind(("0.0.0.0", port)).await
}

/// Connections as the gRPC server takes them.
pub(crate) fn accepted(listener: TcpListener) -> impl Stream<Item = io::Result<TcpStream>> + Send {
    stream::unfold(listener, async |listener| {
        let accepted = listener.accept().await.map(|(stream, _)| stream);
        Some((accepted, listener))
    })
}

/// Connections as the bridge takes them.
pub(crate) struct Door(pub(crate) TcpListener);

impl Incoming for Door {
    type Io = TcpStream;

    async fn accept(&mut self) -> io::Result<TcpStream> {
        self.0.accept().await.map(|(stream, _)| stream)
    }
}

/// A channel to a service, as every client has it, over the simulated network.
pub(crate) fn connect(url: &str) -> Result<Grpc, tonic::transport::Error> {
    let dial = service_fn(async |uri: Uri| {
        let stream =
            TcpStream::connect((uri.host().unwrap_or_default(), uri.port_u16().unwrap_or(GRPC))).await?;
        Ok::<_, io::Error>(TokioIo::new(stream))
    });
    let channel = client::endpoint(url)?.connect_with_connector_lazy(dial);
    Ok(Grpc::new(channel.map_err(Into::into)))
}
