//! The writer's thread: takes what is queued, runs it in one transaction, commits, publishes, answers.

use std::{io, sync::Arc, thread, time::Instant};

use causeway_proto::time::Clock;
use tokio::sync::{mpsc, oneshot, watch};

use super::{
    Reader, Tx,
    batch::Batch,
    condition::Condition,
    engine::{Engine, Failure, Savepoint, Standing},
    job::Job,
    measure::StoreMeasure,
    skew::Skew,
};
use crate::{bus::Bus, error::Error};

/// What the thread is asked to do.
pub(super) enum Order {
    Job(Box<dyn Job>),
    /// What [`Engine::tidy`] does.
    Tidy,
    /// Stop, and drop the sender when everything is closed.
    Close(oneshot::Sender<()>),
}

pub(super) struct Writer {
    pub(super) engine: Box<dyn Engine>,
    pub(super) queue: mpsc::Receiver<Order>,
    pub(super) batch: Batch,
    pub(super) condition: Arc<Condition>,
    pub(super) bus: Bus,
    pub(super) clock: Clock,
    pub(super) owed: watch::Sender<()>,
    /// What outboxes of other processes that have the store are woken by.
    pub(super) wakes: Option<String>,
    pub(super) measure: StoreMeasure,
    pub(super) skew: Skew,
    /// Who waits for the end, once somebody does.
    pub(super) closing: Option<oneshot::Sender<()>>,
}

/// Notices the end of the thread, also by a panic.
struct Watch(Arc<Condition>);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.ended();
    }
}

/// A group that was not committed.
pub(super) struct Lost {
    /// What its jobs are told.
    told: fn() -> Error,
    /// Whether the database could not even be asked.
    is_away: bool,
}

/// Why a group was not committed.
enum Abandoned {
    /// There is no database to be had.
    NotBegun(Failure),
    /// The database took the transaction back under a job, whose error says why.
    RolledBack,
    Failed(Failure),
}

impl From<Failure> for Abandoned {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
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
        let limit = self.engine.group();
        let mut group = Vec::with_capacity(limit);
        let mut tidy = false;
        while self.closing.is_none()
            && let Some(order) = self.queue.blocking_recv()
        {
            let mut next = Some(order);
            while let Some(order) = next.take() {
                match order {
                    Order::Job(job) => group.push(job),
                    Order::Tidy => tidy = true,
                    Order::Close(done) => self.closing = Some(done),
                }
                if self.closing.is_none() && group.len() < limit {
                    next = self.queue.try_recv().ok();
                }
            }
            self.carry_out(&mut group);
            if std::mem::take(&mut tidy)
                && let Err(failure) = self.engine.tidy()
            {
                drop(self.condition.failed(failure));
            }
        }
        let (condition, closing) = (self.condition.clone(), self.closing.take());
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
        let (started, before) = (Instant::now(), self.engine.round_trips());
        let outcome = self.commit(group);
        // A new connection counts from the beginning.
        let round_trips = self.engine.round_trips().saturating_sub(before);
        self.measure.group(group.len(), started.elapsed(), round_trips, outcome.is_ok());
        self.settle(group, outcome);
    }

    /// Tells everybody what came of a group.
    pub(super) fn settle(&mut self, group: &mut Vec<Box<dyn Job>>, outcome: Result<(), Lost>) {
        match outcome {
            Ok(()) => {
                self.announce();
                self.engine.committed();
                group.drain(..).for_each(|job| job.settle(None));
            }
            Err(lost) => {
                group.drain(..).for_each(|job| job.settle(Some((lost.told)())));
                if lost.is_away {
                    self.refuse_those_who_wait(lost.told);
                }
            }
        }
    }

    /// Whoever waited behind a group that had to wait for the database is told the same, instead of waiting as long again.
    fn refuse_those_who_wait(&mut self, told: fn() -> Error) {
        let waiting = self.queue.len();
        for _ in 0..waiting {
            match self.queue.try_recv() {
                Ok(Order::Job(job)) => job.settle(Some(told())),
                Ok(Order::Tidy) => {}
                Ok(Order::Close(done)) => self.closing = Some(done),
                Err(_) => return,
            }
        }
    }

    /// Commits a group; when that fails, what its jobs are told.
    pub(super) fn commit(&mut self, group: &mut [Box<dyn Job>]) -> Result<(), Lost> {
        let broken = Lost { told: super::condition::broken, is_away: false };
        if self.condition.is_broken() {
            return Err(broken);
        }
        let Err(abandoned) = self.transaction(group) else { return Ok(()) };
        let is_away = matches!(abandoned, Abandoned::NotBegun(_));
        // What the jobs are told is said below; this is for health.
        match abandoned {
            Abandoned::NotBegun(failure) => drop(self.condition.failed(failure)),
            Abandoned::Failed(failure) => {
                // Once, and not for each group that follows while the disk is full.
                if self.condition.is_well() {
                    tracing::error!(error = %failure, jobs = group.len(), "a group of writes could not be committed");
                }
                drop(self.condition.failed(failure));
            }
            Abandoned::RolledBack => {}
        }
        if let Err(failure) = self.engine.rollback() {
            drop(self.condition.failed(failure));
        }
        Err(if self.condition.is_broken() { broken } else { Lost { told: not_stored, is_away } })
    }

    fn transaction(&mut self, group: &mut [Box<dyn Job>]) -> Result<(), Abandoned> {
        let begun = self.engine.begin().map_err(Abandoned::NotBegun)?;
        if let Some(now) = begun.now {
            self.skew.look(&self.clock, now);
        }
        self.batch.begin(self.clock.now_micros(), begun.position);
        if let [job] = group {
            // What is alone needs no savepoint, which costs a copy of each page that it changes.
            if self.run_job(job.as_mut())? {
                return Ok(self.engine.commit(self.batch.events.len())?);
            }
            self.batch.take_back(0);
            return Ok(self.engine.rollback()?);
        }
        for job in group {
            self.savepoint(Savepoint::Set)?;
            let published = self.batch.events.len();
            if !self.run_job(job.as_mut())? {
                self.savepoint(Savepoint::GoBack)?;
                self.batch.take_back(published);
            }
            self.savepoint(Savepoint::Release)?;
        }
        Ok(self.engine.commit(self.batch.events.len())?)
    }

    /// Runs a job; whether its effects are to be kept.
    fn run_job(&mut self, job: &mut dyn Job) -> Result<bool, Abandoned> {
        let mut tx = Tx::new(Reader::new(self.engine.statements(), &self.condition), &mut self.batch);
        let keep = job.run(&mut tx);
        match self.engine.standing() {
            Standing::Sound => Ok(keep),
            Standing::Spoilt if !keep => Ok(false),
            // A job that goes on over a statement that failed has done something else than it says.
            Standing::Spoilt | Standing::Gone => Err(Abandoned::RolledBack),
        }
    }

    fn savepoint(&self, step: Savepoint) -> Result<(), Failure> {
        self.engine.statements().savepoint(step)
    }

    /// Tells subscribers and outboxes what was committed, in the order of the log.
    fn announce(&mut self) {
        self.bus.publish(&self.batch.events);
        self.batch.events.clear();
        if self.batch.owed {
            self.owed.send_replace(());
            if let Some(kind) = &self.wakes {
                self.bus.wake(kind);
            }
        }
    }

    pub(super) fn close(self) {
        let Self { engine, mut queue, .. } = self;
        // What is still queued is answered by dropping it.
        queue.close();
        while queue.try_recv().is_ok() {}
        engine.close();
    }
}

fn not_stored() -> Error {
    Error::unavailable("it could not be stored")
}
