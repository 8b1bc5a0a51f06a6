//! The suite's gRPC server, whose connections can be cut as a network cuts them.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::StreamExt;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::{
    sync::{CancellationToken, WaitForCancellationFutureOwned},
    task::AbortOnDropHandle,
};
use tonic::transport::{Server, server::Connected};

use crate::played::{Call, Cut, PlayedHost};

/// A server, until this is dropped.
#[derive(Debug)]
pub(super) struct Listening {
    /// Where it is.
    pub(super) address: SocketAddr,
    /// Streams that plugins have opened.
    pub(super) calls: mpsc::Receiver<Call>,
    _server: AbortOnDropHandle<()>,
}

impl Listening {
    /// Listens on an address. Fails when that cannot be had.
    pub(super) async fn on(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address)
            .await
            .map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {address}: {error}")))?;
        let address = listener.local_addr()?;
        let (service, calls) = PlayedHost::new();
        let incoming = TcpListenerStream::new(listener).map(|stream| stream.map(Line::new));
        let server = async move {
            if let Err(error) = Server::builder().add_service(service).serve_with_incoming(incoming).await {
                tracing::error!(%error, "the suite's server failed");
            }
        };
        Ok(Self { address, calls, _server: AbortOnDropHandle::new(tokio::spawn(server)) })
    }
}

/// A connection that can be cut.
struct Line {
    stream: TcpStream,
    cut: CancellationToken,
    is_cut: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Line {
    fn new(stream: TcpStream) -> Self {
        // The plugin is to see a reset, not an orderly end; both of these fail on a connection that is gone already.
        let _ = stream.set_zero_linger();
        let _ = stream.set_nodelay(true);
        let cut = CancellationToken::new();
        Self { stream, is_cut: Box::pin(cut.clone().cancelled_owned()), cut }
    }

    fn check(&self) -> io::Result<()> {
        if self.cut.is_cancelled() { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

impl Connected for Line {
    type ConnectInfo = Cut;

    fn connect_info(&self) -> Cut {
        Cut(self.cut.clone())
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_cut.as_mut().poll(context).is_ready() {
            return Poll::Ready(self.check());
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
