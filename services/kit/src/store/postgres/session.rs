//! A connection to PostgreSQL that is used by one thread, which drives it while it waits for an answer.
//!
//! Here is what goes to and fro, and where a transaction stands; `preamble` is what each connection is told at its beginning,
//! `foreseen` what is asked before it is needed, and `statements` what the store sees of it all.

mod foreseen;
mod preamble;
mod statements;

use std::{
    cell::{Cell, RefCell},
    collections::{HashMap, VecDeque},
    future::{poll_fn, ready},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use tokio::time::Instant;
use tokio_postgres::{Client, Statement, types::ToSql};

pub(super) use self::preamble::{TRANSACTION, schema};
use self::{
    foreseen::Foreseen,
    preamble::{limits, preamble},
};
use super::{dialect, driver::Driver, failure::PostgresError, row::Kept, server::Postgres};
use crate::store::value::Value;

/// How long a connection may take to be made.
const CONNECTING: Duration = Duration::from_millis(2_500);
/// How long a step of a schema may take.
const SCRIPT: Duration = Duration::from_secs(600);

type Answer<T> = Pin<Box<dyn Future<Output = Result<T, tokio_postgres::Error>> + Send>>;

/// A connection.
pub(super) struct Session {
    client: Arc<Client>,
    prepared: RefCell<HashMap<String, Statement>>,
    /// How many statements there were.
    count: Cell<u64>,
    /// Statements that are on their way, by their count, and what they will answer.
    sent: RefCell<VecDeque<(u64, Answer<u64>)>>,
    foreseen: RefCell<VecDeque<Foreseen>>,
    /// The id that each table gave last, in this transaction.
    given: RefCell<HashMap<String, i64>>,
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
            given: RefCell::default(),
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
        self.given.borrow_mut().clear();
        self.dispatch(sql, &[])
    }

    /// Waits for every statement that is on its way. Fails with the first that failed.
    pub(super) fn settle(&self) -> Result<(), PostgresError> {
        if !self.sent.borrow().is_empty() {
            self.round_trips.set(self.round_trips.get() + 1);
        }
        self.forget().and(self.settle_sent())
    }

    /// Has what is on its way leave, and does not wait.
    pub(super) fn push(&self) -> Result<(), PostgresError> {
        self.driver.push()
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

    fn take_sent(&self) -> Option<(u64, Answer<u64>)> {
        self.sent.borrow_mut().pop_front()
    }

    /// Waits for an answer, but not beyond the transaction's end.
    fn wait<T>(
        &self,
        count: u64,
        answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, PostgresError> {
        let mut answer = pin!(answer);
        let answered = self.driver.wait(
            self.until.get(),
            poll_fn(|context| {
                // An answer comes behind those to what was asked before, and only when these are taken from the connection.
                self.take_in(context);
                answer.as_mut().poll(context)
            }),
        );
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
        let answer: Answer<u64> = Box::pin(async move {
            let values: Vec<_> = kept.iter().map(Kept::lend).collect();
            client.execute(&statement, &borrowed(&values)).await
        });
        if let Some(sent) = self.set_going(answer)? {
            self.sent.borrow_mut().push_back(sent);
        }
        Ok(())
    }

    /// Puts a statement into the connection's queue: its count, and what it will answer unless it has.
    fn set_going<T>(&self, mut answer: Answer<T>) -> Result<Option<(u64, Answer<T>)>, PostgresError> {
        let count = self.next();
        // Looking at it once is what puts it there.
        match answer.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(done) => self.wait(count, ready(done)).map(|_| None),
            Poll::Pending => Ok(Some((count, answer))),
        }
    }

    fn mark(&self, sql: &str) -> Result<(), PostgresError> {
        self.dispatch(sql, &[])?;
        self.savepoints.borrow_mut().push(self.count.get());
        Ok(())
    }

    /// Goes back to the latest savepoint. What failed before it stays failed.
    fn go_back(&self, sql: &str) -> Result<(), PostgresError> {
        // Ids that were given stay given, and those of statements that were not run were not.
        self.given.borrow_mut().clear();
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

fn borrowed<'a>(values: &'a [Value<'a>]) -> Vec<&'a (dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}
