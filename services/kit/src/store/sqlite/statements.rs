//! Statements on a connection to SQLite. Each is prepared once.

use rusqlite::{
    Connection, ToSql, params_from_iter,
    types::{ToSqlOutput, ValueRef},
};

use crate::store::{
    engine::{Dialect, Failure, Next, Savepoint, Statements},
    row::{Columns, Row},
    value::{Mismatch, Value},
};

impl Statements for Connection {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn query(
        &self,
        sql: &str,
        values: &[Value<'_>],
        row: &mut dyn FnMut(&Row<'_>) -> Result<Next, Mismatch>,
    ) -> Result<(), Failure> {
        let mut statement = self.prepare_cached(sql)?;
        let mut rows = statement.query(params_from_iter(values))?;
        while let Some(found) = rows.next()? {
            if row(&Row::new(found))? == Next::Enough {
                break;
            }
        }
        Ok(())
    }

    fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<usize, Failure> {
        Ok(self.prepare_cached(sql)?.execute(params_from_iter(values))?)
    }

    fn send(&self, sql: &str, values: &[Value<'_>]) -> Result<(), Failure> {
        Statements::execute(self, sql, values).map(drop)
    }

    fn insert(&self, sql: &str, values: &[Value<'_>]) -> Result<i64, Failure> {
        Statements::execute(self, sql, values)?;
        Ok(self.last_insert_rowid())
    }

    fn savepoint(&self, step: Savepoint) -> Result<(), Failure> {
        let sql = match step {
            Savepoint::Set => "SAVEPOINT part",
            Savepoint::GoBack => "ROLLBACK TO part",
            Savepoint::Release => "RELEASE part",
        };
        self.send(sql, &[])
    }

    fn script(&self, sql: &str) -> Result<(), Failure> {
        Ok(self.execute_batch(sql)?)
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let value = match *self {
            Self::Null => ValueRef::Null,
            Self::Integer(integer) => ValueRef::Integer(integer),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
            Self::TooLarge => return Err(rusqlite::Error::ToSqlConversionFailure(Failure::TooLarge.into())),
        };
        Ok(ToSqlOutput::Borrowed(value))
    }
}

impl Columns for rusqlite::Row<'_> {
    fn value(&self, at: usize) -> Result<Value<'_>, Mismatch> {
        match self.get_ref(at).map_err(Mismatch::content)? {
            ValueRef::Null => Ok(Value::Null),
            ValueRef::Integer(integer) => Ok(Value::Integer(integer)),
            ValueRef::Text(text) => std::str::from_utf8(text).map(Value::Text).map_err(Mismatch::content),
            ValueRef::Blob(bytes) => Ok(Value::Blob(bytes)),
            ValueRef::Real(_) => Err(Mismatch::expected("integer, text or blob")),
        }
    }
}
