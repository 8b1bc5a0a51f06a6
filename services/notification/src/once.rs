//! Results by idempotency key, for as long as they are remembered.

use std::time::Duration;

use causeway_kit::{
    Error,
    store::{Tx, params},
};

/// A key, where it counts, and for how long.
#[derive(Debug, Clone)]
pub(crate) struct Once {
    /// The same key elsewhere is another key.
    pub scope: String,
    /// `None`: the effect may be repeated.
    pub key: Option<String>,
    /// How long the result is remembered.
    pub keep: Duration,
}

impl Once {
    /// The result of the first time.
    pub(crate) fn result(&self, tx: &Tx<'_>) -> Result<Option<i64>, Error> {
        let Some(key) = &self.key else { return Ok(None) };
        tx.one(
            "SELECT result FROM once WHERE scope = ?1 AND key = ?2 AND time > ?3",
            params![self.scope, key, self.horizon(tx)],
            |row| row.get(0),
        )
    }

    /// Remembers the result, and forgets two that are too old: so the table never holds more than what it
    /// must, and no call pays for the others.
    pub(crate) fn remember(&self, tx: &Tx<'_>, result: u64) -> Result<(), Error> {
        let Some(key) = &self.key else { return Ok(()) };
        let result = i64::try_from(result).map_err(Error::internal)?;
        tx.execute(
            "INSERT INTO once (scope, key, result, time) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (scope, key) DO UPDATE SET result = excluded.result, time = excluded.time",
            params![self.scope, key, result, tx.now_micros()],
        )?;
        tx.execute(
            "DELETE FROM once WHERE id IN (SELECT id FROM once WHERE time <= ?1 ORDER BY time LIMIT 2)",
            params![self.horizon(tx)],
        )?;
        Ok(())
    }

    fn horizon(&self, tx: &Tx<'_>) -> i64 {
        tx.now_micros().saturating_sub(i64::try_from(self.keep.as_micros()).unwrap_or(i64::MAX))
    }
}
