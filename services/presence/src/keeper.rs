//! The one task that owns the ledger and the typing, and the handle through which everybody else asks it.

mod call;
mod task;

use causeway_kit::Error;
use causeway_proto::presence::{SetTypingRequest, UserPresence};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use self::call::Call;
pub(crate) use self::task::Task;
use crate::ledger::{Report, Stream};

/// Calls that wait for the task. Whoever comes when it is full waits too.
const CALLS: usize = 256;

/// The handle. Every call fails with `UNAVAILABLE` once the service stops. Cloning is cheap.
#[derive(Clone)]
pub(crate) struct Keeper {
    calls: mpsc::Sender<Call>,
}

impl Keeper {
    /// The handle, and what [`Task::run`] takes calls from.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Call>) {
        let (calls, taken) = mpsc::channel(CALLS);
        (Self { calls }, taken)
    }

    /// A bridge attaches. `RESOURCE_EXHAUSTED` when there are too many.
    pub(crate) async fn attach(&self, bridge_id: String) -> Result<Stream, Error> {
        self.ask(|answer| Call::Attach { bridge_id, answer }).await?
    }

    /// A bridge reports. `FAILED_PRECONDITION` when the bridge has attached again since.
    pub(crate) async fn report(&self, stream: Stream, reports: Vec<Report>) -> Result<(), Error> {
        self.ask(|answer| Call::Report { stream, reports, answer }).await?
    }

    /// A bridge's stream has ended. Nothing to do when the service stops anyway.
    pub(crate) async fn lose(&self, stream: Stream) {
        let _ = self.calls.send(Call::Lose { stream }).await;
    }

    /// Presence of each user, in the same order; `None` for those who are not online.
    pub(crate) async fn presences(&self, users: Vec<Uuid>) -> Result<Vec<Option<UserPresence>>, Error> {
        self.ask(|answer| Call::Presences { users, answer }).await
    }

    /// Users with a socket on the conversation, sorted.
    pub(crate) async fn present(&self, conversation: Uuid) -> Result<Vec<String>, Error> {
        self.ask(|answer| Call::Present { conversation, answer }).await
    }

    /// A user types, or stopped. `RESOURCE_EXHAUSTED` when too many do.
    pub(crate) async fn set_typing(&self, said: SetTypingRequest) -> Result<(), Error> {
        self.ask(|answer| Call::SetTyping { said, answer }).await?
    }

    async fn ask<T>(&self, call: impl FnOnce(oneshot::Sender<T>) -> Call) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        self.calls.send(call(answer)).await.map_err(|_| stopping())?;
        answered.await.map_err(|_| stopping())
    }
}

/// The service ends.
pub(crate) fn stopping() -> Error {
    Error::unavailable("the presence service is stopping")
}
