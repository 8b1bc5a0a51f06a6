//! The readers: a few connections that cannot write, used by one job each at a time.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Reader, condition::Condition, open::Lock};
use crate::error::Error;

pub(super) struct Pool {
    idle: Mutex<Vec<Connection>>,
    free: Arc<Semaphore>,
    condition: Arc<Condition>,
    /// Held so that nobody else opens the database while a reader has it.
    _lock: Arc<Lock>,
}

/// A connection on loan; it goes back when this is dropped, also by a panic.
struct Loan {
    pool: Arc<Pool>,
    connection: Option<Connection>,
    _permit: OwnedSemaphorePermit,
}

impl Pool {
    pub(super) fn new(connections: Vec<Connection>, condition: Arc<Condition>, lock: Arc<Lock>) -> Self {
        let free = Arc::new(Semaphore::new(connections.len()));
        Self { idle: Mutex::new(connections), free, condition, _lock: lock }
    }

    pub(super) async fn read<T, J>(self: &Arc<Self>, job: J) -> Result<T, Error>
    where
        T: Send + 'static,
        J: FnOnce(&Reader<'_>) -> Result<T, Error> + Send + 'static,
    {
        let permit = self.free.clone().acquire_owned().await.map_err(|_| super::closed())?;
        let mut loan = Loan { connection: self.take(), pool: self.clone(), _permit: permit };
        let read = tokio::task::spawn_blocking(move || loan.run(job));
        match read.await {
            Ok(result) => result,
            Err(failed) if failed.is_panic() => Err(Error::internal("a read job panicked")),
            Err(_) => Err(super::closed()),
        }
    }

    fn take(&self) -> Option<Connection> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn give_back(&self, connection: Connection) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }
}

impl Loan {
    /// Runs `job` in a read transaction, so that its statements see one state.
    fn run<T>(&mut self, job: impl FnOnce(&Reader<'_>) -> Result<T, Error>) -> Result<T, Error> {
        let Some(connection) = &self.connection else { return Err(super::closed()) };
        let reader = Reader::new(connection, &self.pool.condition);
        let control = |sql| connection.prepare_cached(sql)?.execute([]);
        control("BEGIN").map_err(|error| reader.failed(error))?;
        let result = job(&reader);
        control("COMMIT").map_err(|error| reader.failed(error))?;
        result
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        if !connection.is_autocommit() {
            // A job that panicked left its read transaction open; one that stays open would keep the WAL from shrinking.
            let _ = connection.execute_batch("ROLLBACK");
        }
        self.pool.give_back(connection);
    }
}
