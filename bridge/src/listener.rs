//! Accepts connections and carries each from its first byte to its end, in one task: HTTP until the 101, WebSocket after it.
//!
//! A connection has [`Edge::handshake_timeout`] for TLS, where that is set, and as long for its request; whoever dawdles is cut
//! off. As long again it may wait for its turn, and then for the answer.
//! What the system refuses (no more file descriptors, for example) makes the loop wait a little and go on.

use std::{
    convert::Infallible,
    io,
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use ::http::Request;
use causeway_config::BridgeSettings;
use hyper::{body::Incoming as Body, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
    time::{self, Instant},
};
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::{WebSocketStream, tungstenite::protocol::Role};

use crate::{
    connection,
    handshake::Next,
    head::Head,
    http,
    limits::Limits,
    mount::{MountConflict, Mounts},
    shared::Shared,
    turns::Turns,
};

/// Longest head of a request, in bytes.
const MAX_HEAD: usize = 32 * 1024;
/// Connections over the cap that are still answered, so that they hear why.
const TURNED_AWAY: usize = 256;
/// How long the loop waits after an error that is not about one connection, at first and at most.
const PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Where connections come from: the network, or a simulation of it.
pub trait Incoming: Send + 'static {
    /// A connection.
    type Io: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// The next connection. It is safe to drop the future. Errors are those of `accept(2)`.
    fn accept(&mut self) -> impl Future<Output = io::Result<Self::Io>> + Send;
}

impl Incoming for TcpListener {
    type Io = tokio::net::TcpStream;

    async fn accept(&mut self) -> io::Result<Self::Io> {
        let (stream, _) = TcpListener::accept(self).await?;
        // Frames that belong together are written together, and must not wait for an acknowledgement.
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

/// What decides over a connection before it is a socket.
pub(crate) struct Edge {
    pub(crate) shared: Arc<Shared>,
    pub(crate) mounts: Mounts,
    pub(crate) limits: Arc<Limits>,
    /// Whether paths that are going away still work.
    pub(crate) deprecated_paths: bool,
    /// Whose turn it is to be opened.
    pub(crate) turns: Turns,
    /// How long a request may take to arrive, how long to wait for its turn, and how long to be answered.
    pub(crate) handshake_timeout: Duration,
    /// How many connections of any kind there are.
    connections: Arc<AtomicUsize>,
}

/// A connection's place among them.
struct Place(Arc<AtomicUsize>);

impl Edge {
    /// Fails when two mounts claim one path.
    pub(crate) fn new(settings: &BridgeSettings, shared: Arc<Shared>) -> Result<Self, MountConflict> {
        let caps = shared.live().caps;
        Ok(Self {
            shared,
            mounts: Mounts::new(settings)?,
            limits: Limits::new(caps),
            deprecated_paths: settings.deprecated_conversation_path,
            turns: Turns::new(settings.openings, settings.handshake_timeout),
            handshake_timeout: settings.handshake_timeout,
            connections: Arc::default(),
        })
    }

    /// A place for one more connection. Over the cap there are still some, for those who are to hear why.
    fn place(&self) -> Option<Place> {
        let place = Place(self.connections.clone());
        let others = place.0.fetch_add(1, Ordering::Relaxed);
        let cap = self.shared.live().caps.connections;
        (cap == 0 || others < cap.saturating_add(TURNED_AWAY)).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Accepts connections until the bridge drains. Their tasks go on; [`Shared::sockets`] knows them.
pub(crate) async fn run(mut incoming: impl Incoming, edge: Arc<Edge>) {
    let mut pause = PAUSE;
    let mut draining = pin!(edge.shared.drain.cancelled());
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut draining => return,
            accepted = incoming.accept() => accepted,
        };
        match accepted {
            Ok(io) => {
                pause = PAUSE;
                admit(io, &edge);
            }
            Err(error) if is_about_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections");
                time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// Starts the connection's task, or drops the connection where there is no place left to say anything.
fn admit<I>(io: I, edge: &Arc<Edge>)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Some(place) = edge.place() else { return };
    let edge = edge.clone();
    let tls = edge.shared.live().tls.clone();
    edge.shared.sockets.clone().spawn(async move {
        match tls {
            None => carry(io, edge).await,
            // Boxed, so that a connection without TLS does not pay for its memory.
            Some(tls) => Box::pin(carry_encrypted(io, tls, edge)).await,
        }
        drop(place);
    });
}

/// The peer was gone before it was accepted, which the system reports as an error of the listener.
fn is_about_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted, NotConnected};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted | NotConnected
    )
}

/// A connection that begins with a TLS handshake.
async fn carry_encrypted<I>(io: I, tls: Arc<ServerConfig>, edge: Arc<Edge>)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let handshake = Box::pin(TlsAcceptor::from(tls).accept(io));
    match time::timeout(edge.handshake_timeout, handshake).await {
        Ok(Ok(io)) => carry(io, edge).await,
        Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
        Err(_) => tracing::debug!("a TLS handshake took too long"),
    }
}

/// One connection, to its end. Each phase is boxed, so that an idle socket does not pay for the memory of its handshake.
async fn carry<I>(io: I, edge: Arc<Edge>)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Some((io, read, next)) = Box::pin(answer(io, &edge)).await else { return };
    let config = connection::config(&edge.shared.settings);
    drop(edge);
    let socket = WebSocketStream::from_partially_read(io, read, Role::Server, Some(config)).await;
    match next {
        Next::Run(opened) => Box::pin(connection::run(socket, *opened)).await,
        Next::Close(code, reason) => Box::pin(connection::refuse(socket, code, reason)).await,
    }
}

/// Speaks HTTP. After a 101 the connection comes back, with what the client has sent behind its request.
async fn answer<I>(io: I, edge: &Arc<Edge>) -> Option<(I, Vec<u8>, Next)>
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let deadline = Instant::now() + edge.handshake_timeout * 3;
    let next = Arc::new(Mutex::new(None));
    let service = service_fn(|request: Request<Body>| {
        let (edge, next) = (edge.clone(), next.clone());
        async move {
            let head = Head::from(request.into_parts().0);
            let answer = http::answer(&edge, &head).await;
            *next.lock().unwrap_or_else(PoisonError::into_inner) = answer.next;
            Ok::<_, Infallible>(answer.reply)
        }
    });
    let http = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(edge.handshake_timeout)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(io), service)
        .without_shutdown();
    let parts = time::timeout_at(deadline, http).await.ok()?.ok()?;
    let mut io = parts.io.into_inner();
    let next = next.lock().unwrap_or_else(PoisonError::into_inner).take();
    match next {
        // A copy, because the buffer that the head was read into is larger and would be kept with its few bytes.
        Some(next) => Some((io, parts.read_buf.to_vec(), next)),
        None => {
            let _ = time::timeout_at(deadline, io.shutdown()).await;
            None
        }
    }
}

#[cfg(test)]
mod tests;
