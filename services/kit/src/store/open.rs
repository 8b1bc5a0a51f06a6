//! Opening a database: its files and their mode, the lock, the pragmas, the schema.

use std::{
    error::Error as StdError,
    fs::{File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use rusqlite::{Connection, ErrorCode, OpenFlags, config::DbConfig};

use super::{StoreOptions, log, migrate};

/// Connections that read. More than the cores would only wait for each other.
const READERS: usize = 4;

/// Prepared statements that each connection keeps.
const STATEMENTS: usize = 512;

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process, or another store of this one, has it.
    #[error("{} is in use: another process runs on this data directory", path.display())]
    InUse {
        /// The database file.
        path: PathBuf,
    },
    /// The file cannot be made, opened, or written.
    #[error("cannot write {}: {source}", path.display())]
    NotWritable {
        /// The database or lock file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A newer version of the software wrote it.
    #[error(
        "{} has version {found} of the {owner} schema, and this version knows {known} at most: run a newer version on it",
        path.display()
    )]
    NewerSchema {
        /// The database file.
        path: PathBuf,
        /// `kit`, or the name of the store.
        owner: &'static str,
        /// The version in the file.
        found: u32,
        /// The newest version known.
        known: u32,
    },
    /// It is not a database, or a damaged one.
    #[error("{} is damaged: {source}", path.display())]
    Damaged {
        /// The database file.
        path: PathBuf,
        /// What SQLite says.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// A step of the schema failed, and nothing of it was kept.
    #[error("{}: version {version} ({name}) of the {owner} schema failed: {source}", path.display())]
    Migration {
        /// The database file.
        path: PathBuf,
        /// `kit`, or the name of the store.
        owner: &'static str,
        /// The step's version.
        version: u32,
        /// The step's name.
        name: &'static str,
        /// What SQLite says.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// Anything else that SQLite refuses.
    #[error("cannot open {}: {source}", path.display())]
    Database {
        /// The database file.
        path: PathBuf,
        /// What SQLite says.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The writer's thread could not be started.
    #[error("cannot start the writer's thread: {0}")]
    Thread(#[source] io::Error),
}

/// An exclusive lock on the file beside the database; released when it is dropped, or the process dies.
pub(super) struct Lock {
    _file: File,
}

/// An open database.
pub(super) struct Opened {
    pub(super) writer: Connection,
    pub(super) folder: Connection,
    pub(super) readers: Vec<Connection>,
    pub(super) lock: Arc<Lock>,
    /// Position of the last event in the log.
    pub(super) position: i64,
}

pub(super) fn open(options: &StoreOptions) -> Result<Opened, OpenError> {
    let path = &options.path;
    let lock = lock(path)?;
    touch(path)?;
    let mut writer = writer(path).map_err(|error| refusal(path, error))?;
    if writer.is_readonly("main").map_err(|error| refusal(path, error))? {
        let source = io::Error::from(io::ErrorKind::ReadOnlyFilesystem);
        return Err(OpenError::NotWritable { path: path.clone(), source });
    }
    migrate::migrate(&mut writer, options)?;
    let position = log::last_position(&writer).map_err(|error| refusal(path, error))?;
    let folder = self::writer(path).map_err(|error| refusal(path, error))?;
    let readers = (0..READERS).map(|_| reader(path)).collect::<Result<_, _>>();
    let readers = readers.map_err(|error| refusal(path, error))?;
    Ok(Opened { writer, folder, readers, lock: Arc::new(lock), position })
}

fn lock(database: &Path) -> Result<Lock, OpenError> {
    let path = database.with_added_extension("lock");
    let file = private().open(&path);
    let file = file.map_err(|source| OpenError::NotWritable { path: path.clone(), source })?;
    match file.try_lock() {
        Ok(()) => Ok(Lock { _file: file }),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path: database.to_owned() }),
        Err(TryLockError::Error(source)) => Err(OpenError::NotWritable { path, source }),
    }
}

/// Makes the file before SQLite does, so that it and the files beside it are for the owner only.
fn touch(path: &Path) -> Result<(), OpenError> {
    private().open(path).map(drop).map_err(|source| OpenError::NotWritable { path: path.to_owned(), source })
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn writer(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    // `folder` folds the log into the database, with a connection like this one.
    connection.execute_batch(
        "PRAGMA busy_timeout = 5000;
         PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -32768;
         PRAGMA wal_autocheckpoint = 0;
         PRAGMA journal_size_limit = 67108864;",
    )?;
    keep_statements(&connection)?;
    Ok(connection)
}

fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.execute_batch(
        "PRAGMA busy_timeout = 5000;
         PRAGMA query_only = ON;
         PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -8192;",
    )?;
    keep_statements(&connection)?;
    Ok(connection)
}

/// Has statements prepared once. SQLite would plan some of them anew for each value that is bound: its "query planner
/// stability guarantee" has it look at the statement alone.
fn keep_statements(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

/// What the one who starts the process is told.
pub(super) fn refusal(path: &Path, error: rusqlite::Error) -> OpenError {
    let path = path.to_owned();
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            OpenError::Damaged { path, source: error.into() }
        }
        _ => OpenError::Database { path, source: error.into() },
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;

    #[test]
    fn a_statement_is_planned_once_whatever_is_bound() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("test.db");
        touch(&path).unwrap();
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
