//! The rows of the outbox that are carried out in order: one at a time for each kind and key, handed out to a holder and
//! taken back. [`crate::plugin_host`] works them off.
//!
//! The first of a line waits until it is due; those behind it wait for it to go, whether it was carried out or given up.

use super::{Reader, Row, Tx, value::Mismatch};
use crate::{error::Error, params};

/// The state of an item, as it is stored.
pub(crate) const WAITING: u32 = 0;
pub(crate) const IN_HAND: u32 = 1;
pub(crate) const DEAD: u32 = 2;
pub(crate) const BEHIND: u32 = 3;

/// An item of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) id: i64,
    pub(crate) key: String,
    pub(crate) pool: String,
    pub(crate) payload: Vec<u8>,
    pub(crate) attempts: u32,
    pub(crate) part: u32,
    pub(crate) parts: u32,
    pub(crate) doubt: Doubt,
    /// Who has it in hand.
    pub(crate) holder: Option<String>,
}

/// Whether an attempt may have succeeded of which nothing is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doubt {
    None,
    /// One of the next part.
    This,
    /// One of an earlier part.
    Earlier,
}

/// When an item is tried again, and what is noted about the attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Again {
    /// Microseconds since the epoch.
    pub(crate) at: i64,
    pub(crate) reason: String,
    /// Whether the attempt counts.
    pub(crate) counts: bool,
    /// Whether it may have succeeded.
    pub(crate) uncertain: bool,
}

const COLUMNS: &str = "id, key, pool, payload, attempts, part, parts, uncertain, holder";

fn from_row(row: &Row<'_>) -> Result<Item, Mismatch> {
    let doubt = match row.get::<u32>(7)? {
        0 => Doubt::None,
        1 => Doubt::This,
        _ => Doubt::Earlier,
    };
    Ok(Item {
        id: row.get(0)?,
        key: row.get(1)?,
        pool: row.get(2)?,
        payload: row.get(3)?,
        attempts: row.get(4)?,
        part: row.get(5)?,
        parts: row.get(6)?,
        doubt,
        holder: row.get(8)?,
    })
}

/// Puts an item at the end of its line; its id. It is due at once when it is the first.
pub(super) fn put(tx: &Tx<'_>, kind: &str, key: &str, pool: &str, payload: &[u8]) -> Result<i64, Error> {
    let sql = "INSERT INTO outbox (kind, key, pool, payload, owed_at, due_at, state)
               SELECT ?1, ?2, ?3, ?4, ?5, CASE WHEN busy THEN NULL ELSE CAST(?5 AS BIGINT) END, CASE WHEN busy THEN 3 ELSE 0 END
               FROM (SELECT EXISTS (SELECT 1 FROM outbox WHERE kind = ?1 AND key = ?2 AND state <> 2) AS busy) AS line";
    tx.insert(sql, params![kind, key, pool, payload, tx.now_micros()])
}

/// At most `limit` items that are due at `now` and whose pool is not among `paused` (a JSON list), longest due first.
pub(crate) fn due(
    reader: &Reader<'_>,
    kind: &str,
    now: i64,
    paused: &str,
    limit: usize,
) -> Result<Vec<Item>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM outbox
         WHERE kind = ?1 AND due_at <= ?2 AND pool NOT IN (SELECT value FROM json_each(?3))
         ORDER BY due_at, id LIMIT ?4"
    );
    reader.all(&sql, params![kind, now, paused, limit], from_row)
}

/// When the next item after `now` is due, in microseconds since the epoch.
pub(crate) fn next_due_after(reader: &Reader<'_>, kind: &str, now: i64) -> Result<Option<i64>, Error> {
    let sql = "SELECT due_at FROM outbox WHERE kind = ?1 AND due_at > ?2 ORDER BY due_at LIMIT 1";
    reader.one(sql, params![kind, now], |row| row.get(0))
}

/// The item that `holder` has in hand under this id.
pub(crate) fn in_hand(reader: &Reader<'_>, kind: &str, holder: &str, id: i64) -> Result<Option<Item>, Error> {
    let sql =
        format!("SELECT {COLUMNS} FROM outbox WHERE id = ?1 AND kind = ?2 AND holder = ?3 AND state = 1");
    reader.one(&sql, params![id, kind, holder], from_row)
}

