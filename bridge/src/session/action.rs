//! What a session wants done.

use std::{borrow::Cow, sync::Arc, time::Duration};

use crate::{
    backend::call::Call,
    fanout::{
        Topic,
        packet::{Packet, View},
        registry::Interest,
    },
    fault::Code,
};

/// One thing to be done, in the order given.
#[derive(Debug)]
pub(crate) enum Action {
    /// Send the frames of an event.
    Event(Arc<Packet>, View),
    /// Send a text frame.
    Frame(String),
    /// Send an error frame of this code.
    Fault(Code, String),
    /// Send a WebSocket ping.
    Ping,
    /// Have something carried out. Of each lane one call is under way at a time.
    Call(Lane, Box<Call>),
    /// Join a topic.
    Join(Topic, Interest),
    /// Leave a topic.
    Leave(Topic),
    /// Count a frame that is not answered.
    Ignored,
    /// Close the socket; nothing follows.
    Close(Close),
}

/// Calls of one lane are carried out one after another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// The client's commands, in order.
    Commands,
    /// Whatever must not delay them.
    Aside,
}

/// Why a socket is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Close {
    /// RFC 6455 §7.4, or one of ours.
    pub(crate) code: u16,
    /// For people.
    pub(crate) reason: &'static str,
}

impl Close {
    /// The peer has been silent for too long.
    pub(crate) const SILENT: Self = Self { code: 1000, reason: "no sign of life" };
    /// The peer broke the WebSocket protocol.
    pub(crate) const PROTOCOL: Self = Self { code: 1002, reason: "protocol error" };
    /// A binary frame.
    pub(crate) const BINARY: Self = Self { code: 1003, reason: "only text frames are understood" };
    /// Text that is not UTF-8.
    pub(crate) const NOT_TEXT: Self = Self { code: 1007, reason: "not UTF-8" };
    /// Too many frames for too long.
    pub(crate) const ABUSE: Self = Self { code: 1008, reason: "too many frames" };
    /// A frame over the limit.
    pub(crate) const TOO_LARGE: Self = Self { code: 1009, reason: "frame too large" };
    /// The bridge stops.
    pub(crate) const RESTARTING: Self = Self { code: 1012, reason: "restarting" };
    /// The token's time is over.
    pub(crate) const EXPIRED: Self = Self { code: 4002, reason: "token expired" };
    /// The user may not be here any more.
    pub(crate) const REMOVED: Self = Self { code: 4004, reason: "access removed" };
    /// What was to be sent did not fit into the mailbox any more.
    pub(crate) const TOO_SLOW: Self = Self { code: 4008, reason: "too slow to read" };

    /// The reason as the close frame has it. Who is to come back is told to wait first, for a random part of `within`, so
    /// that not all come at once.
    pub(crate) fn text(self, within: Duration) -> Cow<'static, str> {
        if self != Self::RESTARTING {
            return self.reason.into();
        }
        let wait = within.mul_f64(rand::random()).as_millis();
        format!("{}; retry-after-ms={wait}", self.reason).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_to_come_back_hears_when() {
        let within = Duration::from_secs(2);
        let text = Close::RESTARTING.text(within);
        let wait: u64 = text.strip_prefix("restarting; retry-after-ms=").unwrap().parse().unwrap();
        assert!(wait < 2_000, "{text}");
        assert_eq!(Close::RESTARTING.text(Duration::ZERO), "restarting; retry-after-ms=0");
        assert_eq!(Close::EXPIRED.text(within), "token expired");
    }
}
