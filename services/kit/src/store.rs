//! The store of a service: SQLite in a file, or PostgreSQL where more than one process has it. One writer commits in groups, and
//! a pool of readers looks.
//!
//! A write is a closure that runs on the writer's thread inside a savepoint of the current group. It is answered once the
//! group's COMMIT is on the disk, and only then are the events that it appended published. What holds on both engines:
//!
//! * an answer of `Ok` means fsynced;
//! * a job that fails takes back its own effects and nobody else's;
//! * jobs run as if there were no others, also among processes;
//! * when the group cannot be committed, each of its jobs gets [`Error::Unavailable`] and nothing is published;
//! * after an I/O error or damage the store is broken: no write is taken until the process is started again.
//!
//! `options` and `open` are how one is had. What a job sees is [`Tx`] and [`Reader`], with `value` and `row`. `writer`, `job` and
//! `batch` are the group commit, `pool` the readers, `engine` what both need of a database: `sqlite` and `postgres`. `schema` and
//! `migrate` are its tables, `log`, `owed`, `line` and `lease` the SQL of the kit's own, `signal` how others hear of what is
//! owed, `condition` its health.

use std::{sync::Arc, time::Duration};

use causeway_proto::time::Clock;
use tokio::sync::{
    mpsc::{self, error::TrySendError},
    oneshot, watch,
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

pub use self::{
    checksum::checksum,
    engine::Dialect,
    options::{Storage, StoreOptions},
    postgres::{
        Inspection, Moved, Postgres, PostgresError, Progress, Tables, TablesState, TransferError, Unusable,
        WrongUrl, transfer,
    },
    reader::Reader,
    refusal::OpenError,
    row::Row,
    schema::{Migration, Schema},
    tx::Tx,
    value::{FromValue, Mismatch, Params, ToValue, Value},
};
pub use crate::params;
use crate::{bus::Bus, error::Error, metrics::Metrics};

mod batch;
mod checksum;
mod condition;
mod digest;
mod engine;
mod job;
pub(crate) mod lease;
pub(crate) mod line;
pub(crate) mod listing;
pub(crate) mod log;
pub(crate) mod measure;
mod migrate;
mod open;
mod options;
pub(crate) mod owed;
mod pool;
mod postgres;
mod reader;
mod refusal;
mod row;
mod schema;
pub(crate) mod signal;
#[cfg(any(test, feature = "testing"))]
pub mod simulated;
mod skew;
mod sqlite;
#[cfg(test)]
pub(crate) mod tests;
mod tx;
mod value;
mod writer;

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
    opened_at: i64,
    retain: Duration,
    clock: Clock,
    bus: Bus,
    name: &'static str,
    is_shared: bool,
    metrics: Metrics,
}

impl Store {
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
        self.queue(order).await?;
        answered.await.map_err(|_| closed())?
    }

    /// Puts an order into the writer's queue. Where that is full, it waits in a task of its own: room that came to a caller who
    /// does not look just then, or never again, would be kept from everybody.
    async fn queue(&self, order: writer::Order) -> Result<(), Error> {
        let Err(refused) = self.inner.orders.try_send(order) else { return Ok(()) };
        let TrySendError::Full(order) = refused else { return Err(closed()) };
        let orders = self.inner.orders.clone();
        let waiting = AbortOnDropHandle::new(tokio::spawn(async move { orders.send(order).await }));
        waiting.await.map_err(|_| closed())?.map_err(|_| closed())
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

    /// Whether the store can be written. False while the disk is full or the database away, and for good once it is broken or
    /// closed.
    pub fn health(&self) -> watch::Receiver<bool> {
        self.inner.condition.watch()
    }

    /// Cancelled when the store takes no more writes: when what is on the disk cannot be trusted, or it is closed.
    pub fn broken(&self) -> CancellationToken {
        self.inner.condition.broken()
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
            tx.execute(sql, [tx.now_micros()])
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

    /// Whether other processes may have the store as well. Where they may, each piece of work in the background has one owner by a
    /// [`crate::lease`], and what they owe or change is looked for from time to time.
    pub fn is_shared(&self) -> bool {
        self.inner.is_shared
    }

    /// Where its events are published; wakes of other processes that have the store come over it too.
    pub fn bus(&self) -> &Bus {
        &self.inner.bus
    }

    /// What it is called: `chat`.
    pub fn name(&self) -> &'static str {
        self.inner.name
    }

    /// Position of the last event in the log when the store was opened.
    pub(crate) fn opened_at(&self) -> i64 {
        self.inner.opened_at
    }

    /// Comes after each commit that owed something, whichever process it was in.
    pub(crate) fn owed(&self) -> signal::OwedSignal {
        let elsewhere = self.inner.is_shared.then(|| self.inner.bus.wakes(&signal::kind(self.inner.name)));
        signal::OwedSignal { here: self.inner.owed.subscribe(), elsewhere }
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
