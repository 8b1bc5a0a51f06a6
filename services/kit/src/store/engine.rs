//! What a store needs of the database under it.
//!
//! To add another engine: implement [`Statements`] for its connection and [`Engine`] for its writer, hand both to
//! [`super::Store`] where the others are opened, and run the tests of `tests` over it.

use std::time::Duration;

use super::{
    row::Row,
    value::{Mismatch, Value},
};

/// Which SQL a database speaks, for the few statements that are not the same on both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite's.
    Sqlite,
    /// PostgreSQL's.
    Postgres,
}

/// Runs statements on a connection. Their SQL is SQLite's, with `?1` for parameters; an engine that speaks another translates.
pub(super) trait Statements {
    /// What it speaks.
    fn dialect(&self) -> Dialect;

    /// Hands each row of the answer to `row`, until that has enough.
    fn query(
        &self,
        sql: &str,
        values: &[Value<'_>],
        row: &mut dyn FnMut(&Row<'_>) -> Result<Next, Mismatch>,
    ) -> Result<(), Failure>;

    /// Runs a statement; how many rows it changed.
    fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<usize, Failure>;

    /// Runs a statement without waiting for what it says. When it fails, a later one may say so, and the commit does.
    fn send(&self, sql: &str, values: &[Value<'_>]) -> Result<(), Failure>;

    /// Says that [`Self::query`] will be asked this, and that nothing changes the answer until then: an engine that has a way to
    /// go asks now. What was not asked for before the next savepoint is forgotten.
    fn foresee(&self, _sql: &str, _values: &[Value<'_>]) -> Result<(), Failure> {
        Ok(())
    }

    /// Runs an INSERT of one row; its column `id`.
    fn insert(&self, sql: &str, values: &[Value<'_>]) -> Result<i64, Failure>;

    /// Does something with the innermost savepoint.
    fn savepoint(&self, step: Savepoint) -> Result<(), Failure>;

    /// Runs statements that are separated by semicolons, as a schema's.
    fn script(&self, sql: &str) -> Result<(), Failure>;
}

/// What is done with a savepoint. They nest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Savepoint {
    /// There is a new one from here on.
    Set,
    /// What was done since is taken back; it stays.
    GoBack,
    /// It goes; what was done since stays.
    Release,
}

/// How a transaction stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It can be committed.
    Sound,
    /// A statement has failed in it, and only going back to a savepoint helps.
    Spoilt,
    /// The database has taken it back.
    Gone,
}

/// Whether more rows are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Row,
    Enough,
}

/// A database as its one writer has it.
pub(super) trait Engine: Send {
    /// At most this many jobs share a commit.
    fn group(&self) -> usize;

    /// Starts a transaction in which nobody else writes.
    fn begin(&mut self) -> Result<Begun, Failure>;

    /// The connection with the transaction.
    fn statements(&self) -> &dyn Statements;

    /// How the transaction stands.
    fn standing(&self) -> Standing;

    /// Answers once the transaction is on the disk, with this many events more than before.
    fn commit(&mut self, events: usize) -> Result<(), Failure>;

    /// How often it has waited for the database's answer, where that is on its own way.
    fn round_trips(&self) -> u64 {
        0
    }

    /// Takes the transaction back, if there is one.
    fn rollback(&mut self) -> Result<(), Failure>;

    /// Something was committed, and everybody was answered.
    fn committed(&mut self) {}

    /// Does what the engine asked for by [`super::writer::Order::Tidy`], between two transactions.
    fn tidy(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    /// Closes the database.
    fn close(self: Box<Self>);
}

/// What holds as a transaction begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Begun {
    /// Position of the last event in the log; `None` when it is where this writer left it.
    pub(super) position: Option<i64>,
    /// Microseconds since the epoch by the database's clock, where it has one.
    pub(super) now: Option<i64>,
}

/// Why a statement did not do what it should.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error(transparent)]
    Postgres(#[from] super::postgres::PostgresError),
    #[error("a column is {0}")]
    Mismatch(#[from] Mismatch),
    #[error("a number is too large for a column")]
    TooLarge,
}

/// A connection for reading.
pub(super) trait Session: Send {
    /// The connection.
    fn statements(&self) -> &dyn Statements;

    /// Starts a transaction whose statements see one state.
    fn begin(&mut self) -> Result<(), Failure>;

    /// Ends it.
    fn end(&mut self) -> Result<(), Failure>;

    /// Ends a transaction that was left open; whether the connection is of further use.
    fn recover(&mut self) -> bool;
}

/// Makes connections for reading.
pub(super) trait Connect: Send + Sync {
    /// One more. Blocks.
    fn connect(&self) -> Result<Box<dyn Session>, Failure>;

    /// Where time is simulated: jobs run in their callers' tasks, after so long.
    fn simulated_delay(&self) -> Option<Duration> {
        None
    }
}

/// A database that is open.
pub(super) struct Opened {
    /// The writer's side.
    pub(super) engine: Box<dyn Engine>,
    /// Position of the last event in the log.
    pub(super) position: i64,
    /// Readers that are open already.
    pub(super) readers: Vec<Box<dyn Session>>,
    /// How many there may be.
    pub(super) most_readers: usize,
    /// Makes more of them.
    pub(super) connect: Box<dyn Connect>,
}
