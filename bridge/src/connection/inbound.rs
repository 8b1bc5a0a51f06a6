//! Frames from the client.

use futures_util::FutureExt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::tungstenite::{self, Message};

use super::{Connection, ending::End};
use crate::session::{
    Now,
    action::{Action, Close},
};

/// Frames that are read before anything is written.
const FRAMES_AT_ONCE: usize = 32;

impl<S> Connection<S>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    /// Reads what is there, up to a bound, so that messages which come together are stored together.
    pub(super) fn on_frames(
        &mut self,
        now: Now,
        first: Option<Result<Message, tungstenite::Error>>,
    ) -> Option<End> {
        let mut next = first;
        for read in 1.. {
            match next {
                Some(Ok(message)) => {
                    if let Some(end) = self.on_message(now, &message) {
                        return Some(end);
                    }
                }
                Some(Err(error)) => return Some(unreadable(&error)),
                None => return Some(End::Gone),
            }
            // Whether to read on is decided before the next is read: what has been read must be dealt with.
            let closes = matches!(self.actions.last(), Some(Action::Close(_)));
            if read == FRAMES_AT_ONCE || closes || !self.session.takes_frames() {
                break;
            }
            next = self.wire.next().now_or_never()?;
        }
        None
    }

    fn on_message(&mut self, now: Now, message: &Message) -> Option<End> {
        self.session.heard(now);
        match message {
            Message::Text(text) => {
                self.metrics.frame_in();
                self.session.on_text(now, text, &mut self.actions);
            }
            Message::Binary(_) => self.session.on_binary(&mut self.actions),
            Message::Ping(_) => self.session.on_ping(now, &mut self.actions),
            Message::Pong(_) | Message::Frame(_) => {}
            Message::Close(_) => return Some(End::Left),
        }
        None
    }
}

/// What to do about a frame that could not be read.
fn unreadable(error: &tungstenite::Error) -> End {
    use tungstenite::{Error, error::ProtocolError};
    match error {
        Error::Capacity(_) => End::Close(Close::TOO_LARGE),
        Error::Utf8(_) => End::Close(Close::NOT_TEXT),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => End::Gone,
        Error::Protocol(_) => End::Close(Close::PROTOCOL),
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Io(_)
        | Error::Tls(_)
        | Error::WriteBufferFull(_)
        | Error::AttackAttempt
        | Error::Url(_)
        | Error::Http(_)
        | Error::HttpFormat(_) => End::Gone,
    }
}
