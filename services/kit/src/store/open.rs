//! From where a store is to the store: its database is opened, and its writer and readers begin.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

#[cfg(any(test, feature = "testing"))]
use super::simulated;
use super::{
    Inner, OpenError, Storage, Store, StoreOptions, batch, condition, engine, pool, postgres, signal, skew,
    sqlite, writer,
};
use crate::metrics::Metrics;

/// How many write jobs may wait; a caller beyond that waits for room.
pub(super) const QUEUE: usize = 1024;

impl Store {
    /// Opens the database and brings its schema up to date. A server that does not answer is waited for.
    pub async fn open(options: StoreOptions, metrics: &Metrics) -> Result<Self, OpenError> {
        let condition = Arc::new(condition::Condition::new(options.name));
        let (orders, queue) = mpsc::channel(QUEUE);
        let (weak, well) = (orders.downgrade(), condition.clone());
        let is_simulated = options.storage.is_simulated();
        let open = move || {
            let opened = match &options.storage {
                Storage::Files(folder) => {
                    let path = folder.join(options.name).with_extension("db");
                    sqlite::open(&path, &options, weak, well)?
                }
                Storage::Postgres(server) => postgres::open(server, &options)?,
                #[cfg(any(test, feature = "testing"))]
                Storage::Simulated(database) => simulated::open(database, &options)?,
            };
            Ok::<_, OpenError>((options, opened))
        };
        let (options, opened) = match is_simulated {
            true => open()?,
            false => tokio::task::spawn_blocking(open).await.map_err(|_| OpenError::Panicked)??,
        };
        let StoreOptions { name, clock, bus, retain, storage, .. } = options;
        let is_shared = !matches!(storage, Storage::Files(_));
        let owed = watch::Sender::new(());
        let engine::Opened { engine, position, readers, most_readers, connect } = opened;
        let writer = writer::Writer {
            engine,
            queue,
            batch: batch::Batch::after(position),
            condition: condition.clone(),
            bus: bus.clone(),
            clock: clock.clone(),
            owed: owed.clone(),
            wakes: is_shared.then(|| signal::kind(name)),
            measure: metrics.stores.of(name),
            skew: skew::Skew { store: name, gauge: metrics.stores.skew(name), was_told: false },
            closing: None,
        };
        match storage {
            Storage::Files(_) | Storage::Postgres(_) => writer.spawn(name).map_err(OpenError::Thread)?,
            #[cfg(any(test, feature = "testing"))]
            Storage::Simulated(database) => drop(tokio::spawn(simulated::write(writer, database))),
        }
        let readers = Arc::new(pool::Pool::new(most_readers, readers, connect, condition.clone()));
        let metrics = metrics.clone();
        let opened_at = position;
        let inner = Inner {
            orders,
            readers,
            condition,
            owed,
            opened_at,
            retain,
            clock,
            bus,
            name,
            is_shared,
            metrics,
        };
        Ok(Self { inner: Arc::new(inner) })
    }
}
