//! What the client says.

use std::time::Duration;

use super::{
    Now, Session,
    action::{Action, Close},
    queue::Job,
};
use crate::{
    command::{Command, Reply},
    fault::{Code, Fault},
};

impl Session {
    /// Anything came from the peer: it is alive.
    pub(crate) fn heard(&mut self, now: Now) {
        self.timers.heard(now.at);
    }

    /// A text frame. It is decoded first, because what it says decides which limit it counts for.
    pub(crate) fn on_text(&mut self, now: Now, text: &str, out: &mut Vec<Action>) {
        let decoded = self.translator.decode(self.room, text);
        match &decoded {
            // Merged, however many there are.
            Ok(Command::Read { .. }) => {}
            Ok(Command::Typing { .. } | Command::Ping | Command::Ignored) => {
                if !self.seat.chatter() {
                    out.push(Action::Ignored);
                    return;
                }
            }
            Ok(_) | Err(_) => {
                if let Err(wait) = self.seat.frame() {
                    self.over_the_limit(now, wait, out);
                    return;
                }
            }
        }
        match decoded {
            Ok(command) => self.on_command(now, command, out),
            Err(fault) => self.fault(&fault, out),
        }
    }

    /// A WebSocket ping, which is answered below: only a flood of them concerns the session.
    pub(crate) fn on_ping(&mut self, now: Now, out: &mut Vec<Action>) {
        if !self.seat.chatter() && self.abuse.rejected(now.at) {
            out.push(Action::Close(Close::ABUSE));
        }
    }

    /// A binary frame.
    pub(crate) fn on_binary(&mut self, out: &mut Vec<Action>) {
        out.push(Action::Close(Close::BINARY));
    }

    fn over_the_limit(&mut self, now: Now, wait: Duration, out: &mut Vec<Action>) {
        let retry_after_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1);
        let fault = Fault {
            retry_after_ms: Some(retry_after_ms),
            ..Fault::new(Code::RateLimited, "too many frames")
        };
        self.fault(&fault, out);
        if self.abuse.rejected(now.at) {
            out.push(Action::Close(Close::ABUSE));
        }
    }

    fn on_command(&mut self, now: Now, command: Command, out: &mut Vec<Action>) {
        match command {
            Command::Ping => return self.reply(&Reply::Pong, out),
            Command::Ignored => return out.push(Action::Ignored),
            Command::Read { message_id } => return self.receipts.add(message_id, now.at),
            Command::Typing { is_typing } => self.aside.typing = Some(is_typing),
            Command::Send(message) => self.queue.push(Job::Send(Box::new(message))),
            Command::Refresh { token } => self.queue.push(Job::Refresh(token)),
            command @ (Command::Edit { .. }
            | Command::Delete { .. }
            | Command::React { .. }
            | Command::History(_)
            | Command::Thread { .. }
            | Command::Search { .. }
            | Command::MessageStatus { .. }
            | Command::SetStatus { .. }
            | Command::Conversations { .. }
            | Command::Notifications { .. }
            | Command::ReadNotifications { .. }) => self.queue.push(Job::Command(command)),
        }
        self.pump(out);
    }
}
