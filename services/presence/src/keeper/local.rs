//! Presence of one process: a task that owns the state, and the handle through which everybody else asks it.

use causeway_kit::Error;
use causeway_proto::presence::{SetTypingRequest, UserPresence};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::call::Call;
use crate::{
    ledger::{Report, Stream},
    refusal::stopping,
};

/// Calls that wait for the task. Whoever comes when it is full waits too.
const CALLS: usize = 256;

/// The handle. Every call fails with `UNAVAILABLE` once the service stops. Cloning is cheap.
#[derive(Clone)]
pub(crate) struct Local {
    calls: mpsc::Sender<Call>,
}

impl Local {
    /// The handle, and what [`Task::run`](super::Task::run) takes calls from.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Call>) {
        let (calls, taken) = mpsc::channel(CALLS);
        (Self { calls }, taken)
    }

    pub(super) async fn attach(&self, bridge_id: String) -> Result<Stream, Error> {
        self.ask(|answer| Call::Attach { bridge_id, answer }).await?
    }

    pub(super) async fn report(&self, stream: Stream, reports: Vec<Report>) -> Result<(), Error> {
        self.ask(|answer| Call::Report { stream, reports, answer }).await?
    }

    /// Nothing to do when the service stops anyway.
    pub(super) async fn lose(&self, stream: Stream) {
        let _ = self.calls.send(Call::Lose { stream }).await;
    }

    pub(super) async fn presences(&self, users: Vec<Uuid>) -> Result<Vec<Option<UserPresence>>, Error> {
        self.ask(|answer| Call::Presences { users, answer }).await
    }

    pub(super) async fn present(&self, conversation: Uuid) -> Result<Vec<String>, Error> {
        self.ask(|answer| Call::Present { conversation, answer }).await
    }

    pub(super) async fn set_typing(&self, said: SetTypingRequest) -> Result<(), Error> {
        self.ask(|answer| Call::SetTyping { said, answer }).await?
    }

    async fn ask<T>(&self, call: impl FnOnce(oneshot::Sender<T>) -> Call) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        self.calls.send(call(answer)).await.map_err(|_| stopping())?;
        answered.await.map_err(|_| stopping())
    }
}
