//! The readers: a few connections that do not write, used by one job each at a time.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinError,
};
use tokio_util::task::AbortOnDropHandle;

use super::{
    Reader,
    condition::Condition,
    engine::{Connect, Failure, Session},
};
use crate::error::Error;

pub(super) struct Pool {
    idle: Mutex<Vec<Box<dyn Session>>>,
    free: Arc<Semaphore>,
    condition: Arc<Condition>,
    connect: Box<dyn Connect>,
}

/// A connection on loan; it goes back when this is dropped, also by a panic.
struct Loan {
    pool: Arc<Pool>,
    session: Option<Box<dyn Session>>,
    _permit: OwnedSemaphorePermit,
}

impl Pool {
    /// At most `size` connections, the first of which are those that are open.
    pub(super) fn new(
        size: usize,
        open: Vec<Box<dyn Session>>,
        connect: Box<dyn Connect>,
        condition: Arc<Condition>,
    ) -> Self {
        Self { idle: Mutex::new(open), free: Arc::new(Semaphore::new(size)), condition, connect }
    }

    /// Runs a job when it is its turn. It waits for that in a task of its own: a turn that came to a caller who does not look
    /// just then, or never again, would be kept from everybody.
    pub(super) async fn read<T, J>(self: &Arc<Self>, job: J) -> Result<T, Error>
    where
        T: Send + 'static,
        J: FnOnce(&Reader<'_>) -> Result<T, Error> + Send + 'static,
    {
        let read = AbortOnDropHandle::new(tokio::spawn(self.clone().carry_out(job)));
        read.await.unwrap_or_else(unfinished)
    }

    async fn carry_out<T, J>(self: Arc<Self>, job: J) -> Result<T, Error>
    where
        T: Send + 'static,
        J: FnOnce(&Reader<'_>) -> Result<T, Error> + Send + 'static,
    {
        let permit = self.free.clone().acquire_owned().await.map_err(|_| super::closed())?;
        let mut loan = Loan { session: self.take(), pool: self.clone(), _permit: permit };
        if let Some(delay) = self.connect.simulated_delay() {
            tokio::time::sleep(delay).await;
            return loan.run(job);
        }
        tokio::task::spawn_blocking(move || loan.run(job)).await.unwrap_or_else(unfinished)
    }

    fn take(&self) -> Option<Box<dyn Session>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn give_back(&self, session: Box<dyn Session>) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(session);
    }
}

/// What is answered when a job did not come to its end: it panicked, or the runtime stops.
fn unfinished<T>(failed: JoinError) -> Result<T, Error> {
    Err(if failed.is_panic() { Error::internal("a read job panicked") } else { super::closed() })
}

impl Loan {
    /// Runs `job` in a read transaction, so that its statements see one state.
    fn run<T>(&mut self, job: impl FnOnce(&Reader<'_>) -> Result<T, Error>) -> Result<T, Error> {
        let pool = self.pool.clone();
        let failed = |failure: Failure| pool.condition.failed(failure);
        let session = self.begin().map_err(failed)?;
        let result = job(&Reader::new(session.statements(), &pool.condition));
        session.end().map_err(failed)?;
        result
    }

    /// A connection with a transaction. One that was lost while it was idle is replaced.
    fn begin(&mut self) -> Result<&mut Box<dyn Session>, Failure> {
        let mut session = match self.session.take() {
            Some(session) => session,
            None => self.pool.connect.connect()?,
        };
        if let Err(failure) = session.begin() {
            if session.recover() {
                self.session = Some(session);
                return Err(failure);
            }
            session = self.pool.connect.connect()?;
            session.begin()?;
        }
        Ok(self.session.insert(session))
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        // A job that panicked left its read transaction open; one that stays open would keep the database from tidying up.
        if let Some(mut session) = self.session.take()
            && session.recover()
        {
            self.pool.give_back(session);
        }
    }
}
