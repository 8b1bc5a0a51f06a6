//! What a read job sees: queries on one state of the database.

use rusqlite::{Connection, Params, Row};

use super::condition::Condition;
use crate::error::Error;

/// Reads within a job. Statements are prepared once for each connection.
pub struct Reader<'c> {
    pub(super) connection: &'c Connection,
    condition: &'c Condition,
}

impl<'c> Reader<'c> {
    pub(super) fn new(connection: &'c Connection, condition: &'c Condition) -> Self {
        Self { connection, condition }
    }

    /// The first row, when there is one.
    pub fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        map: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, Error> {
        let query = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            let mut rows = statement.query(params)?;
            rows.next()?.map(map).transpose()
        };
        query().map_err(|error| self.failed(error))
    }

    /// All rows.
    pub fn all<T>(
        &self,
        sql: &str,
        params: impl Params,
        map: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, Error> {
        let query = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            statement.query_map(params, map)?.collect::<rusqlite::Result<Vec<_>>>()
        };
        query().map_err(|error| self.failed(error))
    }

    pub(super) fn failed(&self, error: rusqlite::Error) -> Error {
        self.condition.failed(error)
    }
}
