//! The rows of the outbox that are carried out in any order. [`crate::outbox`] works them off; the others are in
//! [`super::line`].

use super::{Reader, Tx};
use crate::{error::Error, outbox::Item, params};

/// What is written about an item after an attempt.
#[derive(Debug)]
pub(crate) enum Mark {
    /// It goes.
    Done,
    /// It is due again at this time, in microseconds since the epoch.
    Due { at: i64, reason: String },
    /// It stays and is never due.
    Dead { reason: String },
}

pub(super) fn put(tx: &Tx<'_>, kind: &str, key: &str, payload: &[u8]) -> Result<(), Error> {
    let sql = "INSERT INTO outbox (kind, key, payload, owed_at, due_at) VALUES (?1, ?2, ?3, ?4, ?4)";
    tx.send(sql, params![kind, key, payload, tx.now_micros()])
}

/// At most `limit` items that are due at `now`, longest due first.
pub(crate) fn due(reader: &Reader<'_>, kind: &str, now: i64, limit: usize) -> Result<Vec<Item>, Error> {
    let sql = "SELECT id, key, payload, attempts FROM outbox
               WHERE kind = ?1 AND due_at <= ?2 ORDER BY due_at, id LIMIT ?3";
    reader.all(sql, params![kind, now, limit], |row| {
        Ok(Item { id: row.get(0)?, key: row.get(1)?, payload: row.get(2)?, attempts: row.get(3)? })
    })
}

/// When the next item is due, in microseconds since the epoch.
pub(crate) fn next_due(reader: &Reader<'_>, kind: &str) -> Result<Option<i64>, Error> {
    let sql = "SELECT due_at FROM outbox WHERE kind = ?1 AND due_at IS NOT NULL ORDER BY due_at LIMIT 1";
    reader.one(sql, [kind], |row| row.get(0))
}

/// Writes down what became of an item.
pub(crate) fn mark(tx: &Tx<'_>, id: i64, mark: &Mark) -> Result<(), Error> {
    let again = "UPDATE outbox SET due_at = ?2, attempts = attempts + 1, last_error = ?3 WHERE id = ?1";
    let dead =
        "UPDATE outbox SET state = 2, due_at = NULL, attempts = attempts + 1, last_error = ?2 WHERE id = ?1";
    match mark {
        Mark::Done => tx.send("DELETE FROM outbox WHERE id = ?1", [id]),
        Mark::Due { at, reason } => tx.send(again, params![id, at, reason]),
        Mark::Dead { reason } => tx.send(dead, params![id, reason]),
    }
}
