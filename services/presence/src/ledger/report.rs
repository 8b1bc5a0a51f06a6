//! What goes into the ledger, and what comes out of it.

use std::sync::Arc;

use causeway_proto::presence::{SessionClosed, SessionOpened, UserPresence};
use uuid::Uuid;

/// A bridge's stream. A bridge that attaches again gets another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stream {
    pub(super) bridge: Arc<str>,
    pub(super) number: u64,
}

impl Stream {
    /// A stream by its number.
    pub(crate) fn new(bridge: Arc<str>, number: u64) -> Self {
        Self { bridge, number }
    }

    /// Its number, which no other stream of the process has.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }
}

/// What a bridge says on its stream, ids in canonical form.
#[derive(Debug, Clone)]
pub(crate) enum Report {
    /// A socket was opened, or is open still.
    Opened(SessionOpened),
    /// A socket was closed.
    Closed(SessionClosed),
    /// What earlier streams reported and this one did not is gone.
    Synced,
}

/// What follows from a report, or from time passing.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Change {
    /// The user has a first session.
    Online(UserPresence),
    /// The user had none for long enough.
    Offline(UserPresence),
    /// The user's last socket on the conversation is gone.
    Left {
        /// Which conversation.
        conversation: Uuid,
        /// Which user.
        user: Uuid,
    },
}

/// Why a report was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The bridge has attached with another stream since.
    Superseded,
    /// The bridge has as many sessions as it may.
    Full,
}

/// A user who was online when the service last stopped.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Remembered {
    /// Canonical id.
    pub user_id: String,
    /// The name to show.
    pub display_name: String,
    /// Microseconds since the Unix epoch.
    pub last_seen: i64,
}
