//! Folds the write-ahead log into the database, on a thread and a connection of its own: a commit waits for the fsync of its
//! own pages, and not for that of the thousands that came before it.
//!
//! The last few pages are folded by the writer between two groups, so that the next commit starts the log from its beginning.
//! Were they folded here, the writer would find the database locked, and SQLite waits for a lock by sleeping, up to 100 ms.

use std::{
    io,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use rusqlite::Connection;
use tokio::sync::mpsc::WeakSender;

use crate::store::{condition::Condition, writer::Order};

/// The log is folded at this many pages, 32 MiB: seldom enough to be cheap, often enough that a start after a crash reads it
/// within a second.
const FULL: i64 = 8192;

/// How often the length of the log is looked at, while something is written.
const PAUSE: Duration = Duration::from_millis(100);

/// The running thread, as the writer knows it.
pub(super) struct Folder {
    committed: SyncSender<()>,
    thread: JoinHandle<()>,
}

impl Folder {
    /// Takes over a connection that may write; `writer` is asked to fold what is left.
    pub(super) fn spawn(
        connection: Connection,
        writer: WeakSender<Order>,
        condition: Arc<Condition>,
        name: &str,
    ) -> io::Result<Self> {
        let (committed, commits) = sync_channel(1);
        let thread = thread::Builder::new()
            .name(format!("{name}-folder"))
            .spawn(move || run(&connection, &commits, &writer, &condition))?;
        Ok(Self { committed, thread })
    }

    /// Something was written.
    pub(super) fn committed(&self) {
        // When it has not looked since the last time, it will.
        let _ = self.committed.try_send(());
    }

    /// Ends the thread and waits for it.
    pub(super) fn end(self) {
        drop(self.committed);
        if self.thread.join().is_err() {
            tracing::error!("the thread that folds the log of the database panicked");
        }
    }
}

fn run(connection: &Connection, commits: &Receiver<()>, writer: &WeakSender<Order>, condition: &Condition) {
    while commits.recv().is_ok() {
        match fold_most(connection) {
            Ok(true) => {
                if let Some(writer) = writer.upgrade() {
                    // A writer that has ended folds everything by itself.
                    let _ = writer.blocking_send(Order::Tidy);
                }
            }
            Ok(false) => {}
            // This is for health; nobody waits for an answer.
            Err(error) => drop(condition.failed(error.into())),
        }
        thread::sleep(PAUSE);
    }
}

/// Copies what a long log holds while the writer goes on; false when the log is short.
fn fold_most(connection: &Connection) -> rusqlite::Result<bool> {
    if pages(connection, "NOOP")? < FULL {
        return Ok(false);
    }
    pages(connection, "PASSIVE").map(|_| true)
}

/// Copies what was committed meanwhile; only between two transactions of the writer's own connection. When a reader is in
/// the way, there is a next time.
pub(super) fn fold_rest(writer: &Connection) -> rusqlite::Result<()> {
    pages(writer, "PASSIVE").map(drop)
}

/// Checkpoints in this mode, and returns how many pages the log had; -1 when another checkpoint is under way.
fn pages(connection: &Connection, mode: &str) -> rusqlite::Result<i64> {
    connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| row.get(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_log_is_folded_and_starts_again() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("test.db");
        let open = || {
            let connection = Connection::open(&path).unwrap();
            connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0").unwrap();
            connection
        };
        let (writer, folder) = (open(), open());
        writer.execute_batch("CREATE TABLE t (x BLOB)").unwrap();
        assert!(!fold_most(&folder).unwrap(), "a short log stays");
        while pages(&folder, "NOOP").unwrap() < FULL {
            writer.execute("INSERT INTO t VALUES (zeroblob(2000000))", []).unwrap();
        }
        assert!(fold_most(&folder).unwrap());
        writer.execute("INSERT INTO t VALUES (zeroblob(1))", []).unwrap();
        fold_rest(&writer).unwrap();
        writer.execute("INSERT INTO t VALUES (1)", []).unwrap();
        assert!(pages(&folder, "NOOP").unwrap() < 10, "the log starts from its beginning");
    }

    #[test]
    fn a_log_that_cannot_be_looked_at_now_is_no_failure() {
        // A database without such a log says what SQLite says while another checkpoint is under way: -1 pages.
        let connection = Connection::open_in_memory().unwrap();
        assert_eq!(pages(&connection, "PASSIVE"), Ok(-1));
        assert!(!fold_most(&connection).unwrap());
        fold_rest(&connection).unwrap();
    }
}
