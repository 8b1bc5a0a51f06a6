//! How many messages of others somebody has not read.
//!
//! Counting walks through what is unread. In a support conversation every participant is told the number with each message of
//! the customer, so there it is kept beside the participant: a new message adds one, and whatever else changes the number
//! forgets it, after which the next message counts anew.

use causeway_kit::{
    Error,
    store::{Reader, Tx, params},
};

/// Unread messages are counted up to here, so that a reader who never reads costs no more than that.
const COUNTED: u32 = 10_000;

const OF_ONE: &str = "SELECT coalesce(p.unread, (
         SELECT count(*) FROM (
             SELECT 1 FROM message AS m
             WHERE m.conversation_id = p.conversation_id AND m.id > p.read_message_id
                 AND m.sender_id <> p.user_id AND m.deleted_at IS NULL
             LIMIT ?3) AS counted))
     FROM participant AS p WHERE p.conversation_id = ?1 AND p.user_id = ?2";

/// Says that [`of`] will be asked.
pub(crate) fn foresee(reader: &Reader<'_>, conversation_id: &str, user_id: &str) -> Result<(), Error> {
    reader.foresee(OF_ONE, params![conversation_id, user_id, COUNTED])
}

/// What a user has not read; 0 for somebody who is not in the conversation.
pub(crate) fn of(reader: &Reader<'_>, conversation_id: &str, user_id: &str) -> Result<u32, Error> {
    let count = reader.one(OF_ONE, params![conversation_id, user_id, COUNTED], |row| row.get(0))?;
    Ok(count.unwrap_or(0))
}

/// What each participant has not read, in the order they joined.
pub(crate) fn of_all(reader: &Reader<'_>, conversation_id: &str) -> Result<Vec<(String, u32)>, Error> {
    reader.all(
        "SELECT p.user_id, coalesce(p.unread, (
             SELECT count(*) FROM (
                 SELECT 1 FROM message AS m
                 WHERE m.conversation_id = p.conversation_id AND m.id > p.read_message_id
                     AND m.sender_id <> p.user_id AND m.deleted_at IS NULL
                 LIMIT ?2) AS counted))
         FROM participant AS p WHERE p.conversation_id = ?1 AND p.role <> 0 ORDER BY p.place",
        params![conversation_id, COUNTED],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// Counts a message that has just been stored in a support conversation: what each participant but its sender has not read
/// now. Where the number was not kept, it is from here on.
pub(crate) fn add(tx: &Tx<'_>, conversation_id: &str, sender_id: &str) -> Result<Vec<(String, u32)>, Error> {
    tx.all(
        "UPDATE participant AS p SET unread = min(?3, coalesce(p.unread + 1, (
             SELECT count(*) FROM (
                 SELECT 1 FROM message AS m
                 WHERE m.conversation_id = p.conversation_id AND m.id > p.read_message_id
                     AND m.sender_id <> p.user_id AND m.deleted_at IS NULL
                 LIMIT ?3) AS counted)))
         WHERE p.conversation_id = ?1 AND p.role <> 0 AND p.user_id <> ?2 RETURNING user_id, unread",
        params![conversation_id, sender_id, COUNTED],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// Forgets what is kept of a conversation, one of whose messages does not count any more.
pub(crate) fn forget(tx: &Tx<'_>, conversation_id: &str) -> Result<(), Error> {
    let sql = "UPDATE participant SET unread = NULL WHERE conversation_id = ?1 AND unread IS NOT NULL";
    tx.execute(sql, [conversation_id]).map(drop)
}
