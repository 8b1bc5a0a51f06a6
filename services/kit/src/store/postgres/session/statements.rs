//! Statements on a connection to PostgreSQL. Those whose answer nobody needs at once are sent without waiting.

use super::{Session, borrowed};
use crate::store::{
    engine::{Dialect, Failure, Next, Savepoint, Statements},
    postgres::dialect,
    row::Row,
    value::{Mismatch, Value},
};

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
        self.may_give(sql);
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
        self.may_give(sql);
        let statement = self.prepare(sql)?;
        let changed = self.ask(self.client.execute(&statement, &borrowed(values)))?;
        Ok(usize::try_from(changed).unwrap_or(usize::MAX))
    }

    fn send(&self, sql: &str, values: &[Value<'_>]) -> Result<(), Failure> {
        self.may_give(sql);
        Ok(self.dispatch(sql, values)?)
    }

    fn foresee(&self, sql: &str, values: &[Value<'_>]) -> Result<(), Failure> {
        Ok(self.ask_ahead(sql, values)?)
    }

    fn insert(&self, sql: &str, values: &[Value<'_>]) -> Result<i64, Failure> {
        let last = self.given.borrow().get(table(sql)).copied();
        let id = match last {
            // Nobody else inserts before this transaction has ended, so the next id is one more. Were it not, this would fail.
            Some(last) => {
                let foretold = [values, &[Value::Integer(last + 1)]].concat();
                let check = foretold.len();
                let sql = format!("{sql} RETURNING 1 / CASE WHEN id = ?{check} THEN 1 ELSE 0 END");
                self.dispatch(&sql, &foretold)?;
                last + 1
            }
            None => self.insert_and_wait(sql, values)?,
        };
        self.given.borrow_mut().insert(table(sql).to_owned(), id);
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

impl Session {
    fn insert_and_wait(&self, sql: &str, values: &[Value<'_>]) -> Result<i64, Failure> {
        let mut id = 0;
        self.query(&format!("{sql} RETURNING id"), values, &mut |row| {
            id = row.get(0)?;
            Ok(Next::Enough)
        })?;
        Ok(id)
    }

    /// Ids that a statement of another kind gives cannot be foretold.
    fn may_give(&self, sql: &str) {
        if sql.starts_with("INSERT") {
            self.given.borrow_mut().remove(table(sql));
        }
    }
}

/// The table that an INSERT is for.
fn table(sql: &str) -> &str {
    sql.split_whitespace().nth(2).unwrap_or_default()
}
