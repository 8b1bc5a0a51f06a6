//! A frontend's socket as the crowd uses it: what breaks it is a value and no panic.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, bail};
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(5);

/// An open socket.
pub(crate) struct Socket(WebSocketStream<TcpStream>);

/// What came, or did not.
pub(crate) enum Came {
    /// A frame.
    Frame(Value),
    /// The socket is gone; the code of the close frame, when there was one.
    Gone(Option<u16>),
    /// Nothing.
    Nothing,
}

impl Socket {
    /// Opens one; `path` says everything.
    pub(crate) async fn open(door: SocketAddr, path: &str) -> anyhow::Result<Self> {
        let opening = async {
            let stream = TcpStream::connect(door).await?;
            stream.set_nodelay(true)?;
            let (socket, _) = client_async(format!("ws://{door}{path}"), stream).await?;
            anyhow::Ok(Self(socket))
        };
        timeout(HANDSHAKE, opening).await.context("no handshake in time")?
    }

    /// Sends a frame.
    pub(crate) async fn send(&mut self, frame: &Value) -> anyhow::Result<()> {
        let sending = self.0.send(Message::text(frame.to_string()));
        Ok(timeout(HANDSHAKE, sending).await.context("the peer does not read")??)
    }

    /// What comes next, waiting no longer than this.
    pub(crate) async fn next(&mut self, within: Duration) -> anyhow::Result<Came> {
        loop {
            let Ok(message) = timeout(within, self.0.next()).await else { return Ok(Came::Nothing) };
            match message {
                Some(Ok(Message::Text(text))) => match serde_json::from_str(&text) {
                    Ok(frame) => return Ok(Came::Frame(frame)),
                    Err(error) => bail!("a frame that is no JSON ({error}): {text}"),
                },
                Some(Ok(Message::Close(frame))) => {
                    return Ok(Came::Gone(frame.map(|frame| frame.code.into())));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Ok(Came::Gone(None)),
            }
        }
    }
}
