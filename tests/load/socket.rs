//! Sockets of the load.

use std::{net::SocketAddr, time::Duration};

use futures_util::{
    SinkExt, StreamExt,
    stream::{self, SplitSink, SplitStream},
};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{
        Message, Utf8Bytes,
        protocol::{WebSocketConfig, frame::coding::CloseCode},
    },
};

/// Handshakes under way at once.
const PARALLEL: usize = 100;

/// What a socket reads.
pub(crate) struct Reader(SplitStream<WebSocketStream<TcpStream>>);
/// What a socket writes.
pub(crate) struct Writer(SplitSink<WebSocketStream<TcpStream>, Message>);

/// Opens a socket.
pub(crate) async fn open(address: SocketAddr, path: &str) -> (Writer, Reader) {
    let stream = connect(address).await;
    stream.set_nodelay(true).expect("a connected socket takes options");
    // Small, because there may be ten thousand of them beside the server that is measured.
    let config = WebSocketConfig::default().read_buffer_size(4_096);
    let url = format!("ws://{address}{path}");
    let opened = client_async_with_config(url, stream, Some(config)).await;
    let (socket, _) = opened.unwrap_or_else(|error| panic!("the socket is not opened: {error}"));
    let (writer, reader) = socket.split();
    (Writer(writer), Reader(reader))
}

/// Opens a socket unless it is refused, as by somebody who has just gone.
pub(crate) async fn try_open(address: SocketAddr, path: &str) -> Option<(Writer, Reader)> {
    let stream = TcpStream::connect(address).await.ok()?;
    stream.set_nodelay(true).ok()?;
    let config = WebSocketConfig::default().read_buffer_size(4_096);
    let url = format!("ws://{address}{path}");
    let (socket, _) = client_async_with_config(url, stream, Some(config)).await.ok()?;
    let (writer, reader) = socket.split();
    Some((Writer(writer), Reader(reader)))
}

async fn connect(address: SocketAddr) -> TcpStream {
    let mut tries = 0;
    loop {
        match TcpStream::connect(address).await {
            Ok(stream) => return stream,
            Err(error) if tries == 10 => panic!("no connection (is `ulimit -n` above 11000?): {error}"),
            Err(_) => tries += 1,
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Opens many sockets, in the order of their addresses and paths.
pub(crate) async fn open_all(
    places: impl IntoIterator<Item = (SocketAddr, String)>,
) -> Vec<(Writer, Reader)> {
    let opening = stream::iter(places).map(|(address, path)| async move { open(address, &path).await });
    opening.buffered(PARALLEL).collect().await
}

/// The frame that sends a text in the `rooms` dialect.
pub(crate) fn frame(content: &str) -> Utf8Bytes {
    format!(r#"{{"type":"message","content":"{content}"}}"#).into()
}

impl Writer {
    /// Sends a frame.
    pub(crate) async fn send(&mut self, frame: Utf8Bytes) {
        self.0.send(Message::Text(frame)).await.unwrap_or_else(|error| panic!("it is not sent: {error}"));
    }
}

impl Reader {
    /// The next message; other frames are passed over. `None` when the server has closed.
    pub(crate) async fn message(&mut self) -> Option<Utf8Bytes> {
        self.frame(r#"{"type":"message""#).await
    }

    /// The next frame that begins so.
    pub(crate) async fn frame(&mut self, begin: &str) -> Option<Utf8Bytes> {
        loop {
            match self.0.next().await? {
                Ok(Message::Text(text)) if text.starts_with(begin) => return Some(text),
                Ok(Message::Close(frame)) => {
                    // The end of a measurement restarts nothing, but that is what a server says that stops.
                    if let Some(frame) = frame.filter(|frame| frame.code != CloseCode::Restart) {
                        eprintln!("  closed: {frame}");
                    }
                    return None;
                }
                Ok(Message::Text(text)) if text.starts_with(r#"{"type":"error""#) => eprintln!("  {text}"),
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }
}
