//! What a read job sees: queries on one state of the database.

use super::{
    condition::Condition,
    engine::{Dialect, Failure, Next, Statements},
    row::Row,
    value::{Mismatch, Params},
};
use crate::error::Error;

/// Reads within a job. Statements are prepared once for each connection.
pub struct Reader<'c> {
    pub(super) statements: &'c dyn Statements,
    condition: &'c Condition,
}

impl<'c> Reader<'c> {
    pub(super) fn new(statements: &'c dyn Statements, condition: &'c Condition) -> Self {
        Self { statements, condition }
    }

    /// The first row, when there is one.
    pub fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        map: impl FnOnce(&Row<'_>) -> Result<T, Mismatch>,
    ) -> Result<Option<T>, Error> {
        let (mut map, mut found) = (Some(map), None);
        let mut first = |row: &Row<'_>| {
            found = map.take().map(|map| map(row)).transpose()?;
            Ok(Next::Enough)
        };
        let asked = params.lend(|values| self.statements.query(sql, values, &mut first));
        asked.map_err(|failure| self.failed(failure))?;
        Ok(found)
    }

    /// All rows.
    pub fn all<T>(
        &self,
        sql: &str,
        params: impl Params,
        mut map: impl FnMut(&Row<'_>) -> Result<T, Mismatch>,
    ) -> Result<Vec<T>, Error> {
        let mut found = Vec::new();
        let mut each = |row: &Row<'_>| {
            found.push(map(row)?);
            Ok(Next::Row)
        };
        let asked = params.lend(|values| self.statements.query(sql, values, &mut each));
        asked.map_err(|failure| self.failed(failure))?;
        Ok(found)
    }

    /// Says that [`Self::one`] or [`Self::all`] will be asked this, and that nothing changes the answer until then: it may be on
    /// its way while the job goes on.
    pub fn foresee(&self, sql: &str, params: impl Params) -> Result<(), Error> {
        let asked = params.lend(|values| self.statements.foresee(sql, values));
        asked.map_err(|failure| self.failed(failure))
    }

    /// Which SQL the database speaks, for the few statements that are not the same on both.
    pub fn dialect(&self) -> Dialect {
        self.statements.dialect()
    }

    pub(super) fn failed(&self, failure: Failure) -> Error {
        self.condition.failed(failure)
    }
}
