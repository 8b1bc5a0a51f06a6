//! Who knows about presence: one task of this process, or Redis, where several processes share it.

mod call;
mod local;
mod task;

use causeway_kit::Error;
use causeway_proto::presence::{SetTypingRequest, UserPresence};
use uuid::Uuid;

pub(crate) use self::{local::Local, task::Task};
use crate::{
    ledger::{Report, Stream},
    shared::Shared,
};

/// The handle. Every call fails with `UNAVAILABLE` once the service stops. Cloning is cheap.
#[derive(Clone)]
pub(crate) enum Keeper {
    /// A task of this process.
    Local(Local),
    /// Redis.
    Shared(Shared),
}

impl Keeper {
    /// A bridge attaches. `RESOURCE_EXHAUSTED` when there are too many.
    pub(crate) async fn attach(&self, bridge_id: String) -> Result<Stream, Error> {
        match self {
            Self::Local(local) => local.attach(bridge_id).await,
            Self::Shared(shared) => shared.attach(bridge_id).await,
        }
    }

    /// A bridge reports. `FAILED_PRECONDITION` when the bridge has attached again since.
    pub(crate) async fn report(&self, stream: Stream, reports: Vec<Report>) -> Result<(), Error> {
        match self {
            Self::Local(local) => local.report(stream, reports).await,
            Self::Shared(shared) => shared.report(&stream, reports).await,
        }
    }

    /// A bridge's stream has ended.
    pub(crate) async fn lose(&self, stream: Stream) {
        match self {
            Self::Local(local) => local.lose(stream).await,
            Self::Shared(shared) => shared.lose(&stream).await,
        }
    }

    /// Presence of each user, in the same order; `None` for those of whom the disk may know more.
    pub(crate) async fn presences(&self, users: Vec<Uuid>) -> Result<Vec<Option<UserPresence>>, Error> {
        match self {
            Self::Local(local) => local.presences(users).await,
            Self::Shared(shared) => shared.presences(users).await,
        }
    }

    /// Users with a socket on the conversation, sorted.
    pub(crate) async fn present(&self, conversation: Uuid) -> Result<Vec<String>, Error> {
        match self {
            Self::Local(local) => local.present(conversation).await,
            Self::Shared(shared) => shared.present(conversation).await,
        }
    }

    /// A user types, or stopped. `RESOURCE_EXHAUSTED` when too many do.
    pub(crate) async fn set_typing(&self, said: SetTypingRequest) -> Result<(), Error> {
        match self {
            Self::Local(local) => local.set_typing(said).await,
            Self::Shared(shared) => shared.set_typing(said).await,
        }
    }
}
