//! The database of a simulation: a file of SQLite that the stores of several simulated processes have at once, as several
//! processes have one PostgreSQL. Where time is simulated nothing may run beside it, so there are no threads here: the writer is a
//! task of its process, and readers run in their callers' tasks. Each statement takes no time, and each group and each reading
//! as long as [`Database::delay`] says; a process that dies in between has committed or has not, and may have told nobody.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rusqlite::{Connection, OptionalExtension};
use tokio::time::sleep;

use super::{
    OpenError, StoreOptions,
    condition::Condition,
    engine::{Begun, Connect, Engine, Failure, Opened, Session, Standing, Statements},
    migrate::Migrating,
    writer::{Order, Writer},
};

/// Jobs that share a commit at most, as in PostgreSQL.
const GROUP: usize = 64;
/// Readings of one process at the same time.
const READERS: usize = 8;

/// A database of a simulation.
#[derive(Debug)]
pub struct Database {
    folder: PathBuf,
    longest: Duration,
    is_away: AtomicBool,
}

impl Database {
    /// A database in this folder, which exists, that takes up to `longest` for an answer.
    pub fn new(folder: impl Into<PathBuf>, longest: Duration) -> Self {
        Self { folder: folder.into(), longest, is_away: AtomicBool::new(false) }
    }

    /// Whether it answers anybody.
    pub fn set_away(&self, is_away: bool) {
        self.is_away.store(is_away, Ordering::Relaxed);
    }

    /// How long the next answer takes.
    fn delay(&self) -> Duration {
        self.longest.mul_f64(rand::random())
    }

    fn connect(&self, path: &Path) -> Result<Connection, Failure> {
        let connection = Connection::open(path)?;
        // Nothing here outlives the simulation, so that nothing needs to be on the disk.
        connection.execute_batch(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = OFF;
             PRAGMA foreign_keys = ON;
             PRAGMA temp_store = MEMORY;",
        )?;
        connection.set_prepared_statement_cache_capacity(512);
        Ok(connection)
    }

    fn is_there(&self) -> Result<(), Failure> {
        if !self.is_away.load(Ordering::Relaxed) {
            return Ok(());
        }
        // What a file says that somebody else has: it is not to be had now, and nothing is wrong with it.
        let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
        Err(rusqlite::Error::SqliteFailure(code, Some("the simulated database is away".to_owned())).into())
    }
}

/// Opens the store's own file, which others may have.
pub(super) fn open(database: &Arc<Database>, options: &StoreOptions) -> Result<Opened, OpenError> {
    let path = database.folder.join(options.name).with_extension("db");
    let place = path.display().to_string();
    let refusal = |failure: Failure| OpenError::of(&place, failure);
    let unwritable = |source| OpenError::NotWritable { path: path.clone(), source };
    fs::create_dir_all(&database.folder).map_err(unwritable)?;
    let writer = database.connect(&path).map_err(refusal)?;
    Migrating { statements: &writer, place: &place, options }.run()?;
    let position = last_position(&writer).map_err(refusal)?;
    let connect = Readers { database: database.clone(), path };
    Ok(Opened {
        engine: Box::new(Shared { connection: writer, database: database.clone() }),
        position,
        readers: Vec::new(),
        most_readers: READERS,
        connect: Box::new(connect),
    })
}

fn last_position(connection: &Connection) -> Result<i64, Failure> {
    let sql = "SELECT position FROM event ORDER BY position DESC LIMIT 1";
    Ok(connection.prepare_cached(sql)?.query_row([], |row| row.get(0)).optional()?.unwrap_or(0))
}

/// Notices the end of the task, also when its process dies.
struct Watch(Arc<Condition>);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.ended();
    }
}

/// What the writer's thread does elsewhere.
pub(super) async fn write(mut writer: Writer, database: Arc<Database>) {
    let _watch = Watch(writer.condition.clone());
    let mut group = Vec::new();
    while writer.closing.is_none()
        && let Some(order) = writer.queue.recv().await
    {
        let mut next = Some(order);
        while let Some(order) = next.take() {
            match order {
                Order::Job(job) => group.push(job),
                Order::Tidy => {}
                Order::Close(done) => writer.closing = Some(done),
            }
            if writer.closing.is_none() && group.len() < GROUP {
                next = writer.queue.try_recv().ok();
            }
        }
        if group.is_empty() {
            continue;
        }
        sleep(database.delay()).await;
        let outcome = writer.commit(&mut group);
        sleep(database.delay()).await;
        writer.settle(&mut group, outcome);
    }
    let closing = writer.closing.take();
    writer.close();
    drop(closing);
}

/// The writer's connection.
struct Shared {
    connection: Connection,
    database: Arc<Database>,
}

impl Engine for Shared {
    fn group(&self) -> usize {
        GROUP
    }

    fn begin(&mut self) -> Result<Begun, Failure> {
        self.database.is_there()?;
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        // Others have written in between.
        Ok(Begun { position: Some(last_position(&self.connection)?), now: None })
    }

    fn statements(&self) -> &dyn Statements {
        &self.connection
    }

    fn standing(&self) -> Standing {
        if self.connection.is_autocommit() { Standing::Gone } else { Standing::Sound }
    }

    fn commit(&mut self, _: usize) -> Result<(), Failure> {
        Ok(self.connection.execute_batch("COMMIT")?)
    }

    fn rollback(&mut self) -> Result<(), Failure> {
        if self.connection.is_autocommit() {
            Ok(())
        } else {
            Ok(self.connection.execute_batch("ROLLBACK")?)
        }
    }

    fn close(self: Box<Self>) {}
}

struct Readers {
    database: Arc<Database>,
    path: PathBuf,
}

impl Connect for Readers {
    fn connect(&self) -> Result<Box<dyn Session>, Failure> {
        let connection = self.database.connect(&self.path)?;
        Ok(Box::new(Reading { connection, database: self.database.clone() }))
    }

    fn simulated_delay(&self) -> Option<Duration> {
        Some(self.database.delay())
    }
}

struct Reading {
    connection: Connection,
    database: Arc<Database>,
}

impl Session for Reading {
    fn statements(&self) -> &dyn Statements {
        &self.connection
    }

    fn begin(&mut self) -> Result<(), Failure> {
        self.database.is_there()?;
        Ok(self.connection.execute_batch("BEGIN")?)
    }

    fn end(&mut self) -> Result<(), Failure> {
        Ok(self.connection.execute_batch("COMMIT")?)
    }

    fn recover(&mut self) -> bool {
        self.connection.is_autocommit() || self.connection.execute_batch("ROLLBACK").is_ok()
    }
}
