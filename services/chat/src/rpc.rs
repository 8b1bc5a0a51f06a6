//! The gRPC services. Each call is read, carried out in one job on the store, and answered; what it does is in the file of
//! its noun.

use std::sync::Arc;

use causeway_kit::{
    Error, Store,
    plugin_host::Host,
    store::{Reader, Tx},
};
use tonic::{Response, Status};

use crate::{indexer::Indexer, settings::Settings};

mod chat;
mod directory;

/// What calls are answered with. Cloning is cheap.
#[derive(Clone)]
pub(crate) struct Desk {
    store: Store,
    settings: Arc<Settings>,
    indexer: Arc<Indexer>,
    plugins: Host,
}

impl Desk {
    /// A desk in front of a store.
    pub(crate) fn new(store: Store, settings: Arc<Settings>, indexer: Arc<Indexer>, plugins: Host) -> Self {
        Self { store, settings, indexer, plugins }
    }

    async fn write<T, J>(&self, job: J) -> Result<Response<T>, Status>
    where
        T: Send + 'static,
        J: FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.plugins.somebody_writes();
        Ok(Response::new(self.store.write(job).await?))
    }

    async fn read<T, J>(&self, job: J) -> Result<Response<T>, Status>
    where
        T: Send + 'static,
        J: FnOnce(&Reader<'_>) -> Result<T, Error> + Send + 'static,
    {
        Ok(Response::new(self.store.read(job).await?))
    }
}
