//! Conversations as they are stored. How one looks to somebody is [`crate::views`]; who is in it is
//! [`crate::participants`].

use causeway_kit::{
    Error,
    store::{Mismatch, Reader, Row, Tx, params},
};
use causeway_proto::{
    chat::{ConversationKind, ConversationStatus},
    id,
};

use crate::ids;

/// Numbers from here on are not read exactly by every frontend.
const FIRST_INEXACT: u64 = 1 << 53;

/// A conversation.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) id: String,
    pub(crate) kind: ConversationKind,
    pub(crate) name: String,
    /// The two users of a one-to-one conversation, in the order of their ids.
    pub(crate) pair: Option<(String, String)>,
    /// The outside customer of a support conversation.
    pub(crate) customer_id: Option<String>,
    pub(crate) status: ConversationStatus,
    pub(crate) priority: i32,
    /// Without the customer.
    pub(crate) participant_count: u32,
    pub(crate) last_message_id: Option<i64>,
    /// Microseconds since the epoch, as the next.
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
}

/// How many columns [`from_row`] reads: id, kind, name, pair_low, pair_high, customer_id, status, priority,
/// participant_count, last_message_id, created_at, updated_at.
pub(crate) const COLUMN_COUNT: usize = 12;

/// A conversation from the columns that start at `at`.
pub(crate) fn from_row(row: &Row<'_>, at: usize) -> Result<Stored, Mismatch> {
    let kind: i32 = row.get(at + 1)?;
    let status: i32 = row.get(at + 6)?;
    let low: Option<String> = row.get(at + 3)?;
    Ok(Stored {
        id: row.get(at)?,
        kind: ConversationKind::try_from(kind).unwrap_or_default(),
        name: row.get(at + 2)?,
        pair: low.zip(row.get(at + 4)?),
        customer_id: row.get(at + 5)?,
        status: ConversationStatus::try_from(status).unwrap_or_default(),
        priority: row.get(at + 7)?,
        participant_count: row.get(at + 8)?,
        last_message_id: row.get(at + 9)?,
        created_at: row.get(at + 10)?,
        updated_at: row.get(at + 11)?,
    })
}

const CONVERSATION: &str =
    "SELECT id, kind, name, pair_low, pair_high, customer_id, status, priority, participant_count,
            last_message_id, created_at, updated_at
     FROM conversation WHERE id = ?1";

/// Says that a conversation will be looked for.
pub(crate) fn foresee(reader: &Reader<'_>, id: &str) -> Result<(), Error> {
    reader.foresee(CONVERSATION, [id])
}

/// A conversation by its canonical id.
pub(crate) fn find(reader: &Reader<'_>, id: &str) -> Result<Option<Stored>, Error> {
    reader.one(CONVERSATION, [id], |row| from_row(row, 0))
}

/// A conversation, or `NOT_FOUND`.
pub(crate) fn get(reader: &Reader<'_>, id: &str) -> Result<Stored, Error> {
    find(reader, id)?.ok_or_else(not_found)
}

/// What is answered for a conversation that does not exist, and for one that the user is not in.
pub(crate) fn not_found() -> Error {
    Error::not_found("conversation")
}

/// Two users in the order in which a pair is stored.
pub(crate) fn pair(one: &str, other: &str) -> (String, String) {
    let (low, high) = if one < other { (one, other) } else { (other, one) };
    (low.to_owned(), high.to_owned())
}

/// The id of the one-to-one conversation of two users.
pub(crate) fn find_pair(
    reader: &Reader<'_>,
    (low, high): &(String, String),
) -> Result<Option<String>, Error> {
    let sql = "SELECT id FROM conversation WHERE pair_low = ?1 AND pair_high = ?2";
    reader.one(sql, params![low, high], |row| row.get(0))
}

/// Conversations of one user, or all; only those of `kind` and `status` where these are given. Most urgent first, then
/// latest activity.
pub(crate) fn list(
    reader: &Reader<'_>,
    user_id: Option<&str>,
    kind: ConversationKind,
    status: ConversationStatus,
    limit: u32,
) -> Result<Vec<Stored>, Error> {
    let (kind, status) = (kind as i32, status as i32);
    match user_id {
        Some(user_id) => reader.all(
            "SELECT c.id, c.kind, c.name, c.pair_low, c.pair_high, c.customer_id, c.status, c.priority,
                    c.participant_count, c.last_message_id, c.created_at, c.updated_at
             FROM participant AS p CROSS JOIN conversation AS c ON c.id = p.conversation_id
             WHERE p.user_id = ?1 AND (?2 = 0 OR c.kind = ?2) AND (?3 = 0 OR c.status = ?3)
             ORDER BY c.priority DESC, c.updated_at DESC, c.id LIMIT ?4",
            params![user_id, kind, status, limit],
            |row| from_row(row, 0),
        ),
        None => reader.all(
            "SELECT id, kind, name, pair_low, pair_high, customer_id, status, priority, participant_count,
                    last_message_id, created_at, updated_at
             FROM conversation WHERE (?1 = 0 OR kind = ?1) AND (?2 = 0 OR status = ?2)
             ORDER BY priority DESC, updated_at DESC, id LIMIT ?3",
            params![kind, status, limit],
            |row| from_row(row, 0),
        ),
    }
}

/// Stores a new conversation.
pub(crate) fn insert(tx: &Tx<'_>, new: &Stored) -> Result<(), Error> {
    let number = id::as_number(&new.id).filter(|number| *number < FIRST_INEXACT);
    let (low, high) = new.pair.as_ref().map(|(low, high)| (low.as_str(), high.as_str())).unzip();
    tx.execute(
        "INSERT INTO conversation (id, uuid, number, kind, name, pair_low, pair_high, customer_id, status, priority,
                                   participant_count, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        params![
            new.id,
            ids::lookup_key(&new.id),
            number.and_then(|number| i64::try_from(number).ok()),
            new.kind as i32,
            new.name,
            low,
            high,
            new.customer_id,
            new.status as i32,
            new.priority,
            new.participant_count,
            new.created_at,
            new.updated_at,
        ],
    )?;
    Ok(())
}

/// Stores what may change in a conversation without a message, as changed now.
pub(crate) fn update(tx: &Tx<'_>, changed: &mut Stored) -> Result<(), Error> {
    changed.updated_at = tx.now_micros();
    tx.execute(
        "UPDATE conversation SET name = ?2, status = ?3, priority = ?4, participant_count = ?5, updated_at = ?6
         WHERE id = ?1",
        params![
            changed.id,
            changed.name,
            changed.status as i32,
            changed.priority,
            changed.participant_count,
            changed.updated_at,
        ],
    )?;
    Ok(())
}

/// Notes a conversation's newest message, stored now.
pub(crate) fn note_message(tx: &Tx<'_>, id: &str, message_id: i64) -> Result<(), Error> {
    let sql = "UPDATE conversation SET last_message_id = ?2, updated_at = ?3 WHERE id = ?1";
    tx.send(sql, params![id, message_id, tx.now_micros()])
}

/// The next free number, as an id.
pub(crate) fn next_id(tx: &Tx<'_>) -> Result<String, Error> {
    let sql = "SELECT coalesce(max(number), 0) + 1 FROM conversation";
    let next: u64 = tx.one(sql, [], |row| row.get(0))?.unwrap_or(1);
    if next < FIRST_INEXACT {
        return Ok(next.to_string());
    }
    Err(Error::conflict("no conversation number is free; give an id"))
}
