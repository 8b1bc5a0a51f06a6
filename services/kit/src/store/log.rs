//! The log of durable events: every statement that touches `topic` and `event`.

use super::{Reader, Tx, checksum};
use crate::{error::Error, params};
use bytes::Bytes;

/// How many events one trimming job drops at most.
const TRIM: usize = 512;

/// A page ends after this many bytes of events, so that it fits a gRPC message whatever the events are.
const PAGE_BYTES: usize = 1 << 20;

/// Where a topic's log ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    topic: i64,
    /// Sequence number of its newest event.
    pub(super) sequence: u64,
}

/// How far a topic's log goes. A topic that has no event yet ends at 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Sequence number of the newest event.
    pub(crate) head: u64,
    /// Sequence number of the oldest event that is kept; `head + 1` when none is.
    pub(crate) oldest: u64,
}

impl Extent {
    /// A topic without events.
    pub(crate) const EMPTY: Self = Self { head: 0, oldest: 1 };

    /// Whether everything after `after` is here to be read.
    pub(crate) fn covers(self, after: u64) -> bool {
        after <= self.head && self.oldest <= after + 1
    }
}

/// An event of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Logged {
    pub(crate) sequence: u64,
    /// causeway.event.v1.Event, encoded.
    pub(crate) event: Bytes,
}

/// A stretch of a topic's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    /// In order; not all when the page is full.
    pub(crate) events: Vec<Logged>,
    pub(crate) extent: Extent,
}

/// A topic whose log grew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) topic: String,
    pub(crate) head: u64,
}

const EXTENT: &str = "SELECT id, head, oldest FROM topic WHERE name = ?1";
const HEAD: &str = "SELECT id, head FROM topic WHERE name = ?1";

/// Says that the topic's next sequence number will be taken.
pub(super) fn foresee(tx: &Tx<'_>, topic: &str) -> Result<(), Error> {
    tx.foresee(HEAD, [topic])
}

/// Moves a topic's log on by one; `known` is where it ends, when that was asked before.
pub(super) fn advance(tx: &Tx<'_>, topic: &str, known: Option<Head>) -> Result<Head, Error> {
    // No RETURNING and no ON CONFLICT: with either, SQLite keeps a journal of the statement, which takes longer than both of
    // these.
    let found = || tx.one(HEAD, [topic], |row| Ok(Head { topic: row.get(0)?, sequence: row.get(1)? }));
    match known.map_or_else(found, |known| Ok(Some(known)))? {
        Some(Head { topic, sequence }) => {
            let next = Head { topic, sequence: sequence + 1 };
            tx.send("UPDATE topic SET head = ?2 WHERE id = ?1", params![topic, next.sequence])?;
            Ok(next)
        }
        None => {
            let topic = tx.insert("INSERT INTO topic (name, head, oldest) VALUES (?1, 1, 1)", [topic])?;
            Ok(Head { topic, sequence: 1 })
        }
    }
}

/// Writes the event that a log ends with.
pub(super) fn insert(tx: &Tx<'_>, position: i64, head: Head, event: &[u8]) -> Result<(), Error> {
    let sql =
        "INSERT INTO event (position, topic, sequence, time, body, checksum) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    tx.send(sql, params![position, head.topic, head.sequence, tx.now_micros(), event, checksum(event)])
}

/// At most `limit` events of a topic after a sequence number. Empty when the log does not cover it.
pub(crate) fn page(reader: &Reader<'_>, topic: &str, after: u64, limit: usize) -> Result<Page, Error> {
    let Some((id, extent)) = find(reader, topic)? else {
        return Ok(Page { events: Vec::new(), extent: Extent::EMPTY });
    };
    if after >= extent.head || !extent.covers(after) {
        return Ok(Page { events: Vec::new(), extent });
    }
    let sql = "SELECT sequence, body, checksum FROM event WHERE topic = ?1 AND sequence > ?2 ORDER BY sequence LIMIT ?3";
    let mut bytes = 0;
    let mut full = false;
    let events = reader.all(sql, params![id, after, limit], |row| {
        // Rows are looked at, but not copied, once the page is full.
        let body = row.sound(1, 2)?;
        full |= bytes > 0 && bytes + body.len() > PAGE_BYTES;
        bytes += body.len();
        Ok(if full {
            None
        } else {
            Some(Logged { sequence: row.get(0)?, event: Bytes::copy_from_slice(body) })
        })
    })?;
    Ok(Page { events: events.into_iter().flatten().collect(), extent })
}

/// Says that [`extent`] will be asked.
pub(crate) fn foresee_extent(reader: &Reader<'_>, topic: &str) -> Result<(), Error> {
    reader.foresee(EXTENT, [topic])
}

/// How far a topic's log goes.
pub(crate) fn extent(reader: &Reader<'_>, topic: &str) -> Result<Extent, Error> {
    Ok(find(reader, topic)?.map_or(Extent::EMPTY, |(_, extent)| extent))
}

fn find(reader: &Reader<'_>, topic: &str) -> Result<Option<(i64, Extent)>, Error> {
    reader.one(EXTENT, [topic], |row| Ok((row.get(0)?, Extent { head: row.get(1)?, oldest: row.get(2)? })))
}

/// The topics that got events after `position`, and the position to go on from.
pub(crate) fn moved(reader: &Reader<'_>, position: i64) -> Result<(Vec<Moved>, i64), Error> {
    let mut last = position;
    let sql = "SELECT topic.name, max(event.sequence), max(event.position)
               FROM event JOIN topic ON topic.id = event.topic WHERE event.position > ?1 GROUP BY topic.id, topic.name";
    let moved = reader.all(sql, [position], |row| {
        last = last.max(row.get(2)?);
        Ok(Moved { topic: row.get(0)?, head: row.get(1)? })
    })?;
    Ok((moved, last))
}

/// Drops the oldest events that are older than `before`, in microseconds since the epoch. True when there may be more.
///
/// Only a stretch from the start of the log is dropped: an event that is too young ends it, so that what is kept of a topic
/// has no gap.
pub(super) fn trim(tx: &Tx<'_>, before: i64) -> Result<bool, Error> {
    let sql = "SELECT position, time FROM event ORDER BY position LIMIT ?1";
    let oldest = tx.all(sql, [TRIM], |row| Ok((row.get::<i64>(0)?, row.get::<i64>(1)?)))?;
    let expired = oldest.iter().take_while(|(_, time)| *time < before);
    let Some((last, _)) = expired.last() else { return Ok(false) };
    tx.execute(
        "UPDATE topic SET oldest = dropped.last + 1
         FROM (SELECT topic, max(sequence) AS last FROM event WHERE position <= ?1 GROUP BY topic) AS dropped
         WHERE topic.id = dropped.topic",
        [last],
    )?;
    let dropped = tx.execute("DELETE FROM event WHERE position <= ?1", [last])?;
    Ok(dropped == TRIM)
}
