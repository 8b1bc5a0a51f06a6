//! A reader's connection to SQLite.

use std::{path::PathBuf, sync::Arc};

use rusqlite::Connection;

use super::open::{self, Lock};
use crate::store::engine::{Connect, Failure, Session, Statements};

/// Opens readers of a file that is locked.
pub(super) struct Readers {
    pub(super) path: PathBuf,
    /// Held so that nobody else opens the database while a reader has it.
    pub(super) lock: Arc<Lock>,
}

struct Reader {
    connection: Connection,
    _lock: Arc<Lock>,
}

impl Connect for Readers {
    fn connect(&self) -> Result<Box<dyn Session>, Failure> {
        Ok(Box::new(Reader { connection: open::reader(&self.path)?, _lock: self.lock.clone() }))
    }
}

impl Reader {
    fn control(&self, sql: &'static str) -> Result<(), Failure> {
        Ok(self.connection.prepare_cached(sql)?.execute([]).map(drop)?)
    }
}

impl Session for Reader {
    fn statements(&self) -> &dyn Statements {
        &self.connection
    }

    fn begin(&mut self) -> Result<(), Failure> {
        self.control("BEGIN")
    }

    fn end(&mut self) -> Result<(), Failure> {
        self.control("COMMIT")
    }

    fn recover(&mut self) -> bool {
        self.connection.is_autocommit() || self.control("ROLLBACK").is_ok()
    }
}
