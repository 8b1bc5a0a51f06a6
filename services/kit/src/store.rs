//! The embedded store: SQLite with one writer that commits in groups, and a pool of readers.
//!
//! A write is a closure that runs on the writer's thread inside a savepoint of the current group. It is answered once the
//! group's COMMIT is on the disk, and only then are the events that it appended published. What holds:
//!
//! * an answer of `Ok` means fsynced (WAL, `synchronous = FULL`);
//! * a job that fails takes back its own effects and nobody else's;
//! * when the group cannot be committed, each of its jobs gets [`Error::Unavailable`] and nothing is published;
//! * after an I/O error or damage the store is broken: no write is taken until the process is started again.
//!
//! The files: `open` (files, lock, pragmas), `migrate` (schema), `writer` and `job` (the group commit), `tx` and `reader` (what
//! a job sees), `pool` (readers), `log`, `owed` and `line` (the SQL of the kit's own tables), `condition` (health).

use std::{path::PathBuf, sync::Arc, time::Duration};

use causeway_proto::time::Clock;
pub use rusqlite::{OptionalExtension, Row, params};
use tokio::sync::{mpsc, oneshot, watch};

use crate::{bus::Bus, error::Error, metrics::Metrics};

mod batch;
mod condition;
mod folder;
mod job;
pub(crate) mod line;
pub(crate) mod listing;
pub(crate) mod log;
pub(crate) mod measure;
mod migrate;
mod open;
pub(crate) mod owed;
mod pool;
mod reader;
#[cfg(test)]
pub(crate) mod tests;
mod tx;
mod writer;

pub use open::OpenError;
pub use reader::Reader;
pub use tx::Tx;

/// How many write jobs may wait; a caller beyond that waits for room.
const QUEUE: usize = 1024;

/// One step of a schema.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// From 1, without a gap.
    pub version: u32,
    /// What it does, in a word.
    pub name: &'static str,
    /// Statements, separated by semicolons.
    pub sql: &'static str,
}

/// Where and how a store is opened.
pub struct StoreOptions {
    /// The database file. Its folder exists.
    pub path: PathBuf,
    /// Stands in errors and metrics: `chat`.
    pub name: &'static str,
    /// The service's schema; the kit's own tables (`topic`, `event`, `outbox`, `heartbeat`, `migration`) come first.
    pub migrations: &'static [Migration],
    /// The wall clock.
    pub clock: Clock,
    /// Where appended events are published.
    pub bus: Bus,
    /// How long events are kept in the log.
    pub retain: Duration,
}

/// A store. Cloning is cheap; the database is closed by [`Store::close`] or with the last clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    orders: mpsc::Sender<writer::Order>,
    readers: Arc<pool::Pool>,
    condition: Arc<condition::Condition>,
    owed: watch::Sender<()>,
    retain: Duration,
    clock: Clock,
    metrics: Metrics,
}

impl Store {
    /// Opens the database, takes its lock, and brings its schema up to date. Blocks on the disk; for start-up.
    pub fn open(options: StoreOptions, metrics: &Metrics) -> Result<Self, OpenError> {
        let opened = open::open(&options)?;
        let condition = Arc::new(condition::Condition::new(options.name));
        let (orders, queue) = mpsc::channel(QUEUE);
        let folder =
            folder::Folder::spawn(opened.folder, orders.downgrade(), condition.clone(), options.name);
        let owed = watch::Sender::new(());
        let writer = writer::Writer {
            connection: opened.writer,
            folder: folder.map_err(OpenError::Thread)?,
            queue,
            batch: batch::Batch::after(opened.position),
            condition: condition.clone(),
            bus: options.bus,
            clock: options.clock.clone(),
            owed: owed.clone(),
            measure: metrics.stores.of(options.name),
            lock: opened.lock.clone(),
        };
        writer.spawn(options.name).map_err(OpenError::Thread)?;
        let readers = Arc::new(pool::Pool::new(opened.readers, condition.clone(), opened.lock));
        let inner = Inner {
            orders,
            readers,
            condition,
            owed,
            retain: options.retain,
            clock: options.clock,
            metrics: metrics.clone(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Runs `job` on the writer, and answers once its effects are on the disk. When `job` fails, its effects are taken back
    /// and its error is answered. [`Error::Unavailable`] when it could not be stored.
    ///
    /// Dropping the future does not take the job back once it is queued.
    pub async fn write<T, J>(&self, job: J) -> Result<T, Error>
    where
        T: Send + 'static,
        J: FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    {
        if self.inner.condition.is_broken() {
            return Err(condition::broken());
        }
        let (answer, answered) = oneshot::channel();
        let order = writer::Order::Job(Box::new(job::Pending::new(job, answer)));
        self.inner.orders.send(order).await.map_err(|_| closed())?;
        answered.await.map_err(|_| closed())?
    }

    /// Runs `job` on one of the readers; waits while all are busy. All its statements see one state, which holds every
    /// write that was answered before.
    pub async fn read<T, J>(&self, job: J) -> Result<T, Error>
    where
        T: Send + 'static,
        J: FnOnce(&Reader<'_>) -> Result<T, Error> + Send + 'static,
    {
        self.inner.readers.read(job).await
    }

    /// Whether the store can be written. False while the disk is full, and for good once it is broken or closed.
    pub fn health(&self) -> watch::Receiver<bool> {
        self.inner.condition.watch()
    }

    /// Finishes the queued writes and closes the database; answers when it is done. Later writes get
    /// [`Error::Unavailable`].
    pub async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.inner.orders.send(writer::Order::Close(done)).await.is_ok() {
            // The sender is dropped in any case when the thread ends.
            let _ = closed.await;
        }
    }

    /// Writes a little when the last write failed, so that the store turns healthy once there is room again.
    pub(crate) async fn probe(&self) {
        if self.inner.condition.is_well() || self.inner.condition.is_broken() {
            return;
        }
        let written = self.write(|tx| {
            let sql = "INSERT INTO heartbeat (id, at) VALUES (1, ?1) ON CONFLICT (id) DO UPDATE SET at = excluded.at";
            tx.execute(sql, params![tx.now_micros()])
        });
        if written.await.is_ok() {
            self.inner.condition.recovered();
        }
    }

    /// Drops events that are older than what is retained. A few at a time, so that writes get in between.
    pub(crate) async fn trim(&self) -> Result<(), Error> {
        let retain = i64::try_from(self.inner.retain.as_micros()).unwrap_or(i64::MAX);
        let before = self.inner.clock.now_micros().saturating_sub(retain);
        while self.write(move |tx| log::trim(tx, before)).await? {}
        Ok(())
    }

    /// Changes after each commit that owed something.
    pub(crate) fn owed(&self) -> watch::Receiver<()> {
        self.inner.owed.subscribe()
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }
}

fn closed() -> Error {
    Error::unavailable("the store is closed")
}
