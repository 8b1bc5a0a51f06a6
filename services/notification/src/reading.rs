//! What a user has read of a topic: everything up to a mark, and single notifications after it. The mark
//! moves over what is read without a gap, so that the singles stay few.

use causeway_kit::{
    Error,
    store::{Reader, Tx, params},
};

/// Up to which notification the user has read everything; 0 when there is no mark.
pub(crate) fn read_through(reader: &Reader<'_>, user_id: &str, topic: &str) -> Result<i64, Error> {
    let through = reader.one(
        "SELECT notification_id FROM read_through WHERE user_id = ?1 AND topic = ?2",
        params![user_id, topic],
        |row| row.get(0),
    )?;
    Ok(through.unwrap_or(0))
}

/// Whether the user has read one notification of the topic.
pub(crate) fn is_read(reader: &Reader<'_>, user_id: &str, topic: &str, id: i64) -> Result<bool, Error> {
    if id <= read_through(reader, user_id, topic)? {
        return Ok(true);
    }
    let mark = reader.one(
        "SELECT 1 FROM read_mark WHERE user_id = ?1 AND topic = ?2 AND notification_id = ?3",
        params![user_id, topic, id],
        |_| Ok(()),
    )?;
    Ok(mark.is_some())
}

/// How many of the topic the user has not read.
pub(crate) fn unread_count(reader: &Reader<'_>, user_id: &str, topic: &str) -> Result<u32, Error> {
    let through = read_through(reader, user_id, topic)?;
    let count = reader.one(
        "SELECT COUNT(*) FROM notification n WHERE topic = ?2 AND id > ?3 AND NOT EXISTS (
             SELECT 1 FROM read_mark WHERE user_id = ?1 AND topic = ?2 AND notification_id = n.id)",
        params![user_id, topic, through],
        |row| row.get::<u32>(0),
    )?;
    Ok(count.unwrap_or(0))
}

/// The notification with that collapse key, when the user has not read it. Only the newest of a key can be
/// unread.
pub(crate) fn unread_with_key(
    reader: &Reader<'_>,
    user_id: &str,
    topic: &str,
    key: &str,
) -> Result<Option<i64>, Error> {
    let newest = reader.one(
        "SELECT id FROM notification WHERE topic = ?1 AND collapse_key = ?2 ORDER BY id DESC LIMIT 1",
        params![topic, key],
        |row| row.get(0),
    )?;
    match newest {
        Some(id) if !is_read(reader, user_id, topic, id)? => Ok(Some(id)),
        Some(_) | None => Ok(None),
    }
}

/// Marks one of the topic; false when it was read already.
pub(crate) fn mark_one(tx: &Tx<'_>, user_id: &str, topic: &str, id: i64) -> Result<bool, Error> {
    if is_read(tx, user_id, topic, id)? {
        return Ok(false);
    }
    tx.execute(
        "INSERT INTO read_mark (user_id, topic, notification_id) VALUES (?1, ?2, ?3)",
        params![user_id, topic, id],
    )?;
    let through = match first_unread(tx, user_id, topic)? {
        Some(unread) => unread - 1,
        None => id,
    };
    move_mark(tx, user_id, topic, through)?;
    Ok(true)
}

/// Marks all of the topic; false when all were read already.
pub(crate) fn mark_all(tx: &Tx<'_>, user_id: &str, topic: &str) -> Result<bool, Error> {
    if first_unread(tx, user_id, topic)?.is_none() {
        return Ok(false);
    }
    let newest = tx.one(
        "SELECT id FROM notification WHERE topic = ?1 ORDER BY id DESC LIMIT 1",
        params![topic],
        |row| row.get(0),
    )?;
    move_mark(tx, user_id, topic, newest.unwrap_or(0))?;
    Ok(true)
}

fn first_unread(reader: &Reader<'_>, user_id: &str, topic: &str) -> Result<Option<i64>, Error> {
    let through = read_through(reader, user_id, topic)?;
    reader.one(
        "SELECT id FROM notification n WHERE topic = ?2 AND id > ?3 AND NOT EXISTS (
             SELECT 1 FROM read_mark WHERE user_id = ?1 AND topic = ?2 AND notification_id = n.id)
         ORDER BY id LIMIT 1",
        params![user_id, topic, through],
        |row| row.get(0),
    )
}

fn move_mark(tx: &Tx<'_>, user_id: &str, topic: &str, through: i64) -> Result<(), Error> {
    if through <= read_through(tx, user_id, topic)? {
        return Ok(());
    }
    tx.execute(
        "INSERT INTO read_through (user_id, topic, notification_id) VALUES (?1, ?2, ?3)
         ON CONFLICT (user_id, topic) DO UPDATE SET notification_id = excluded.notification_id",
        params![user_id, topic, through],
    )?;
    tx.execute(
        "DELETE FROM read_mark WHERE user_id = ?1 AND topic = ?2 AND notification_id <= ?3",
        params![user_id, topic, through],
    )?;
    Ok(())
}
