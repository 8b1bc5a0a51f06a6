//! The bare broadcast that fan-out is compared with: tokio-tungstenite, one task for each socket, one broadcast channel.
//! It parses nothing, stores nothing and knows nobody. It is written as a careful author would: what has queued up goes out
//! with one flush, and the read buffer is small, because tungstenite clears it before each read.

use futures_util::{SinkExt, StreamExt};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::broadcast::{self, Receiver, Sender},
};
use tokio_tungstenite::{
    WebSocketStream, accept_async_with_config,
    tungstenite::{Error, Message, Utf8Bytes, protocol::WebSocketConfig},
};

/// Messages that may wait for one socket.
const CAPACITY: usize = 1_024;
/// Bytes.
const READ_BUFFER: usize = 4_096;
/// Messages that are written with one flush.
const BATCH: usize = 64;

/// Takes sockets for ever; what comes on one goes to all.
pub(crate) async fn serve(address: &str) {
    let listener = TcpListener::bind(address).await.expect("the address is free");
    let sender = Sender::new(CAPACITY);
    loop {
        let (stream, _) = listener.accept().await.expect("sockets to accept");
        tokio::spawn(socket(stream, sender.clone()));
    }
}

async fn socket(stream: TcpStream, sender: Sender<Utf8Bytes>) {
    // A socket that fails is gone; nobody here wants to know why.
    let _ = converse(stream, sender).await;
}

async fn converse(stream: TcpStream, sender: Sender<Utf8Bytes>) -> Result<(), Error> {
    stream.set_nodelay(true)?;
    // Before the client can know that it is there.
    let mut receiver = sender.subscribe();
    let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER);
    let mut socket = accept_async_with_config(stream, Some(config)).await?;
    loop {
        tokio::select! {
            message = socket.next() => match message {
                Some(Ok(Message::Text(text))) => drop(sender.send(text)),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
                None => return Ok(()),
            },
            text = receiver.recv() => match text {
                Ok(text) => write(&mut socket, text, &mut receiver).await?,
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return Ok(()),
            },
        }
    }
}

async fn write(
    socket: &mut WebSocketStream<TcpStream>,
    first: Utf8Bytes,
    receiver: &mut Receiver<Utf8Bytes>,
) -> Result<(), Error> {
    socket.feed(Message::Text(first)).await?;
    for _ in 1..BATCH {
        let Ok(text) = receiver.try_recv() else { break };
        socket.feed(Message::Text(text)).await?;
    }
    socket.flush().await
}
