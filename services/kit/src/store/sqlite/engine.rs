//! The writer's connection to SQLite.

use std::{sync::Arc, time::Duration};

use rusqlite::Connection;

use super::{
    folder::{self, Folder},
    mark::Mark,
    open::Lock,
};
use crate::store::engine::{Begun, Engine, Failure, Standing, Statements};

/// At most this many jobs share a commit. More would make the first wait longer without saving much.
const GROUP: usize = 256;

/// A database file as its one writer has it.
pub(crate) struct Sqlite {
    connection: Connection,
    folder: Folder,
    mark: Mark,
    lock: Arc<Lock>,
}

impl Sqlite {
    pub(super) fn new(connection: Connection, folder: Folder, mark: Mark, lock: Arc<Lock>) -> Self {
        Self { connection, folder, mark, lock }
    }

    fn control(&self, sql: &'static str) -> Result<(), Failure> {
        Ok(self.connection.prepare_cached(sql)?.execute([]).map(drop)?)
    }
}

impl Engine for Sqlite {
    fn group(&self) -> usize {
        GROUP
    }

    fn begin(&mut self) -> Result<Begun, Failure> {
        self.control("BEGIN IMMEDIATE")?;
        Ok(Begun { position: None, now: None })
    }

    fn statements(&self) -> &dyn Statements {
        &self.connection
    }

    fn standing(&self) -> Standing {
        // A statement that fails takes back what it did itself, and nothing else; unless that failure is a large one.
        if self.connection.is_autocommit() { Standing::Gone } else { Standing::Sound }
    }

    fn commit(&mut self, events: usize) -> Result<(), Failure> {
        self.control("COMMIT")?;
        self.mark.add(events as u64);
        Ok(())
    }

    fn rollback(&mut self) -> Result<(), Failure> {
        if self.connection.is_autocommit() { Ok(()) } else { self.control("ROLLBACK") }
    }

    fn committed(&mut self) {
        self.folder.committed();
    }

    fn tidy(&mut self) -> Result<(), Failure> {
        Ok(folder::fold_rest(&self.connection)?)
    }

    fn close(self: Box<Self>) {
        let Self { connection, folder, mark, lock } = *self;
        folder.end();
        // Leaves an empty WAL behind, so that a backup of the one file is whole. Readers may be in the way for a moment.
        let _ = connection.busy_timeout(Duration::from_millis(200));
        let is_busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
        match is_busy {
            Ok(0) => {}
            Ok(_) => tracing::warn!("the log of the database was not folded into it: somebody still reads"),
            Err(error) => tracing::warn!(%error, "the log of the database was not folded into it"),
        }
        mark.sync();
        drop(connection);
        drop(lock);
    }
}
