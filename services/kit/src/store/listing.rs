//! The outbox as a person looks at it.

use causeway_proto::{
    plugin::{OutboxItem, OutboxState},
    time,
};

use super::{Reader, Row, line};
use crate::{error::Error, params};

/// Which items are wanted.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    /// Empty: any.
    pub(crate) kind: String,
    /// Unspecified: any.
    pub(crate) state: OutboxState,
    pub(crate) after: i64,
    pub(crate) limit: u32,
}

/// How many items of a kind there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) waiting: u64,
    pub(crate) dead: u64,
    /// When the oldest that waits was owed, in microseconds since the epoch.
    pub(crate) oldest: Option<i64>,
}

/// Items by id.
pub(crate) fn items(
    reader: &Reader<'_>,
    service: &'static str,
    filter: &Filter,
) -> Result<Vec<OutboxItem>, Error> {
    let states = match filter.state {
        OutboxState::Unspecified => [line::WAITING, line::IN_HAND, line::DEAD, line::BEHIND].as_slice(),
        OutboxState::Waiting => &[line::WAITING, line::BEHIND],
        OutboxState::InHand => &[line::IN_HAND],
        OutboxState::Dead => &[line::DEAD],
    };
    let states = serde_json::to_string(states).map_err(Error::internal)?;
    let sql = "SELECT id, kind, key, state, attempts, last_error, owed_at, due_at, uncertain FROM outbox
               WHERE id > ?1 AND (?2 = '' OR kind = ?2) AND state IN (SELECT CAST(value AS BIGINT) FROM json_each(?3))
               ORDER BY id LIMIT ?4";
    reader.all(sql, params![filter.after, filter.kind, states, filter.limit], |row| {
        let state = match row.get::<u32>(3)? {
            line::IN_HAND => OutboxState::InHand,
            line::DEAD => OutboxState::Dead,
            _ => OutboxState::Waiting,
        };
        Ok(OutboxItem {
            id: row.get::<i64>(0)?.unsigned_abs(),
            service: service.to_owned(),
            kind: row.get(1)?,
            key: row.get(2)?,
            state: state.into(),
            attempts: row.get(4)?,
            last_error: row.get::<Option<String>>(5)?.unwrap_or_default(),
            owed_at: Some(time::from_micros(row.get(6)?)),
            due_at: row.get::<Option<i64>>(7)?.map(time::from_micros),
            uncertain: row.get::<u32>(8)? > 0,
        })
    })
}

/// How many items of a kind wait, and since when.
pub(crate) fn waiting(reader: &Reader<'_>, kind: &str) -> Result<Waiting, Error> {
    let live = "SELECT count(*), min(owed_at) FROM outbox WHERE kind = ?1 AND state <> 2";
    let dead = "SELECT count(*) FROM outbox WHERE kind = ?1 AND state = 2";
    let count = |row: &Row<'_>, at: usize| Ok(row.get::<i64>(at)?.unsigned_abs());
    let live = reader.one(live, [kind], |row| Ok((count(row, 0)?, row.get(1)?)))?;
    let (waiting, oldest) = live.unwrap_or((0, None));
    Ok(Waiting { waiting, dead: reader.one(dead, [kind], |row| count(row, 0))?.unwrap_or(0), oldest })
}
