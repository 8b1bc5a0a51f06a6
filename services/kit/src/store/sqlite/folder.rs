//! Folds the write-ahead log into the database, on a thread and a connection of its own: a commit waits for the fsync of its
//! own pages, and not for that of the thousands that came before it.
//!
//! The last few pages are folded by the writer between two groups, so that the next commit starts the log from its beginning.
//! Were they folded here, the writer would find the database locked, and SQLite waits for a lock by sleeping, up to 100 ms. Every
//! write waits for that, so what the writer finds is little: the log is gone through here until it hardly grows meanwhile, and
//! the database is synced here, which SQLite leaves to whoever folds the last page.

use std::{
    io,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use rusqlite::{Connection, ffi};
use tokio::sync::mpsc::WeakSender;

use super::open::Lock;
use crate::store::{condition::Condition, engine::Failure, writer::Order};

/// The log is folded at this many pages, 32 MiB: seldom enough to be cheap, often enough that a start after a crash reads it
/// within a second.
const FULL: i64 = 8192;

/// What may be left for the writer, in pages: about as much as a group of writes has.
const LITTLE: i64 = 128;

/// How often the log is gone through at most, should it grow as fast.
const PASSES: usize = 8;

/// How often the length of the log is looked at, while something is written.
const PAUSE: Duration = Duration::from_millis(100);

/// The running thread, as the writer knows it.
pub(super) struct Folder {
    committed: SyncSender<()>,
    thread: JoinHandle<()>,
}

impl Folder {
    /// Takes over a connection to a locked database that may write; `writer` is asked to fold what is left.
    pub(super) fn spawn(
        connection: Connection,
        lock: Arc<Lock>,
        writer: WeakSender<Order>,
        condition: Arc<Condition>,
        name: &str,
    ) -> io::Result<Self> {
        let (committed, commits) = sync_channel(1);
        let thread = thread::Builder::new()
            .name(format!("{name}-folder"))
            .spawn(move || run(&connection, &lock, &commits, &writer, &condition))?;
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

fn run(
    connection: &Connection,
    lock: &Lock,
    commits: &Receiver<()>,
    writer: &WeakSender<Order>,
    condition: &Condition,
) {
    while commits.recv().is_ok() {
        match fold_most(connection, lock) {
            Ok(true) => {
                if let Some(writer) = writer.upgrade() {
                    // A writer that has ended folds everything by itself.
                    let _ = writer.blocking_send(Order::Tidy);
                }
            }
            Ok(false) => {}
            // This is for health; nobody waits for an answer.
            Err(error) => drop(condition.failed(error)),
        }
        thread::sleep(PAUSE);
    }
}

/// Copies what a long log holds while the writer goes on; false when the log is short.
fn fold_most(connection: &Connection, lock: &Lock) -> Result<bool, Failure> {
    if pages(connection, "NOOP")? < FULL {
        return Ok(false);
    }
    let mut before = 0;
    for _ in 0..PASSES {
        let now = pages(connection, "PASSIVE")?;
        if now - before <= LITTLE {
            break;
        }
        lock.sync_database().map_err(unsynced)?;
        before = now;
    }
    Ok(true)
}

/// As SQLite says it of an fsync of its own.
fn unsynced(error: io::Error) -> Failure {
    let code = ffi::Error::new(ffi::SQLITE_IOERR_FSYNC);
    rusqlite::Error::SqliteFailure(code, Some(error.to_string())).into()
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
    use super::{super::open, *};

    #[test]
    fn a_long_log_is_folded_and_starts_again() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("test.db");
        let connect = || {
            let connection = Connection::open(&path).unwrap();
            connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0").unwrap();
            connection
        };
        let lock = open::lock(&path).unwrap();
        let (writer, folder) = (connect(), connect());
        writer.execute_batch("CREATE TABLE t (x BLOB)").unwrap();
        assert!(!fold_most(&folder, &lock).unwrap(), "a short log stays");
        while pages(&folder, "NOOP").unwrap() < FULL {
            writer.execute("INSERT INTO t VALUES (zeroblob(2000000))", []).unwrap();
        }
        assert!(fold_most(&folder, &lock).unwrap());
        writer.execute("INSERT INTO t VALUES (zeroblob(1))", []).unwrap();
        fold_rest(&writer).unwrap();
        writer.execute("INSERT INTO t VALUES (1)", []).unwrap();
        assert!(pages(&folder, "NOOP").unwrap() < 10, "the log starts from its beginning");
    }

    #[test]
    fn a_database_that_cannot_be_synced_is_broken() {
        let condition = Condition::new("test");
        drop(condition.failed(unsynced(io::Error::other("the disk is gone"))));
        assert!(condition.is_broken());
    }

    #[test]
    fn a_log_that_cannot_be_looked_at_now_is_no_failure() {
        // A database without such a log says what SQLite says while another checkpoint is under way: -1 pages.
        let connection = Connection::open_in_memory().unwrap();
        let home = tempfile::tempdir().unwrap();
        let lock = open::lock(&home.path().join("test.db")).unwrap();
        assert_eq!(pages(&connection, "PASSIVE"), Ok(-1));
        assert!(!fold_most(&connection, &lock).unwrap());
        fold_rest(&connection).unwrap();
    }
}
