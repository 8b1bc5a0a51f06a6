//! Who is in a conversation. The outside customer of a support conversation is in it with a role of its own, reads and
//! writes, but is neither counted nor listed.

use causeway_kit::{
    Error,
    store::{Reader, Tx, params},
};
use causeway_proto::{
    chat::{Participant, Role},
    time,
};

use crate::users;

/// Most participants that are listed with a conversation: larger ones are known by their count.
const LISTED: u32 = 1_000;

const WITH_PROFILES: &str =
    "SELECT p.role, p.joined_at, u.id, u.username, u.name, u.first_name, u.last_name, u.email, u.source,
            u.profile_picture, u.is_active, u.created_at
     FROM participant AS p CROSS JOIN user AS u ON u.id = p.user_id
     WHERE p.conversation_id = ?1 AND p.role <> 0 ORDER BY p.place LIMIT ?2";

/// Says that [`list`] will be asked.
pub(crate) fn foresee_list(reader: &Reader<'_>, conversation_id: &str) -> Result<(), Error> {
    reader.foresee(WITH_PROFILES, params![conversation_id, LISTED])
}

/// Participants with their profiles, in the order they joined; at most the first 1 000.
pub(crate) fn list(reader: &Reader<'_>, conversation_id: &str) -> Result<Vec<Participant>, Error> {
    first(reader, conversation_id, LISTED)
}

/// The same, at most `limit` of them.
pub(crate) fn first(
    reader: &Reader<'_>,
    conversation_id: &str,
    limit: u32,
) -> Result<Vec<Participant>, Error> {
    reader.all(WITH_PROFILES, params![conversation_id, limit], |row| {
        Ok(Participant {
            role: row.get(0)?,
            joined_at: Some(time::from_micros(row.get(1)?)),
            user: Some(users::from_row(row, 2)?),
        })
    })
}

/// The ids of at most `limit` participants, in the order they joined.
pub(crate) fn ids(reader: &Reader<'_>, conversation_id: &str, limit: u32) -> Result<Vec<String>, Error> {
    reader.all(
        "SELECT user_id FROM participant WHERE conversation_id = ?1 AND role <> 0 ORDER BY place LIMIT ?2",
        params![conversation_id, limit],
        |row| row.get(0),
    )
}

const HAS: &str = "SELECT 1 FROM participant WHERE conversation_id = ?1 AND user_id = ?2";

/// Says that [`has`] will be asked.
pub(crate) fn foresee(reader: &Reader<'_>, conversation_id: &str, user_id: &str) -> Result<(), Error> {
    reader.foresee(HAS, params![conversation_id, user_id])
}

/// Whether a user is in a conversation, the customer as well.
pub(crate) fn has(reader: &Reader<'_>, conversation_id: &str, user_id: &str) -> Result<bool, Error> {
    Ok(reader.one(HAS, params![conversation_id, user_id], |_| Ok(()))?.is_some())
}

/// Users who have read up to and including `message_id` or further, and how far; sorted by id.
pub(crate) fn readers(
    reader: &Reader<'_>,
    conversation_id: &str,
    message_id: i64,
) -> Result<Vec<(String, u64)>, Error> {
    reader.all(
        "SELECT user_id, read_message_id FROM participant
         WHERE conversation_id = ?1 AND read_message_id >= ?2 ORDER BY user_id",
        params![conversation_id, message_id],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// Users whom `message_id` reached, sorted by id. Whoever has read a message has got it.
pub(crate) fn reached(
    reader: &Reader<'_>,
    conversation_id: &str,
    message_id: i64,
) -> Result<Vec<String>, Error> {
    reader.all(
        "SELECT user_id FROM participant
         WHERE conversation_id = ?1 AND max(read_message_id, delivered_message_id) >= ?2 ORDER BY user_id",
        params![conversation_id, message_id],
        |row| row.get(0),
    )
}

/// The users that share a conversation of at most `limit` participants with a user; at most 1 000, sorted.
pub(crate) fn contacts(reader: &Reader<'_>, user_id: &str, limit: u32) -> Result<Vec<String>, Error> {
    reader.all(
        "SELECT DISTINCT other.user_id
         FROM participant AS own
         CROSS JOIN conversation AS c ON c.id = own.conversation_id AND c.participant_count <= ?2
         CROSS JOIN participant AS other ON other.conversation_id = c.id
         WHERE own.user_id = ?1 AND other.user_id <> ?1
         ORDER BY other.user_id LIMIT 1000",
        params![user_id, limit],
        |row| row.get(0),
    )
}

/// Puts users into a conversation that they are not in, in the order given.
pub(crate) fn insert(tx: &Tx<'_>, conversation_id: &str, users: &[(&str, Role)]) -> Result<(), Error> {
    let sql = "SELECT coalesce(max(place), 0) FROM participant WHERE conversation_id = ?1";
    let mut place: i64 = tx.one(sql, [conversation_id], |row| row.get(0))?.unwrap_or(0);
    for (user_id, role) in users {
        place += 1;
        tx.execute(
            "INSERT INTO participant (conversation_id, user_id, role, place, joined_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![conversation_id, user_id, *role as i32, place, tx.now_micros()],
        )?;
    }
    Ok(())
}

/// Takes a participant out; false when the user is none.
pub(crate) fn delete(tx: &Tx<'_>, conversation_id: &str, user_id: &str) -> Result<bool, Error> {
    let sql = "DELETE FROM participant WHERE conversation_id = ?1 AND user_id = ?2 AND role <> 0";
    Ok(tx.execute(sql, params![conversation_id, user_id])? > 0)
}

/// Notes that a user has read up to and including a message, now; what is left unread is counted when it is asked for.
pub(crate) fn note_read(
    tx: &Tx<'_>,
    conversation_id: &str,
    user_id: &str,
    message_id: i64,
) -> Result<(), Error> {
    let sql = "UPDATE participant SET read_message_id = ?3, read_at = ?4, unread = NULL
               WHERE conversation_id = ?1 AND user_id = ?2";
    tx.send(sql, params![conversation_id, user_id, message_id, tx.now_micros()])
}

/// Notes that messages up to and including one reached a user.
pub(crate) fn note_delivered(
    tx: &Tx<'_>,
    conversation_id: &str,
    user_id: &str,
    message_id: i64,
) -> Result<(), Error> {
    let sql = "UPDATE participant SET delivered_message_id = ?3 WHERE conversation_id = ?1 AND user_id = ?2";
    tx.send(sql, params![conversation_id, user_id, message_id])
}
