//! Where and how a store is opened.

use std::{path::PathBuf, sync::Arc, time::Duration};

use causeway_proto::time::Clock;

#[cfg(any(test, feature = "testing"))]
use super::simulated;
use super::{Migration, Postgres};
use crate::bus::Bus;

/// Where stores are.
#[derive(Debug, Clone)]
pub enum Storage {
    /// A file for each in this folder, which exists.
    Files(PathBuf),
    /// A schema for each in this database.
    Postgres(Arc<Postgres>),
    /// In a database of a simulation.
    #[cfg(any(test, feature = "testing"))]
    Simulated(Arc<simulated::Database>),
}

impl Storage {
    /// Whether time is simulated, beside which no thread may run.
    pub(super) fn is_simulated(&self) -> bool {
        match self {
            Self::Files(_) | Self::Postgres(_) => false,
            #[cfg(any(test, feature = "testing"))]
            Self::Simulated(_) => true,
        }
    }
}

/// Where and how a store is opened.
pub struct StoreOptions {
    /// Where it is.
    pub storage: Storage,
    /// Stands in errors and metrics, and names the file or the schema: `chat`.
    pub name: &'static str,
    /// The service's schema; the kit's own tables (`topic`, `event`, `outbox`, `heartbeat`, `migration`) come first.
    pub migrations: &'static [Migration],
    /// The wall clock. A store that several processes have keeps it at the database's time.
    pub clock: Clock,
    /// Where appended events are published.
    pub bus: Bus,
    /// How long events are kept in the log.
    pub retain: Duration,
}
