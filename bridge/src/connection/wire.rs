//! The socket itself: frames are collected and then written together, and a peer that does not read is given
//! up.
//!
//! tungstenite reads, answers pings and closes. What we have to say goes beside it, straight from the frames that all
//! sockets share, and only ever between two frames of tungstenite's own.

use std::{
    borrow::Cow,
    future::poll_fn,
    io,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
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

use super::{doorbell::Doorbell, encode::Frame, spare};
use crate::fanout::mailbox::Mailbox;

/// What a peer may still send, in bytes, after it sent something that ended the reading.
const STILL_READ: usize = 1 << 20;

/// Bytes that are collected before they are written.
const COLLECTED: usize = 16 << 10;

/// A socket that is written patiently.
pub(super) struct Wire<S> {
    socket: WebSocketStream<S>,
    incoming: Doorbell,
    patience: Duration,
    /// Frames to be written, of which the first so many bytes are.
    out: Vec<u8>,
    written: usize,
    /// Text frames that were kept since somebody asked.
    texts: u64,
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

impl<S> Wire<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    /// A write may stand still for as long as `patience`.
    pub(super) fn new(socket: WebSocketStream<S>, patience: Duration) -> Self {
        Self {
            socket,
            incoming: Doorbell::default(),
            patience,
            out: Vec::new(),
            written: 0,
            texts: 0,
            unreadable: false,
        }
    }

    /// The next message; `None` when there is none any more. It is safe to drop the future.
    pub(super) async fn next(&mut self) -> Option<Result<Message, Error>> {
        let Self { socket, incoming, .. } = self;
        let next = poll_fn(|context| incoming.poll(context, |context| socket.poll_next_unpin(context))).await;
        self.unreadable |= matches!(next, Some(Err(_)));
        next
    }

    /// Keeps a frame to be written with others, and writes what was kept when that is much. While that takes time, an
    /// overflow of `mailbox` ends it.
    pub(super) async fn feed(&mut self, frame: Frame<'_>, mailbox: Option<&Mailbox>) -> Result<(), Broken> {
        if self.out.len() >= COLLECTED {
            self.flush(mailbox).await?;
        }
        spare::borrow(&mut self.out);
        frame.encode(&mut self.out);
        self.texts += u64::from(matches!(frame, Frame::Text(_)));
        Ok(())
    }

    /// How many text frames were kept since this was last asked.
    pub(super) fn take_texts(&mut self) -> u64 {
        std::mem::take(&mut self.texts)
    }

    /// Writes everything that was kept.
    pub(super) async fn flush(&mut self, mailbox: Option<&Mailbox>) -> Result<(), Broken> {
        if self.out.is_empty() {
            return Ok(());
        }
        // Nearly always it is done at once, and needs no timer.
        if let Poll::Ready(done) = poll_fn(|context| Poll::Ready(self.poll_write(context))).await {
            return done.map_err(|_| Broken::Gone);
        }
        let patience = sleep(self.patience);
        let overflow = async {
            match mailbox {
                Some(mailbox) => mailbox.overflow().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            done = poll_fn(|context| self.poll_write(context)) => done.map_err(|_| Broken::Gone),
            () = overflow => Err(Broken::TooSlow),
            () = patience => Err(Broken::TooSlow),
        }
    }

    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        ready!(self.socket.poll_flush_unpin(context))?;
        let mut io = Pin::new(self.socket.get_mut());
        while let Some(rest @ [_, ..]) = self.out.get(self.written..) {
            match ready!(io.as_mut().poll_write(context, rest))? {
                0 => return Poll::Ready(Err(io::Error::from(io::ErrorKind::WriteZero).into())),
                count => self.written += count,
            }
        }
        ready!(io.poll_flush(context))?;
        self.written = 0;
        spare::give_back(std::mem::take(&mut self.out));
        Poll::Ready(Ok(()))
    }

    /// Sends a close frame, or answers the peer's, and waits for the peer to be gone, for as long as
    /// `patience` in all.
    pub(super) async fn close(mut self, close: Option<(u16, Cow<'static, str>)>, patience: Duration) {
        let mut goodbye = pin!(async {
            if !self.out.is_empty() {
                // The frame that was being written is finished, or the peer could not read what follows.
                poll_fn(|context| self.poll_write(context)).await.ok()?;
            }
            if let Some((code, reason)) = close {
                let frame = CloseFrame { code: code.into(), reason: reason.as_ref().into() };
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
