//! What the session wants, and frames to the client.

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::tungstenite::{Bytes, Message};

use super::{Connection, Mail, ending::End, wire::Broken};
use crate::{
    fanout::{mailbox::Mailbox, membership::Membership},
    session::action::{Action, Close},
};

/// Room for actions and deliveries that an idle socket keeps.
const KEPT: usize = 8;

impl<S> Connection<S>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    /// Does what the session wants, and writes it out. What comes to an end before that keeps the rest of the
    /// actions.
    pub(super) async fn perform(&mut self) -> Option<End> {
        let mut actions = std::mem::take(&mut self.actions);
        let mut pending = actions.drain(..);
        let mut frames = 0;
        while let Some(action) = pending.next() {
            let message = match action {
                Action::Close(close) => return Some(End::Close(close)),
                Action::Frame(frame) => Message::Text(frame),
                Action::Fault(code, frame) => {
                    self.metrics.fault(code);
                    Message::Text(frame)
                }
                Action::Ping => Message::Ping(Bytes::new()),
                Action::Call(..) | Action::Join(..) | Action::Leave(_) | Action::Ignored => {
                    self.arrange(action);
                    continue;
                }
            };
            frames += u64::from(message.is_text());
            if let Err(broken) = self.wire.feed(message, watched(&self.mail, &self.membership)).await {
                self.actions = pending.collect();
                return Some(self.broken(broken));
            }
        }
        drop(pending);
        self.keep(actions);
        self.metrics.frames_out(frames);
        let flushed = self.wire.flush(watched(&self.mail, &self.membership)).await;
        flushed.err().map(|broken| self.broken(broken))
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
            Action::Frame(_) | Action::Fault(..) | Action::Ping | Action::Close(_) => {}
        }
    }

    /// Keeps room for the next actions and deliveries, but no more than an idle socket should.
    fn keep(&mut self, actions: Vec<Action>) {
        if actions.capacity() <= KEPT {
            self.actions = actions;
        }
        if self.deliveries.capacity() > KEPT {
            self.deliveries = Vec::new();
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
