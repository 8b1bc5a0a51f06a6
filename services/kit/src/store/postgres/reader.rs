//! A reader's connection to PostgreSQL.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::{
    failure::PostgresError,
    server::Postgres,
    session::{Session, TRANSACTION},
};
use crate::store::engine::{self, Connect, Failure, Statements};

/// After a connection that could not be made, none is tried for this long.
const PAUSE: Duration = Duration::from_millis(300);
/// A connection that was idle for this long may have been lost meanwhile, which is found out before it is used.
const IDLE: Duration = Duration::from_secs(1);

/// Opens connections of one store, not too often.
pub(super) struct Connector {
    server: Postgres,
    name: &'static str,
    failed: Mutex<Option<Instant>>,
}

struct Reader {
    session: Session,
    used: Instant,
    is_open: bool,
}

impl Connector {
    pub(super) fn new(server: Postgres, name: &'static str) -> Self {
        Self { server, name, failed: Mutex::default() }
    }

    /// A connection. Fails at once when one failed just now.
    pub(super) fn open(&self, until: Instant) -> Result<Session, PostgresError> {
        let failed = *self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if failed.is_some_and(|at| at.elapsed() < PAUSE) {
            return Err(PostgresError::Away);
        }
        let opened = Session::connect(&self.server, self.name, until);
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) =
            opened.as_ref().err().map(|_| Instant::now());
        opened
    }
}

impl Connect for Connector {
    fn connect(&self) -> Result<Box<dyn engine::Session>, Failure> {
        let session = self.open(Instant::now() + TRANSACTION)?;
        Ok(Box::new(Reader { session, used: Instant::now(), is_open: false }))
    }
}

impl engine::Session for Reader {
    fn statements(&self) -> &dyn Statements {
        &self.session
    }

    fn begin(&mut self) -> Result<(), Failure> {
        self.is_open = true;
        let until = Instant::now() + TRANSACTION;
        self.session.begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", until)?;
        if self.used.elapsed() > IDLE {
            self.session.settle()?;
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), Failure> {
        self.session.send("COMMIT", &[])?;
        // That it ended, whoever is next will hear with the answer to the first question.
        self.session.push()?;
        (self.used, self.is_open) = (Instant::now(), false);
        Ok(())
    }

    fn recover(&mut self) -> bool {
        if std::mem::take(&mut self.is_open) && !self.session.is_lost() {
            let _ = self.session.settle();
            return self.session.raw("ROLLBACK").is_ok();
        }
        !self.session.is_lost()
    }
}
