//! The socket itself: writes are collected and then written together, and a peer that does not read is given
//! up.

use std::{
    future::poll_fn,
    pin::pin,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::{sleep, timeout},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Error, Message, protocol::CloseFrame},
};

use crate::{fanout::mailbox::Mailbox, session::action::Close};

/// What a peer may still send, in bytes, after it sent something that ended the reading.
const STILL_READ: usize = 1 << 20;

/// A socket that is written patiently.
pub(super) struct Wire<S> {
    socket: WebSocketStream<S>,
    patience: Duration,
    /// Something is not flushed.
    dirty: bool,
    /// What the peer sends cannot be understood any more.
    unreadable: bool,
}

/// Why nothing can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    /// The connection is lost.
    Gone,
    /// The peer does not read.
    TooSlow,
}

/// Something that a socket can be asked again and again, until it is done.
type Step<S> = fn(&mut WebSocketStream<S>, &mut Context<'_>) -> Poll<Result<(), Error>>;

impl<S> Wire<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    /// A write may stand still for as long as `patience`.
    pub(super) fn new(socket: WebSocketStream<S>, patience: Duration) -> Self {
        Self { socket, patience, dirty: false, unreadable: false }
    }

    /// The next message; `None` when there is none any more. It is safe to drop the future.
    pub(super) async fn next(&mut self) -> Option<Result<Message, Error>> {
        let next = self.socket.next().await;
        self.unreadable |= matches!(next, Some(Err(_)));
        next
    }

    /// Writes a message, or keeps it to be written with others. While that takes time, an overflow of
    /// `mailbox` ends it.
    pub(super) async fn feed(&mut self, message: Message, mailbox: Option<&Mailbox>) -> Result<(), Broken> {
        self.wait_until(WebSocketStream::poll_ready_unpin, mailbox).await?;
        self.dirty = true;
        self.socket.start_send_unpin(message).map_err(|_| Broken::Gone)
    }

    /// Writes everything that was kept.
    pub(super) async fn flush(&mut self, mailbox: Option<&Mailbox>) -> Result<(), Broken> {
        if self.dirty {
            self.wait_until(WebSocketStream::poll_flush_unpin, mailbox).await?;
            self.dirty = false;
        }
        Ok(())
    }

    async fn wait_until(&mut self, step: Step<S>, mailbox: Option<&Mailbox>) -> Result<(), Broken> {
        let socket = &mut self.socket;
        // Nearly always it is done at once, and needs no timer.
        if let Poll::Ready(done) = poll_fn(|context| Poll::Ready(step(socket, context))).await {
            return done.map_err(|_| Broken::Gone);
        }
        let overflow = async {
            match mailbox {
                Some(mailbox) => mailbox.overflow().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            done = poll_fn(|context| step(socket, context)) => done.map_err(|_| Broken::Gone),
            () = overflow => Err(Broken::TooSlow),
            () = sleep(self.patience) => Err(Broken::TooSlow),
        }
    }

    /// Sends a close frame, or answers the peer's, and waits for the peer to be gone, for as long as
    /// `patience` in all.
    pub(super) async fn close(mut self, close: Option<Close>, patience: Duration) {
        let mut goodbye = pin!(async {
            if let Some(Close { code, reason }) = close {
                let frame = CloseFrame { code: code.into(), reason: reason.into() };
                self.socket.send(Message::Close(Some(frame))).await.ok()?;
            }
            while let Some(Ok(_)) = self.socket.next().await {}
            let io = self.socket.get_mut();
            io.shutdown().await.ok()?;
            if self.unreadable {
                // With data unread, the system would reset the connection, and the close frame would be lost
                // with it.
                let mut rest = io.take(STILL_READ as u64);
                let mut buffer = [0; 1024];
                while rest.read(&mut buffer).await.ok()? > 0 {}
            }
            Some(())
        });
        // A peer that does not say goodbye in time is left.
        let _ = timeout(patience, goodbye.as_mut()).await;
    }
}
