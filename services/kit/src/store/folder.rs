//! Folds the write-ahead log into the database, on a thread and a connection of its own: a commit waits for the fsync of its
//! own pages, and not for that of the thousands that came before it.

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

use super::condition::Condition;

/// The log is folded at this many pages, 16 MiB: seldom enough to be cheap, often enough that a start after a crash reads it
/// within a second.
const FULL: u32 = 4096;

/// How often the length of the log is looked at, while something is written.
const PAUSE: Duration = Duration::from_millis(100);

/// How long the writer may be kept waiting for a reader that is still in the log.
const PATIENCE: Duration = Duration::from_millis(200);

/// The running thread, as the writer knows it.
pub(super) struct Folder {
    committed: SyncSender<()>,
    thread: JoinHandle<()>,
}

impl Folder {
    /// Takes over a connection that may write.
    pub(super) fn spawn(connection: Connection, condition: Arc<Condition>, name: &str) -> io::Result<Self> {
        let (committed, commits) = sync_channel(1);
        let thread = thread::Builder::new()
            .name(format!("{name}-folder"))
            .spawn(move || run(&connection, &commits, &condition))?;
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

fn run(connection: &Connection, commits: &Receiver<()>, condition: &Condition) {
    while commits.recv().is_ok() {
        if let Err(error) = fold(connection) {
            // This is for health; nobody waits for an answer.
            drop(condition.failed(error));
        }
        thread::sleep(PAUSE);
    }
}

fn fold(connection: &Connection) -> rusqlite::Result<()> {
    if pages(connection, "NOOP")? < FULL {
        return Ok(());
    }
    // Nearly all is copied while the writer goes on; then the little that came meanwhile, with the writer held up, so that the
    // next commit starts the log from its beginning. When somebody is in the way, there is a next time.
    pages(connection, "PASSIVE")?;
    connection.busy_timeout(PATIENCE)?;
    pages(connection, "RESTART").map(drop)
}

/// Checkpoints in this mode, and returns how many pages the log had.
fn pages(connection: &Connection, mode: &str) -> rusqlite::Result<u32> {
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
        fold(&folder).unwrap();
        assert!(pages(&folder, "NOOP").unwrap() > 0, "a short log stays");
        while pages(&folder, "NOOP").unwrap() < FULL {
            writer.execute("INSERT INTO t VALUES (zeroblob(2000000))", []).unwrap();
        }
        fold(&folder).unwrap();
        writer.execute("INSERT INTO t VALUES (1)", []).unwrap();
        assert!(pages(&folder, "NOOP").unwrap() < 10, "the log starts from its beginning");
    }
}
