//! What comes from the fan-out: first, for a client that was away, what it missed; then what happens.

use crate::fanout::{
    mailbox::{Delivery, Mailbox},
    replay::Replay,
};

/// Deliveries that are taken at once.
const BATCH: usize = 64;

/// Where deliveries come from.
pub(crate) enum Mail {
    /// From the logs.
    Replay(Box<Replay>),
    /// From the mailbox.
    Live,
}

/// What came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mailed {
    /// Deliveries.
    Deliveries,
    /// The last of the old; from here on it is live.
    NowLive,
    /// More than the mailbox holds.
    Overflow,
}

impl Mail {
    /// Whether deliveries come from the mailbox.
    pub(super) fn is_live(&self) -> bool {
        matches!(self, Self::Live)
    }

    /// Waits for deliveries and adds them to `into`. Nothing is lost when the future is dropped.
    pub(super) async fn next(&mut self, mailbox: &Mailbox, into: &mut Vec<Delivery>) -> Mailed {
        match self {
            Self::Live => match mailbox.take(into, BATCH).await {
                Ok(()) => Mailed::Deliveries,
                Err(_) => Mailed::Overflow,
            },
            Self::Replay(replay) => {
                if replay.next(into).await {
                    return Mailed::Deliveries;
                }
                *self = Self::Live;
                Mailed::NowLive
            }
        }
    }
}
