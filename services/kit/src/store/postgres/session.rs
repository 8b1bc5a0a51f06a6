//! A connection to PostgreSQL that is used by one thread, which drives it while it waits for an answer.

use std::{
    cell::{Cell, RefCell},
    collections::{HashMap, VecDeque},
    future::ready,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use tokio::time::Instant;
use tokio_postgres::{Client, Statement, types::ToSql};

use super::{dialect, driver::Driver, failure::PostgresError, row::Kept, server::Postgres};
use crate::store::{
    engine::{Dialect, Failure, Next, Savepoint, Statements},
    row::Row,
    value::{Mismatch, Value},
};

/// How long a connection may take to be made.
const CONNECTING: Duration = Duration::from_millis(2_500);
/// How long a transaction may take, with the connection that it may need: whoever waits for it hears within 5 s that it cannot be
/// done.
pub(super) const TRANSACTION: Duration = Duration::from_millis(3_500);
/// After how long within a transaction the server gives up a process that says nothing, and others go on.
const SILENCE: Duration = Duration::from_secs(2);

/// How long a step of a schema may take.
const SCRIPT: Duration = Duration::from_secs(600);

type Answer<T> = Pin<Box<dyn Future<Output = Result<T, tokio_postgres::Error>> + Send>>;

/// A query that was asked before its answer is needed.
struct Foreseen {
    sql: String,
    values: Arc<Vec<Kept>>,
    count: u64,
    rows: Answer<Vec<tokio_postgres::Row>>,
}

/// A connection.
pub(super) struct Session {
    client: Arc<Client>,
    prepared: RefCell<HashMap<String, Statement>>,
    /// How many statements there were.
    count: Cell<u64>,
    /// Statements that are on their way, by their count, and what they will answer.
    sent: RefCell<VecDeque<(u64, Answer<u64>)>>,
    foreseen: RefCell<Vec<Foreseen>>,
    /// How often its thread has waited for an answer.
    round_trips: Cell<u64>,
    /// Where the savepoints are, by the count of statements.
    savepoints: RefCell<Vec<u64>>,
    /// The first statement that failed: what follows fails too, until a savepoint before it is gone back to.
    spoilt: Cell<Option<u64>>,
    is_lost: Cell<bool>,
    until: Cell<Instant>,
    /// Last, because what is above belongs to it.
    driver: Driver,
}

impl Session {
    /// Connects, and makes the service's schema the one that statements mean. Blocks.
    pub(super) fn connect(server: &Postgres, name: &str, until: Instant) -> Result<Self, PostgresError> {
        let until = until.min(Instant::now() + CONNECTING);
        let (driver, client) = Driver::connect(server, name, &(preamble(name) + &limits()), until)?;
        Ok(Self {
            client: Arc::new(client),
            prepared: RefCell::default(),
            count: Cell::new(0),
            sent: RefCell::default(),
            foreseen: RefCell::default(),
            round_trips: Cell::new(0),
            savepoints: RefCell::default(),
            spoilt: Cell::new(None),
            is_lost: Cell::new(false),
            until: Cell::new(until),
            driver,
        })
    }

    /// Starts a transaction, which has until then to end.
    pub(super) fn begin(&self, sql: &str, until: Instant) -> Result<(), PostgresError> {
        self.until.set(until);
        self.spoilt.set(None);
        self.savepoints.borrow_mut().clear();
        self.foreseen.borrow_mut().clear();
        self.dispatch(sql, &[])
    }

    /// Waits for every statement that is on its way. Fails with the first that failed.
    pub(super) fn settle(&self) -> Result<(), PostgresError> {
        if !self.sent.borrow().is_empty() {
            self.round_trips.set(self.round_trips.get() + 1);
        }
        self.forget().and(self.settle_sent())
    }

    fn settle_sent(&self) -> Result<(), PostgresError> {
        let mut outcome = Ok(());
        while let Some((count, answer)) = self.take_sent() {
            outcome = outcome.and(self.wait(count, answer).map(drop));
            if self.is_lost() {
                self.sent.borrow_mut().clear();
            }
        }
        outcome
    }

    /// How often its thread has waited for an answer.
    pub(super) fn round_trips(&self) -> u64 {
        self.round_trips.get()
    }

    /// Whether a statement failed and was not gone back behind.
    pub(super) fn is_spoilt(&self) -> bool {
        self.spoilt.get().is_some()
    }

    /// Whether the connection is of no further use.
    pub(super) fn is_lost(&self) -> bool {
        self.is_lost.get()
    }

    /// Runs statements as they are, which may take long.
    pub(super) fn raw(&self, sql: &str) -> Result<(), PostgresError> {
        self.until.set(Instant::now() + SCRIPT);
        self.wait(self.next(), self.client.batch_execute(sql))
    }

    /// Sets the limits again, after what may take long.
    pub(super) fn restrict(&self) -> Result<(), PostgresError> {
        self.raw(&limits())
    }

    fn next(&self) -> u64 {
        self.count.set(self.count.get() + 1);
        self.count.get()
    }

    /// Waits for what was foreseen and not asked for: that it failed counts nevertheless.
    fn forget(&self) -> Result<(), PostgresError> {
        let foreseen = self.foreseen.take();
        foreseen.into_iter().try_for_each(|query| self.wait(query.count, query.rows).map(drop))
    }

    fn take_sent(&self) -> Option<(u64, Answer<u64>)> {
        self.sent.borrow_mut().pop_front()
    }

    /// Waits for an answer, but not beyond the transaction's end.
    fn wait<T>(
        &self,
        count: u64,
        answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, PostgresError> {
        let answered = self.driver.wait(self.until.get(), answer);
        answered.inspect_err(|error| {
            let first = self.spoilt.get().map_or(count, |earlier| earlier.min(count));
            self.spoilt.set(Some(first));
            self.is_lost.set(self.is_lost.get() || error.ends_connection());
        })
    }

    /// Waits for the answer to a statement, which comes after those to all that were sent before it. When one of them failed,
    /// that is why this did.
    fn ask<T>(
        &self,
        answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, PostgresError> {
        self.round_trips.set(self.round_trips.get() + 1);
        let answered = self.wait(self.next(), answer);
        self.settle_sent().and(answered)
    }

    fn prepare(&self, sql: &str) -> Result<Statement, PostgresError> {
        if let Some(statement) = self.prepared.borrow().get(sql) {
            return Ok(statement.clone());
        }
        let translated = dialect::statement(sql);
        let statement = self.ask(self.client.prepare(&translated))?;
        self.prepared.borrow_mut().insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    /// Sends a statement and does not wait.
    fn dispatch(&self, sql: &str, values: &[Value<'_>]) -> Result<(), PostgresError> {
        let statement = self.prepare(sql)?;
        let (client, kept) = (self.client.clone(), values.iter().map(Kept::from).collect::<Vec<_>>());
        let mut answer: Answer<u64> = Box::pin(async move {
            let values: Vec<_> = kept.iter().map(Kept::lend).collect();
            client.execute(&statement, &borrowed(&values)).await
        });
        // Looking at it once is what puts the statement into the connection's queue.
        let count = self.next();
        if let Poll::Ready(done) = answer.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return self.wait(count, ready(done)).map(drop);
        }
        self.sent.borrow_mut().push_back((count, answer));
        Ok(())
    }

    /// Asks a query whose answer is needed later.
    fn ask_ahead(&self, sql: &str, values: &[Value<'_>]) -> Result<(), PostgresError> {
        let statement = self.prepare(sql)?;
        let values = Arc::new(values.iter().map(Kept::from).collect::<Vec<_>>());
        let (client, kept) = (self.client.clone(), values.clone());
        let mut rows: Answer<Vec<_>> = Box::pin(async move {
            let values: Vec<_> = kept.iter().map(Kept::lend).collect();
            client.query(&statement, &borrowed(&values)).await
        });
        let count = self.next();
        if let Poll::Ready(done) = rows.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return self.wait(count, ready(done)).map(drop);
        }
        self.foreseen.borrow_mut().push(Foreseen { sql: sql.to_owned(), values, count, rows });
        Ok(())
    }

    /// The answer to a query that was asked ahead; `None` when it was not.
    fn take_foreseen(
        &self,
        sql: &str,
        values: &[Value<'_>],
    ) -> Option<Result<Vec<tokio_postgres::Row>, PostgresError>> {
        let is_this = |query: &Foreseen| {
            query.sql == sql && query.values.iter().map(Kept::lend).eq(values.iter().copied())
        };
        let at = self.foreseen.borrow().iter().position(is_this)?;
        let Foreseen { count, rows, .. } = self.foreseen.borrow_mut().swap_remove(at);
        let answered = self.wait(count, rows);
        // What failed before it is why it did.
        Some(if answered.is_err() { self.settle().and(answered) } else { answered })
    }

    fn mark(&self, sql: &str) -> Result<(), PostgresError> {
        self.dispatch(sql, &[])?;
        self.savepoints.borrow_mut().push(self.count.get());
        Ok(())
    }

    /// Goes back to the latest savepoint. What failed before it stays failed.
    fn go_back(&self, sql: &str) -> Result<(), PostgresError> {
        // Why those after it failed has been told, or does not matter any more.
        let _ = self.settle();
        let savepoint = self.savepoints.borrow().last().copied();
        if self.is_lost() || self.spoilt.get().is_some_and(|first| Some(first) <= savepoint) {
            return Err(PostgresError::Spoilt);
        }
        self.dispatch(sql, &[])?;
        self.settle()?;
        self.spoilt.set(None);
        Ok(())
    }
}

/// The schema of a service, by the name of its store.
pub(super) fn schema(name: &str) -> String {
    format!("causeway_{name}")
}

/// What every connection is told at its beginning. A commit waits for the disk whatever the server's default is.
fn preamble(name: &str) -> String {
    format!(
        "SET search_path TO {}; SET client_min_messages TO warning; SET TIME ZONE 'UTC';
         SELECT set_config('synchronous_commit', 'on', false)
             WHERE current_setting('synchronous_commit') = 'off';",
        schema(name),
    )
}

/// How long the server lets a statement take, and a transaction in which nothing is said.
fn limits() -> String {
    let (statement, silence) = (TRANSACTION.as_millis(), SILENCE.as_millis());
    format!(
        "SET statement_timeout TO {statement}; SET lock_timeout TO {statement};
         SET idle_in_transaction_session_timeout TO {silence}"
    )
}

fn borrowed<'a>(values: &'a [Value<'a>]) -> Vec<&'a (dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

impl Statements for Session {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn query(
        &self,
        sql: &str,
        values: &[Value<'_>],
        row: &mut dyn FnMut(&Row<'_>) -> Result<Next, Mismatch>,
    ) -> Result<(), Failure> {
        let rows = match self.take_foreseen(sql, values) {
            Some(rows) => rows?,
            None => {
                let statement = self.prepare(sql)?;
                self.ask(self.client.query(&statement, &borrowed(values)))?
            }
        };
        for found in rows {
            if row(&Row::new(&found))? == Next::Enough {
                break;
            }
        }
        Ok(())
    }

    fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<usize, Failure> {
        let statement = self.prepare(sql)?;
        let changed = self.ask(self.client.execute(&statement, &borrowed(values)))?;
        Ok(usize::try_from(changed).unwrap_or(usize::MAX))
    }

    fn send(&self, sql: &str, values: &[Value<'_>]) -> Result<(), Failure> {
        Ok(self.dispatch(sql, values)?)
    }

    fn foresee(&self, sql: &str, values: &[Value<'_>]) -> Result<(), Failure> {
        Ok(self.ask_ahead(sql, values)?)
    }

    fn insert(&self, sql: &str, values: &[Value<'_>]) -> Result<i64, Failure> {
        let mut id = 0;
        self.query(&format!("{sql} RETURNING id"), values, &mut |row| {
            id = row.get(0)?;
            Ok(Next::Enough)
        })?;
        Ok(id)
    }

    fn savepoint(&self, step: Savepoint) -> Result<(), Failure> {
        if step != Savepoint::GoBack {
            self.forget()?;
        }
        match step {
            Savepoint::Set => self.mark("SAVEPOINT part")?,
            Savepoint::GoBack => self.go_back("ROLLBACK TO part")?,
            Savepoint::Release => {
                self.dispatch("RELEASE part", &[])?;
                self.savepoints.borrow_mut().pop();
            }
        }
        Ok(())
    }

    fn script(&self, sql: &str) -> Result<(), Failure> {
        Ok(self.raw(&dialect::schema(sql))?)
    }
}
