//! Makes notifications: stores them, and tells whoever listens, in one transaction.

use causeway_kit::{
    Error,
    store::{Reader, Tx, params},
};
use causeway_proto::{
    event::{Source, event::Body},
    notification::{Content, Notification, NotificationPublished},
    time::from_micros,
    topic::Topic,
};

use crate::{once::Once, person, reading};

/// A notification as stored, and whether it was stored before.
#[derive(Debug)]
pub(crate) struct Published {
    /// As the user sees it; one for an audience as unread.
    pub notification: Notification,
    /// True when nothing was stored or published now.
    pub duplicate: bool,
}

/// Notifies a user. One that the user has not read with the same collapse key is updated.
pub(crate) fn notify(
    tx: &mut Tx<'_>,
    user_id: &str,
    content: &Content,
    once: &Once,
    collapse_key: Option<&str>,
) -> Result<Published, Error> {
    if let Some(id) = once.result(tx)? {
        let is_read = reading::is_read(tx, user_id, &Topic::User(user_id).to_string(), id)?;
        return Ok(Published { notification: load(tx, id, is_read)?, duplicate: true });
    }
    let notification = deliver(tx, user_id, content, collapse_key)?;
    once.remember(tx, notification.id)?;
    Ok(Published { notification, duplicate: false })
}

/// Notifies a user, however often it is said.
pub(crate) fn deliver(
    tx: &mut Tx<'_>,
    user_id: &str,
    content: &Content,
    collapse_key: Option<&str>,
) -> Result<Notification, Error> {
    let topic = Topic::User(user_id);
    let unread = match collapse_key {
        Some(key) => reading::unread_with_key(tx, user_id, &topic.to_string(), key)?,
        None => None,
    };
    let id = match unread {
        Some(id) => update(tx, id, content)?,
        None => {
            person::remember(tx, user_id)?;
            insert(tx, topic, content, collapse_key)?
        }
    };
    announce(tx, topic, id)
}

/// Notifies an audience.
pub(crate) fn broadcast(
    tx: &mut Tx<'_>,
    audience: &str,
    content: &Content,
    once: &Once,
) -> Result<Published, Error> {
    if let Some(id) = once.result(tx)? {
        return Ok(Published { notification: load(tx, id, false)?, duplicate: true });
    }
    let topic = Topic::Audience(audience);
    let id = insert(tx, topic, content, None)?;
    let notification = announce(tx, topic, id)?;
    once.remember(tx, notification.id)?;
    Ok(Published { notification, duplicate: false })
}

/// Shows what a notice says now. On a topic that shows it already, it is the same notification with a new
/// content; who has read it has read it.
pub(crate) fn show(
    tx: &mut Tx<'_>,
    topic: Topic<'_>,
    content: &Content,
    notice: i64,
) -> Result<Notification, Error> {
    let shown = tx.one(
        "SELECT id FROM notification WHERE notice = ?1 AND topic = ?2",
        params![notice, topic.to_string()],
        |row| row.get(0),
    )?;
    let id = match shown {
        Some(id) => update(tx, id, content)?,
        None => {
            if let Topic::User(user_id) = topic {
                person::remember(tx, user_id)?;
            }
            let id = insert(tx, topic, content, None)?;
            tx.execute("UPDATE notification SET notice = ?2 WHERE id = ?1", params![id, notice])?;
            id
        }
    };
    announce(tx, topic, id)
}

/// Takes a notice off all topics but these. Whoever saw it has seen it; it is in no list any more.
pub(crate) fn withdraw(tx: &Tx<'_>, notice: i64, but: &[String]) -> Result<(), Error> {
    let but = serde_json::to_string(but).map_err(Error::internal)?;
    tx.execute(
        "DELETE FROM notification WHERE notice = ?1 AND topic NOT IN (SELECT value FROM json_each(?2))",
        params![notice, but],
    )?;
    Ok(())
}

/// The notification of that id.
pub(crate) fn load(reader: &Reader<'_>, id: i64, is_read: bool) -> Result<Notification, Error> {
    let found = reader.one(
        "SELECT topic, title, message, type, data, time FROM notification WHERE id = ?1",
        params![id],
        |row| {
            let topic: String = row.get(0)?;
            let (user_id, audience) = match Topic::parse(&topic) {
                Some(Topic::User(id)) => (id.to_owned(), String::new()),
                Some(Topic::Audience(name)) => (String::new(), name.to_owned()),
                Some(Topic::Conversation(_) | Topic::Presence(_)) | None => Default::default(),
            };
            Ok(Notification {
                id: u64::try_from(id).unwrap_or_default(),
                user_id,
                audience,
                title: row.get(1)?,
                message: row.get(2)?,
                notification_type: row.get(3)?,
                data: row.get(4)?,
                timestamp: Some(from_micros(row.get(5)?)),
                is_read,
            })
        },
    )?;
    found.ok_or_else(|| Error::not_found("notification"))
}

fn insert(
    tx: &Tx<'_>,
    topic: Topic<'_>,
    content: &Content,
    collapse_key: Option<&str>,
) -> Result<i64, Error> {
    let Content { title, message, notification_type, data } = content;
    tx.insert(
        "INSERT INTO notification (topic, title, message, type, data, time, collapse_key)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![topic.to_string(), title, message, notification_type, data, tx.now_micros(), collapse_key],
    )
}

fn update(tx: &Tx<'_>, id: i64, content: &Content) -> Result<i64, Error> {
    let Content { title, message, notification_type, data } = content;
    tx.execute(
        "UPDATE notification SET title = ?2, message = ?3, type = ?4, data = ?5, time = ?6 WHERE id = ?1",
        params![id, title, message, notification_type, data, tx.now_micros()],
    )?;
    Ok(id)
}

fn announce(tx: &mut Tx<'_>, topic: Topic<'_>, id: i64) -> Result<Notification, Error> {
    let notification = load(tx, id, false)?;
    let published = NotificationPublished { notification: Some(notification.clone()) };
    tx.append(Source::Notification, topic, Body::NotificationPublished(published))?;
    Ok(notification)
}
