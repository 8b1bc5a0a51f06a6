//! The writer's thread: takes what is queued, runs it in one transaction, commits, publishes, answers.

use std::{
    io,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use causeway_proto::time::Clock;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};

use super::{
    Reader, Tx,
    batch::Batch,
    condition::Condition,
    folder::{self, Folder},
    job::Job,
    measure::StoreMeasure,
    open::Lock,
};
use crate::{bus::Bus, error::Error};

/// At most this many jobs share a commit. More would make the first wait longer without saving much.
const GROUP: usize = 256;

/// What the thread is asked to do.
pub(super) enum Order {
    Job(Box<dyn Job>),
    /// Fold the little of the log that [`Folder`] left over.
    FoldRest,
    /// Stop, and drop the sender when everything is closed.
    Close(oneshot::Sender<()>),
}

pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) folder: Folder,
    pub(super) queue: mpsc::Receiver<Order>,
    pub(super) batch: Batch,
    pub(super) condition: Arc<Condition>,
    pub(super) bus: Bus,
    pub(super) clock: Clock,
    pub(super) owed: watch::Sender<()>,
    pub(super) measure: StoreMeasure,
    pub(super) lock: Arc<Lock>,
}

/// Notices the end of the thread, also by a panic.
struct Watch(Arc<Condition>);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.ended();
    }
}

/// Why a group was not committed.
enum Abandoned {
    /// SQLite rolled the transaction back under a job, whose error says why.
    RolledBack,
    Failed(rusqlite::Error),
}

impl From<rusqlite::Error> for Abandoned {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error)
    }
}

impl Writer {
    /// The thread ends when every [`super::Store`] is dropped or one of them is closed.
    pub(super) fn spawn(self, name: &str) -> io::Result<()> {
        let watch = Watch(self.condition.clone());
        let thread = move || {
            let _watch = watch;
            self.run();
        };
        thread::Builder::new().name(format!("{name}-writer")).spawn(thread).map(drop)
    }

    fn run(mut self) {
        let mut group = Vec::with_capacity(GROUP);
        let (mut closing, mut fold_rest) = (None, false);
        while closing.is_none()
            && let Some(order) = self.queue.blocking_recv()
        {
            let mut next = Some(order);
            while let Some(order) = next.take() {
                match order {
                    Order::Job(job) => group.push(job),
                    Order::FoldRest => fold_rest = true,
                    Order::Close(done) => closing = Some(done),
                }
                if closing.is_none() && group.len() < GROUP {
                    next = self.queue.try_recv().ok();
                }
            }
            self.carry_out(&mut group);
            if std::mem::take(&mut fold_rest)
                && let Err(error) = folder::fold_rest(&self.connection)
            {
                drop(self.condition.failed(error));
            }
        }
        let condition = self.condition.clone();
        self.close();
        // Before whoever closed it hears that it is.
        condition.ended();
        drop(closing);
    }

    /// Runs a group and settles each of its jobs.
    fn carry_out(&mut self, group: &mut Vec<Box<dyn Job>>) {
        if group.is_empty() {
            return;
        }
        let started = Instant::now();
        let outcome = self.commit(group);
        self.measure.group(group.len(), started.elapsed(), outcome.is_ok());
        match outcome {
            Ok(()) => {
                self.announce();
                self.folder.committed();
                group.drain(..).for_each(|job| job.settle(None));
            }
            Err(lost) => group.drain(..).for_each(|job| job.settle(Some(lost()))),
        }
    }

    /// Commits a group; when that fails, what its jobs are told.
    fn commit(&mut self, group: &mut [Box<dyn Job>]) -> Result<(), fn() -> Error> {
        if self.condition.is_broken() {
            return Err(super::condition::broken);
        }
        let Err(abandoned) = self.transaction(group) else { return Ok(()) };
        if let Abandoned::Failed(error) = abandoned {
            tracing::error!(%error, jobs = group.len(), "a group of writes could not be committed");
            // What the jobs are told is said below; this is for health.
            drop(self.condition.failed(error));
        }
        if !self.connection.is_autocommit()
            && let Err(error) = self.control("ROLLBACK")
        {
            drop(self.condition.failed(error));
        }
        Err(if self.condition.is_broken() { super::condition::broken } else { not_stored })
    }

    fn transaction(&mut self, group: &mut [Box<dyn Job>]) -> Result<(), Abandoned> {
        self.control("BEGIN IMMEDIATE")?;
        self.batch.begin(self.clock.now_micros());
        if let [job] = group {
            // What is alone needs no savepoint, which costs a copy of each page that it changes.
            if self.run_job(job.as_mut())? {
                return Ok(self.control("COMMIT")?);
            }
            self.batch.begin(self.clock.now_micros());
            return Ok(self.control("ROLLBACK")?);
        }
        for job in group {
            self.control("SAVEPOINT job")?;
            let published = self.batch.events.len();
            if !self.run_job(job.as_mut())? {
                self.control("ROLLBACK TO job")?;
                self.batch.events.truncate(published);
            }
            self.control("RELEASE job")?;
        }
        Ok(self.control("COMMIT")?)
    }

    /// Runs a job; whether its effects are to be kept.
    fn run_job(&mut self, job: &mut dyn Job) -> Result<bool, Abandoned> {
        let mut tx = Tx::new(Reader::new(&self.connection, &self.condition), &mut self.batch);
        let keep = job.run(&mut tx);
        if self.connection.is_autocommit() { Err(Abandoned::RolledBack) } else { Ok(keep) }
    }

    /// Tells subscribers and outboxes what was committed, in the order of the log.
    fn announce(&mut self) {
        self.bus.publish(&self.batch.events);
        self.batch.events.clear();
        if self.batch.owed {
            self.owed.send_replace(());
        }
    }

    fn control(&self, sql: &'static str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.execute([]).map(drop)
    }

    fn close(self) {
        let Self { connection, folder, mut queue, lock, .. } = self;
        // What is still queued is answered by dropping it.
        queue.close();
        while queue.try_recv().is_ok() {}
        folder.end();
        // Leaves an empty WAL behind, so that a backup of the one file is whole. Readers may be in the way for a moment.
        let _ = connection.busy_timeout(Duration::from_millis(200));
        if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())) {
            tracing::warn!(%error, "the log of the database was not folded into it");
        }
        drop(connection);
        drop(lock);
    }
}

fn not_stored() -> Error {
    Error::unavailable("it could not be stored")
}
