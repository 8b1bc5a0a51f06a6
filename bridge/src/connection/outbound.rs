//! What the session wants, and frames to the client.

use tokio::io::{AsyncRead, AsyncWrite};

use super::{Connection, Mail, encode::Frame, ending::End, spare, wire::Broken};
use crate::{
    fanout::{mailbox::Mailbox, membership::Membership},
    session::action::{Action, Close},
};

impl<S> Connection<S>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    /// Does what the session wants, and writes it out. What comes to an end before that keeps the rest of the
    /// actions.
    pub(super) async fn perform(&mut self) -> Option<End> {
        let mut actions = std::mem::take(&mut self.actions);
        let mut pending = actions.drain(..);
        while let Some(action) = pending.next() {
            let written = match &action {
                Action::Close(close) => return Some(End::Close(*close)),
                Action::Event(packet, view) => self.write_all(packet.frames(*view)).await,
                Action::Frame(frame) => self.write(Frame::Text(frame)).await,
                Action::Fault(code, frame) => {
                    self.metrics.fault(*code);
                    self.write(Frame::Text(frame)).await
                }
                Action::Ping => self.write(Frame::Ping).await,
                Action::Call(..) | Action::Join(..) | Action::Leave(_) | Action::Ignored => {
                    self.arrange(action);
                    continue;
                }
            };
            if let Err(broken) = written {
                self.actions = pending.collect();
                return Some(self.broken(broken));
            }
        }
        drop(pending);
        spare::give_back(actions);
        self.metrics.frames_out(self.wire.take_texts());
        let flushed = self.wire.flush(watched(&self.mail, &self.membership)).await;
        flushed.err().map(|broken| self.broken(broken))
    }

    async fn write_all(&mut self, frames: &[Box<str>]) -> Result<(), Broken> {
        for frame in frames {
            self.write(Frame::Text(frame)).await?;
        }
        Ok(())
    }

    async fn write(&mut self, frame: Frame<'_>) -> Result<(), Broken> {
        self.wire.feed(frame, watched(&self.mail, &self.membership)).await
    }

    /// Does what needs no writing.
    pub(super) fn arrange(&mut self, action: Action) {
        match action {
            Action::Call(lane, call) => self.calls.start(&self.shared, self.session.caller(), lane, *call),
            Action::Join(topic, interest) => {
                // Nobody waits for it: what comes before the service has answered is missed, and is only
                // presence or notices of an audience that the user was not in a moment ago.
                self.membership.join(topic, interest);
            }
            Action::Leave(topic) => self.membership.leave(topic.source, &topic.name),
            Action::Ignored => self.metrics.ignored(),
            Action::Event(..) | Action::Frame(_) | Action::Fault(..) | Action::Ping | Action::Close(_) => {}
        }
    }

    fn broken(&self, broken: Broken) -> End {
        match broken {
            Broken::Gone => End::Gone,
            Broken::TooSlow => self.too_slow(),
        }
    }

    pub(super) fn too_slow(&self) -> End {
        self.metrics.overflowed();
        End::Close(Close::TOO_SLOW)
    }
}

/// The mailbox whose overflow ends a write that does not go on. While the log is being read, an overflow does
/// no harm.
fn watched<'a>(mail: &Mail, membership: &'a Membership) -> Option<&'a Mailbox> {
    mail.is_live().then(|| &**membership.mailbox())
}
