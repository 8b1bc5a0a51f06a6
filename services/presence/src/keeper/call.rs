//! What the keeper is asked.

use causeway_kit::Error;
use causeway_proto::presence::{SetTypingRequest, UserPresence};
use tokio::sync::oneshot::Sender;
use uuid::Uuid;

use crate::ledger::{Report, Stream};

/// A question or report, and where its answer goes. Ids are canonical.
pub(crate) enum Call {
    Attach { bridge_id: String, answer: Sender<Result<Stream, Error>> },
    Report { stream: Stream, reports: Vec<Report>, answer: Sender<Result<(), Error>> },
    Lose { stream: Stream },
    Presences { users: Vec<Uuid>, answer: Sender<Vec<Option<UserPresence>>> },
    Present { conversation: Uuid, answer: Sender<Vec<String>> },
    SetTyping { said: SetTypingRequest, answer: Sender<Result<(), Error>> },
}