/// Everything in hand, whoever has it.
pub(crate) fn all_in_hand(reader: &Reader<'_>, kind: &str) -> Result<Vec<Item>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM outbox WHERE kind = ?1 AND state = 1 ORDER BY id");
    reader.all(&sql, [kind], from_row)
}

/// Notes that `holder` has an item in hand, in so many parts.
pub(crate) fn hand_out(tx: &Tx<'_>, id: i64, holder: &str, parts: u32) -> Result<(), Error> {
    let sql = "UPDATE outbox SET state = 1, due_at = NULL, holder = ?2, parts = ?3 WHERE id = ?1";
    tx.execute(sql, params![id, holder, parts]).map(drop)
}

/// The next part of an item is due.
pub(crate) fn advance(tx: &Tx<'_>, id: i64) -> Result<(), Error> {
    let sql = "UPDATE outbox SET state = 0, due_at = ?2, holder = NULL, part = part + 1, attempts = 0,
                   uncertain = CASE uncertain WHEN 0 THEN 0 ELSE 2 END
               WHERE id = ?1";
    tx.execute(sql, params![id, tx.now_micros()]).map(drop)
}

/// An item is due again.
pub(crate) fn again(tx: &Tx<'_>, id: i64, again: &Again) -> Result<(), Error> {
    let sql =
        "UPDATE outbox SET state = 0, due_at = ?2, holder = NULL, last_error = ?3, attempts = attempts + ?4,
                   uncertain = CASE WHEN ?5 THEN 1 ELSE uncertain END
               WHERE id = ?1";
    tx.execute(sql, params![id, again.at, again.reason, again.counts, again.uncertain]).map(drop)
}

/// An item is carried out and goes; the next of its line is due.
pub(crate) fn finish(tx: &Tx<'_>, kind: &str, item: &Item) -> Result<(), Error> {
    tx.execute("DELETE FROM outbox WHERE id = ?1", [item.id])?;
    move_up(tx, kind, &item.key)
}

/// An item is given up and stays; the next of its line is due.
pub(crate) fn give_up(tx: &Tx<'_>, kind: &str, item: &Item, reason: &str) -> Result<(), Error> {
    let sql =
        "UPDATE outbox SET state = 2, due_at = NULL, holder = NULL, attempts = attempts + 1, last_error = ?2
               WHERE id = ?1";
    tx.execute(sql, params![item.id, reason])?;
    move_up(tx, kind, &item.key)
}

fn move_up(tx: &Tx<'_>, kind: &str, key: &str) -> Result<(), Error> {
    let sql = "UPDATE outbox SET state = 0, due_at = ?3
               WHERE id = (SELECT id FROM outbox WHERE kind = ?1 AND key = ?2 AND state <> 2 ORDER BY id LIMIT 1)
                   AND state = 3";
    tx.execute(sql, params![kind, key, tx.now_micros()]).map(drop)
}

/// Items that were given up, of one kind or of all, with these ids (a JSON list) or with any; at most `limit`.
pub(crate) fn given_up(
    reader: &Reader<'_>,
    kind: &str,
    ids: &str,
    limit: usize,
) -> Result<Vec<(String, Item)>, Error> {
    let sql = format!(
        "SELECT {COLUMNS}, kind FROM outbox
         WHERE state = 2 AND (?1 = '' OR kind = ?1)
             AND (json_array_length(?2) = 0 OR id IN (SELECT CAST(value AS BIGINT) FROM json_each(?2)))
         ORDER BY id LIMIT ?3"
    );
    reader.all(&sql, params![kind, ids, limit], |row| Ok((row.get(9)?, from_row(row)?)))
}

/// Tries an item again that was given up: at its old place in the line where it has one, and at once where it has none.
pub(crate) fn replay(tx: &Tx<'_>, kind: &str, item: &Item) -> Result<(), Error> {
    let ordered = kind.starts_with("plugin/");
    let sql = "UPDATE outbox SET attempts = 0,
                   state = CASE WHEN busy THEN 3 ELSE 0 END, due_at = CASE WHEN busy THEN NULL ELSE CAST(?4 AS BIGINT) END
               FROM (SELECT ?5 AND EXISTS (SELECT 1 FROM outbox WHERE kind = ?2 AND key = ?3 AND state <> 2) AS busy) AS line
               WHERE id = ?1";
    tx.execute(sql, params![item.id, kind, item.key, tx.now_micros(), ordered]).map(drop)
}
