//! Opening a database: its files and their mode, the lock, the pragmas, the schema.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, OpenFlags, OptionalExtension, config::DbConfig};
use tokio::sync::mpsc::WeakSender;

use super::{
    engine::Sqlite,
    folder::Folder,
    mark::{self, Mark},
    reader::Readers,
};
use crate::store::{
    OpenError, StoreOptions,
    condition::Condition,
    engine::{Connect, Failure, Opened},
    migrate::Migrating,
    writer::Order,
};

/// Connections that read. More than the cores would only wait for each other.
const READERS: usize = 4;

/// Files up to this size, in bytes, are looked through at the start, which takes up to a quarter of a second. In larger ones damage
/// is found where it is read.
const CHECKED: u64 = 32 << 20;

/// How long whoever had the lock may take to let go of it. A program that the process starts has all its files, locks included,
/// until it runs.
const RELEASED: Duration = Duration::from_millis(250);

/// Prepared statements that each connection keeps.
const STATEMENTS: usize = 512;

/// An exclusive lock on the file beside the database; released when it is dropped, or the process dies. Every connection of the
/// process goes before it does.
pub(crate) struct Lock {
    /// The database itself, which is closed after all connections: closing it lets go of their POSIX locks, too.
    database: File,
    _file: File,
}

impl Lock {
    /// Has the disk keep what was written into the database file itself.
    pub(super) fn sync_database(&self) -> io::Result<()> {
        self.database.sync_data()
    }
}

/// Opens a database; `orders` is where its writer will take what is to be done.
pub(crate) fn open(
    path: &Path,
    options: &StoreOptions,
    orders: WeakSender<Order>,
    condition: Arc<Condition>,
) -> Result<Opened, OpenError> {
    let place = path.display().to_string();
    let refusal = |failure: Failure| OpenError::of(&place, failure);
    let (lock, writer) = lend(path, options)?;
    let mark = compare(&writer, path)?;
    let position = last_position(&writer).map_err(|error| refusal(error.into()))?;
    let folder = self::writer(path).map_err(|error| refusal(error.into()))?;
    let folder =
        Folder::spawn(folder, lock.clone(), orders, condition, options.name).map_err(OpenError::Thread)?;
    let connect = Readers { path: path.to_owned(), lock: lock.clone() };
    let readers = (0..READERS).map(|_| connect.connect()).collect::<Result<_, _>>().map_err(refusal)?;
    Ok(Opened {
        engine: Box::new(Sqlite::new(writer, folder, mark, lock)),
        position,
        readers,
        most_readers: READERS,
        connect: Box::new(connect),
    })
}

/// A connection to a database whose schema is up to date and which nobody else has while the lock is held.
pub(crate) fn lend(path: &Path, options: &StoreOptions) -> Result<(Arc<Lock>, Connection), OpenError> {
    let place = path.display().to_string();
    let refusal = |error: rusqlite::Error| OpenError::of(&place, error.into());
    let lock = Arc::new(lock(path)?);
    let connection = writer(path).map_err(refusal)?;
    if connection.is_readonly("main").map_err(refusal)? {
        let source = io::Error::from(io::ErrorKind::ReadOnlyFilesystem);
        return Err(OpenError::NotWritable { path: path.to_owned(), source });
    }
    Migrating { statements: &connection, place: &place, options }.run()?;
    Ok((lock, connection))
}

/// Refuses a database that is damaged, or has fewer events than were stored.
fn compare(connection: &Connection, path: &Path) -> Result<Mark, OpenError> {
    let place = path.display().to_string();
    let refusal = |error: rusqlite::Error| OpenError::of(&place, error.into());
    if fs::metadata(path).is_ok_and(|file| file.len() <= CHECKED) {
        let found: String =
            connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(refusal)?;
        if found != "ok" {
            return Err(OpenError::Damaged { place, source: found.replace('\n', " ").into() });
        }
    }
    // Topics are never deleted, and trimming does not touch their heads.
    let count = "SELECT coalesce(sum(head), 0) FROM topic";
    let has: u64 = connection.query_row(count, [], |row| row.get(0)).map_err(refusal)?;
    let unwritable = |source| OpenError::NotWritable { path: mark::path(path), source };
    let (mut mark, noted) = Mark::open(path).map_err(unwritable)?;
    if let Some(noted) = noted.filter(|noted| *noted > has) {
        return Err(OpenError::Shorter { path: path.to_owned(), mark: mark::path(path), has, noted });
    }
    mark.begin(has);
    Ok(mark)
}

/// Position of the last event; 0 when there is none.
fn last_position(connection: &Connection) -> rusqlite::Result<i64> {
    let sql = "SELECT position FROM event ORDER BY position DESC LIMIT 1";
    Ok(connection.query_row(sql, [], |row| row.get(0)).optional()?.unwrap_or(0))
}

/// Locks a database. Its file is made before SQLite does, so that it and the files beside it are for the owner only.
pub(super) fn lock(database: &Path) -> Result<Lock, OpenError> {
    let open = |path: PathBuf| match private().open(&path) {
        Ok(file) => Ok(file),
        Err(source) => Err(OpenError::NotWritable { path, source }),
    };
    let file = open(database.with_added_extension("lock"))?;
    let until = Instant::now() + RELEASED;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Lock { database: open(database.to_owned())?, _file: file }),
            Err(TryLockError::WouldBlock) if Instant::now() < until => thread::sleep(RELEASED / 50),
            Err(TryLockError::WouldBlock) => return Err(OpenError::InUse { path: database.to_owned() }),
            Err(TryLockError::Error(source)) => {
                return Err(OpenError::NotWritable { path: database.with_added_extension("lock"), source });
            }
        }
    }
}

pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn writer(path: &Path) -> rusqlite::Result<Connection> {
    // `folder` folds the log into the database, with a connection like this one.
    let pragmas = "PRAGMA busy_timeout = 5000;
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = FULL;
        PRAGMA foreign_keys = ON;
        PRAGMA temp_store = MEMORY;
        PRAGMA cache_size = -32768;
        PRAGMA wal_autocheckpoint = 0;
        PRAGMA journal_size_limit = 67108864;";
    connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE, pragmas)
}

pub(super) fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let pragmas = "PRAGMA busy_timeout = 5000;
        PRAGMA query_only = ON;
        PRAGMA temp_store = MEMORY;
        PRAGMA cache_size = -8192;";
    connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY, pragmas)
}

/// A connection that one thread uses, and that has statements prepared once. SQLite would plan some of them anew for each value
/// that is bound: its "query planner stability guarantee" has it look at the statement alone.
fn connect(path: &Path, access: OpenFlags, pragmas: &str) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.execute_batch(pragmas)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;

    #[test]
    fn a_statement_is_planned_once_whatever_is_bound() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("test.db");
        let _lock = lock(&path).unwrap();
        let connection = writer(&path).unwrap();
        connection.execute_batch("CREATE TABLE seat (room TEXT, place INTEGER)").unwrap();
        for room in ["hall", "attic", "cellar"] {
            let mut statement =
                connection.prepare_cached("SELECT max(place) FROM seat WHERE room = ?1").unwrap();
            assert!(statement.exists([room]).unwrap());
            assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
        }
    }
}
