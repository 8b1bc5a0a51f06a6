//! Messages to many: who is to be notified is stored at once, and notified in groups. What a group did and
//! how far the message is are one transaction, so that nobody is notified twice or forgotten, however often
//! the service stops in between. A notice to many is such a message too, and so is each of its updates.

use std::collections::HashSet;

use causeway_kit::{
    Error,
    store::{Reader, Tx, params},
};
use causeway_proto::{
    id::Given,
    notification::{Bulk, BulkState, Content},
    time::from_micros,
    topic::Topic,
};

use crate::{once::Once, person, publish};

/// The canonical ids, each once, in the order given.
pub(crate) fn recipients(reader: &Reader<'_>, given: Vec<Given>) -> Result<Vec<String>, Error> {
    let mut known = HashSet::with_capacity(given.len());
    let mut ids = Vec::with_capacity(given.len());
    for given in given {
        let id = person::resolve(reader, given)?;
        if known.insert(id.clone()) {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// Stores a bulk message that is to be sent; true when it was stored before.
pub(crate) fn start(
    tx: &Tx<'_>,
    user_ids: &[String],
    content: &Content,
    once: &Once,
) -> Result<(Bulk, bool), Error> {
    if let Some(id) = once.result(tx)? {
        return Ok((get(tx, id)?, true));
    }
    let bulk = get(tx, insert(tx, user_ids, content, None)?)?;
    once.remember(tx, bulk.id)?;
    Ok((bulk, false))
}

/// Stores a bulk message that is to be sent, as what a notice says when it is one; its id.
pub(crate) fn insert(
    tx: &Tx<'_>,
    user_ids: &[String],
    content: &Content,
    notice: Option<i64>,
) -> Result<i64, Error> {
    let Content { title, message, notification_type, data } = content;
    let (state, now) = (BulkState::Running as i32, tx.now_micros());
    let total = i64::try_from(user_ids.len()).map_err(Error::internal)?;
    let id = tx.insert(
        "INSERT INTO bulk (title, message, type, data, state, total, done, created_at, updated_at, notice)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, ?7, ?8)",
        params![title, message, notification_type, data, state, total, now, notice],
    )?;
    let list = serde_json::to_string(user_ids).map_err(Error::internal)?;
    tx.execute(
        "INSERT INTO bulk_recipient (bulk_id, position, user_id) SELECT ?1, key, value FROM json_each(?2)",
        params![id, list],
    )?;
    Ok(id)
}

/// Reads where a bulk message stands. `NOT_FOUND` when there is none.
pub(crate) fn get(reader: &Reader<'_>, id: i64) -> Result<Bulk, Error> {
    let found = reader.one(
        "SELECT state, total, done, created_at, updated_at FROM bulk WHERE id = ?1",
        params![id],
        |row| {
            Ok(Bulk {
                id: u64::try_from(id).unwrap_or_default(),
                state: row.get(0)?,
                total: u64::from(row.get::<u32>(1)?),
                done: u64::from(row.get::<u32>(2)?),
                created_at: Some(from_micros(row.get(3)?)),
                updated_at: Some(from_micros(row.get(4)?)),
            })
        },
    )?;
    found.ok_or_else(|| Error::not_found("bulk message"))
}

/// Stops a bulk message. `FAILED_PRECONDITION` when it has ended.
pub(crate) fn cancel(tx: &Tx<'_>, id: i64) -> Result<Bulk, Error> {
    if has_ended(&get(tx, id)?) {
        return Err(Error::conflict("the bulk message has ended"));
    }
    tx.execute(
        "UPDATE bulk SET state = ?2, updated_at = ?3 WHERE id = ?1",
        params![id, BulkState::Cancelled as i32, tx.now_micros()],
    )?;
    tx.execute("DELETE FROM bulk_recipient WHERE bulk_id = ?1", params![id])?;
    get(tx, id)
}

/// Stops what goes on of a notice.
pub(crate) fn cancel_notice(tx: &Tx<'_>, notice: i64) -> Result<(), Error> {
    let sql = "SELECT id FROM bulk WHERE notice = ?1 AND state = 1";
    for id in tx.all(sql, params![notice], |row| row.get(0))? {
        cancel(tx, id)?;
    }
    Ok(())
}

/// Whether a bulk message goes on no more.
pub(crate) fn has_ended(bulk: &Bulk) -> bool {
    match bulk.state() {
        BulkState::Running => false,
        BulkState::Done | BulkState::Cancelled | BulkState::Unspecified => true,
    }
}

/// Whether a message is under way.
pub(crate) fn is_under_way(reader: &Reader<'_>) -> Result<bool, Error> {
    Ok(reader.one("SELECT 1 FROM bulk WHERE state = 1 LIMIT 1", params![], |_| Ok(()))?.is_some())
}

/// Notifies the next group of the bulk message that waits longest; how many, or `None` when no message is
/// under way.
pub(crate) fn step(tx: &mut Tx<'_>, group: usize) -> Result<Option<usize>, Error> {
    let next = tx.one(
        "SELECT id, title, message, type, data, notice FROM bulk WHERE state = 1 ORDER BY updated_at LIMIT 1",
        params![],
        |row| {
            let content = Content {
                title: row.get(1)?,
                message: row.get(2)?,
                notification_type: row.get(3)?,
                data: row.get(4)?,
            };
            Ok((row.get::<i64>(0)?, content, row.get::<Option<i64>>(5)?))
        },
    )?;
    let Some((id, content, notice)) = next else { return Ok(None) };
    let recipients = tx.all(
        "SELECT position, user_id FROM bulk_recipient WHERE bulk_id = ?1 ORDER BY position LIMIT ?2",
        params![id, i64::try_from(group.max(1)).unwrap_or(i64::MAX)],
        |row| Ok((row.get::<i64>(0)?, row.get::<String>(1)?)),
    )?;
    for (_, user_id) in &recipients {
        match notice {
            Some(notice) => publish::show(tx, Topic::User(user_id), &content, notice)?,
            None => publish::deliver(tx, user_id, &content, None)?,
        };
    }
    if let Some((last, _)) = recipients.last() {
        tx.execute("DELETE FROM bulk_recipient WHERE bulk_id = ?1 AND position <= ?2", params![id, last])?;
    }
    tx.execute(
        "UPDATE bulk SET done = done + ?2, updated_at = ?3,
             state = CASE WHEN done + ?2 >= total THEN ?4 ELSE state END
         WHERE id = ?1",
        params![
            id,
            i64::try_from(recipients.len()).map_err(Error::internal)?,
            tx.now_micros(),
            BulkState::Done as i32
        ],
    )?;
    Ok(Some(recipients.len()))
}
