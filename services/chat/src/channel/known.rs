//! What the provider calls our messages. Its ids are its own for each customer, so they are kept for each conversation.

use causeway_kit::{
    Error,
    store::{Reader, Tx, params},
};

use crate::ids;

/// The message that a provider's id stands for.
pub(super) fn message(
    reader: &Reader<'_>,
    conversation_id: &str,
    provider_message_id: &str,
) -> Result<Option<i64>, Error> {
    // The empty id is spelled out so that the index of the others is used.
    let sql = "SELECT message_id FROM channel_message
               WHERE conversation_id = ?1 AND provider_message_id = ?2 AND provider_message_id <> ''";
    reader.one(sql, [conversation_id, provider_message_id], |row| row.get(0))
}

/// The provider's ids of a message's parts, in order; empty where it gave none.
pub(super) fn parts(reader: &Reader<'_>, message_id: u64) -> Result<Vec<String>, Error> {
    let sql = "SELECT provider_message_id FROM channel_message WHERE message_id = ?1 ORDER BY part";
    reader.all(sql, [ids::message(message_id)], |row| row.get(0))
}

/// Notes the provider's id of a message that came in.
pub(super) fn note(
    tx: &Tx<'_>,
    conversation_id: &str,
    message_id: u64,
    provider_message_id: &str,
) -> Result<(), Error> {
    let sql = "INSERT INTO channel_message (message_id, part, conversation_id, provider_message_id)
               VALUES (?1, 0, ?2, ?3)";
    tx.execute(sql, params![ids::message(message_id), conversation_id, provider_message_id]).map(drop)
}

/// A part of a message as it went out.
pub(super) struct Part<'a> {
    pub(super) message_id: i64,
    pub(super) part: u32,
    pub(super) conversation_id: &'a str,
    /// Empty when the provider gave none.
    pub(super) provider_message_id: &'a str,
    pub(super) delivery_id: i64,
}

/// Notes that a part went out. What its id stood for before, or what it was called before, is forgotten.
pub(super) fn note_part(tx: &Tx<'_>, part: &Part<'_>) -> Result<(), Error> {
    let Part { message_id, part, conversation_id, provider_message_id, delivery_id } = part;
    let stale = "DELETE FROM channel_message WHERE (message_id = ?1 AND part = ?2)
                     OR (conversation_id = ?3 AND provider_message_id = ?4 AND provider_message_id <> '')";
    tx.execute(stale, params![message_id, part, conversation_id, provider_message_id])?;
    let sql =
        "INSERT INTO channel_message (message_id, part, conversation_id, provider_message_id, delivery_id)
               VALUES (?1, ?2, ?3, ?4, ?5)";
    tx.execute(sql, params![message_id, part, conversation_id, provider_message_id, delivery_id]).map(drop)
}

/// The message that went out with a delivery to a plugin.
pub(super) fn of_delivery(reader: &Reader<'_>, plugin: &str, delivery_id: i64) -> Result<Option<i64>, Error> {
    let sql = "SELECT m.message_id FROM channel_message AS m
               JOIN channel_customer AS c ON c.conversation_id = m.conversation_id
               WHERE m.delivery_id = ?1 AND c.plugin = ?2 ORDER BY m.message_id DESC LIMIT 1";
    reader.one(sql, params![delivery_id, plugin], |row| row.get(0))
}
