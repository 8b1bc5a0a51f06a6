//! Queries that are asked before their answers are needed, so that nobody waits for one before the next is on its way.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::future::{MaybeDone, maybe_done};

use super::{Answer, Session, borrowed};
use crate::store::{
    postgres::{failure::PostgresError, row::Kept},
    value::Value,
};

/// A query that was asked before its answer is needed.
pub(super) struct Foreseen {
    sql: String,
    values: Arc<Vec<Kept>>,
    count: u64,
    rows: MaybeDone<Answer<Vec<tokio_postgres::Row>>>,
}

impl Foreseen {
    fn is_awaited(&self) -> bool {
        matches!(self.rows, MaybeDone::Future(_))
    }

    fn poll(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Vec<tokio_postgres::Row>, tokio_postgres::Error>> {
        let mut rows = Pin::new(&mut self.rows);
        match rows.as_mut().poll(context) {
            Poll::Ready(()) => rows.take_output().map_or(Poll::Pending, Poll::Ready),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl Session {
    /// Asks a query whose answer is needed later.
    pub(super) fn ask_ahead(&self, sql: &str, values: &[Value<'_>]) -> Result<(), PostgresError> {
        let statement = self.prepare(sql)?;
        let values = Arc::new(values.iter().map(Kept::from).collect::<Vec<_>>());
        let (client, kept) = (self.client.clone(), values.clone());
        let rows: Answer<Vec<_>> = Box::pin(async move {
            let values: Vec<_> = kept.iter().map(Kept::lend).collect();
            client.query(&statement, &borrowed(&values)).await
        });
        if let Some((count, rows)) = self.set_going(rows)? {
            let rows = maybe_done(rows);
            self.foreseen.borrow_mut().push_back(Foreseen { sql: sql.to_owned(), values, count, rows });
        }
        Ok(())
    }

    /// The answer to a query that was asked ahead; `None` when it was not.
    pub(super) fn take_foreseen(
        &self,
        sql: &str,
        values: &[Value<'_>],
    ) -> Option<Result<Vec<tokio_postgres::Row>, PostgresError>> {
        let is_this = |query: &Foreseen| {
            query.sql == sql && query.values.iter().map(Kept::lend).eq(values.iter().copied())
        };
        let at = self.foreseen.borrow().iter().position(is_this)?;
        let foreseen = self.foreseen.borrow_mut().remove(at)?;
        let answered = self.receive(foreseen);
        // What failed before it is why it did.
        Some(if answered.is_err() { self.settle().and(answered) } else { answered })
    }

    /// Waits for what was foreseen and not asked for: that it failed counts nevertheless.
    pub(super) fn forget(&self) -> Result<(), PostgresError> {
        let foreseen = self.foreseen.take();
        foreseen.into_iter().try_for_each(|query| self.receive(query).map(drop))
    }

    fn receive(&self, mut query: Foreseen) -> Result<Vec<tokio_postgres::Row>, PostgresError> {
        self.wait(query.count, poll_fn(|context| query.poll(context)))
    }

    /// Takes what has come of the answers to what was foreseen, and keeps it until somebody asks for it.
    pub(super) fn take_in(&self, context: &mut Context<'_>) {
        // They come in the order of the questions: behind one that has not come, none has.
        for query in self.foreseen.borrow_mut().iter_mut().filter(|query| query.is_awaited()) {
            if Pin::new(&mut query.rows).poll(context).is_pending() {
                return;
            }
        }
    }
}
