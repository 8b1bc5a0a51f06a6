//! Messages as they are stored: the protobuf message itself, and beside it what is asked for or changes on its own.

use causeway_kit::{
    Error,
    store::{Mismatch, Reader, Row, Tx, checksum, params},
};
use causeway_proto::chat::{DeliveryStatus, Message};
use prost::Message as _;

use crate::ids;

/// A message from the columns id, is_answered, delivery_status, delivery_error, body, checksum.
fn from_row(row: &Row<'_>) -> Result<Message, Mismatch> {
    let mut message = Message::decode(row.sound(4, 5)?).map_err(Mismatch::content)?;
    message.id = row.get(0)?;
    message.is_answered = row.get(1)?;
    message.delivery_status = row.get(2)?;
    message.delivery_error = row.get(3)?;
    Ok(message)
}

/// Stores a new message; its id.
pub(crate) fn insert(tx: &Tx<'_>, message: &Message, sender_id: &str) -> Result<i64, Error> {
    let body = message.encode_to_vec();
    tx.insert(
        "INSERT INTO message (conversation_id, sender_id, author, reply_to, delivery_status, body, checksum)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            message.conversation_id,
            sender_id,
            message.author,
            message.reply_to.and_then(ids::message),
            message.delivery_status,
            body,
            checksum(&body),
        ],
    )
}

/// Stores a message whose text was changed, or that was deleted at `deleted_at` (microseconds since the epoch).
pub(crate) fn update(tx: &Tx<'_>, message: &Message, deleted_at: Option<i64>) -> Result<(), Error> {
    let sql = "UPDATE message SET deleted_at = ?2, body = ?3, checksum = ?4 WHERE id = ?1";
    let body = message.encode_to_vec();
    tx.execute(sql, params![ids::message(message.id), deleted_at, body, checksum(&body)])?;
    Ok(())
}

/// Stores how far an outbound message got.
pub(crate) fn update_delivery(tx: &Tx<'_>, message: &Message) -> Result<(), Error> {
    let sql = "UPDATE message SET delivery_status = ?2, delivery_error = ?3 WHERE id = ?1";
    tx.execute(sql, params![ids::message(message.id), message.delivery_status, message.delivery_error])?;
    Ok(())
}

/// Notes that the customer's messages in a conversation are answered. 2 is `AUTHOR_CUSTOMER`, spelled out so that the
/// index of such messages is used.
pub(crate) fn note_answered(tx: &Tx<'_>, conversation_id: &str) -> Result<(), Error> {
    let sql =
        "UPDATE message SET is_answered = 1 WHERE conversation_id = ?1 AND author = 2 AND is_answered = 0";
    tx.execute(sql, [conversation_id])?;
    Ok(())
}

/// A message, wherever it is.
pub(crate) fn find(reader: &Reader<'_>, id: i64) -> Result<Option<Message>, Error> {
    let sql =
        "SELECT id, is_answered, delivery_status, delivery_error, body, checksum FROM message WHERE id = ?1";
    reader.one(sql, [id], from_row)
}

/// A message of a conversation, or `NOT_FOUND`.
pub(crate) fn get(reader: &Reader<'_>, conversation_id: &str, id: u64) -> Result<Message, Error> {
    let found = match ids::message(id) {
        Some(id) => find(reader, id)?,
        None => None,
    };
    found.filter(|message| message.conversation_id == conversation_id).ok_or_else(not_found)
}

const IN_CONVERSATION: &str = "SELECT 1 FROM message WHERE id = ?1 AND conversation_id = ?2";

/// Says that it will be checked whether a message is in a conversation.
pub(crate) fn foresee(reader: &Reader<'_>, conversation_id: &str, id: u64) -> Result<(), Error> {
    ids::message(id).map_or(Ok(()), |id| reader.foresee(IN_CONVERSATION, params![id, conversation_id]))
}

/// Checks that a message is in a conversation, or answers `NOT_FOUND`.
pub(crate) fn require(reader: &Reader<'_>, conversation_id: &str, id: u64) -> Result<i64, Error> {
    let id = ids::message(id).ok_or_else(not_found)?;
    let found = reader.one(IN_CONVERSATION, params![id, conversation_id], |_| Ok(()))?;
    found.map(|()| id).ok_or_else(not_found)
}

fn not_found() -> Error {
    Error::not_found("message")
}

/// At most `limit` messages of a conversation that are older than `before`, newest first.
pub(crate) fn older(
    reader: &Reader<'_>,
    conversation_id: &str,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<Message>, Error> {
    reader.all(
        "SELECT id, is_answered, delivery_status, delivery_error, body, checksum FROM message
         WHERE conversation_id = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3",
        params![conversation_id, before.unwrap_or(i64::MAX), limit],
        from_row,
    )
}

/// At most `limit` answers to a message, oldest first.
pub(crate) fn replies(reader: &Reader<'_>, id: u64, limit: u32) -> Result<Vec<Message>, Error> {
    reader.all(
        "SELECT id, is_answered, delivery_status, delivery_error, body, checksum FROM message
         WHERE reply_to = ?1 ORDER BY id LIMIT ?2",
        params![ids::message(id), limit],
        from_row,
    )
}

/// Ids and senders of the newest `limit` messages of others in a conversation that are newer than `after` and not newer
/// than `until`; oldest first.
pub(crate) fn arrived(
    reader: &Reader<'_>,
    conversation_id: &str,
    recipient_id: &str,
    (after, until): (i64, i64),
    limit: u32,
) -> Result<Vec<(u64, String)>, Error> {
    let mut newest: Vec<(u64, String)> = reader.all(
        "SELECT id, sender_id FROM message
         WHERE conversation_id = ?1 AND id > ?2 AND id <= ?3 AND sender_id <> ?4 AND deleted_at IS NULL
         ORDER BY id DESC LIMIT ?5",
        params![conversation_id, after, until, recipient_id, limit],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    newest.reverse();
    Ok(newest)
}

/// At most `limit` messages of ours in a support conversation that the channel took, and that got no further than `furthest`
/// (`SENT` or `DELIVERED`); newest first.
pub(crate) fn on_their_way(
    reader: &Reader<'_>,
    conversation_id: &str,
    furthest: DeliveryStatus,
    limit: u32,
) -> Result<Vec<Message>, Error> {
    // The list is spelled out so that the index of such messages is used.
    reader.all(
        "SELECT id, is_answered, delivery_status, delivery_error, body, checksum FROM message
         WHERE conversation_id = ?1 AND delivery_status IN (2, 3) AND delivery_status <= ?2
         ORDER BY id DESC LIMIT ?3",
        params![conversation_id, furthest as i32, limit],
        from_row,
    )
}

/// The id of the newest message of all; 0 when there is none.
pub(crate) fn head(reader: &Reader<'_>) -> Result<i64, Error> {
    let sql = "SELECT coalesce(max(id), 0) FROM message";
    Ok(reader.one(sql, [], |row| row.get(0))?.unwrap_or(0))
}

/// At most `limit` messages with ids after `after`, of all conversations, in order.
pub(crate) fn after(reader: &Reader<'_>, after: i64, limit: i64) -> Result<Vec<Message>, Error> {
    reader.all(
        "SELECT id, is_answered, delivery_status, delivery_error, body, checksum FROM message
         WHERE id > ?1 ORDER BY id LIMIT ?2",
        params![after, limit],
        from_row,
    )
}
