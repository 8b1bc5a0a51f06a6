//! The notifications of one user: those for the user, those for the audiences that the user is in, and those
//! for everybody.

use causeway_kit::{
    Error,
    store::{Reader, Tx, params},
};
use causeway_proto::{
    event::{Source, event::Body},
    notification::{ListNotificationsResponse, NotificationsRead},
    topic::{EVERYBODY, Topic},
};

use crate::{publish::load, reading};

/// A user's topics.
#[derive(Debug)]
pub(crate) struct Inbox {
    user_id: String,
    topics: Vec<String>,
}

/// Which part of an inbox.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Page {
    /// Only what the user has not read.
    pub unread_only: bool,
    /// Only ids below this one.
    pub before: i64,
    /// At most this many, at least one.
    pub limit: usize,
}

/// What is listed: id, and whether it is read.
type Entry = (i64, bool);

impl Inbox {
    /// The inbox of a user with a canonical id.
    pub(crate) fn new(user_id: String, audiences: &[String]) -> Self {
        let mut topics: Vec<String> =
            audiences.iter().map(|audience| Topic::Audience(audience).to_string()).collect();
        topics.extend([Topic::User(&user_id), Topic::Audience(EVERYBODY)].map(|topic| topic.to_string()));
        topics.sort_unstable();
        topics.dedup();
        Self { user_id, topics }
    }

    /// A page, newest first, and how many in all are unread.
    pub(crate) fn list(&self, reader: &Reader<'_>, page: Page) -> Result<ListNotificationsResponse, Error> {
        let mut entries = Vec::new();
        let mut unread_count = 0_u32;
        for topic in &self.topics {
            entries.extend(self.entries(reader, topic, page)?);
            unread_count = unread_count.saturating_add(reading::unread_count(reader, &self.user_id, topic)?);
        }
        entries.sort_unstable_by_key(|(id, _)| std::cmp::Reverse(*id));
        let has_more = entries.len() > page.limit;
        entries.truncate(page.limit);
        let notifications = entries.into_iter().map(|(id, is_read)| load(reader, id, is_read));
        Ok(ListNotificationsResponse {
            notifications: notifications.collect::<Result<_, _>>()?,
            unread_count,
            has_more,
        })
    }

    /// Marks one as read; false when it was read already. `NOT_FOUND` when it is not in the inbox.
    pub(crate) fn mark_one(&self, tx: &mut Tx<'_>, id: i64) -> Result<bool, Error> {
        let topic = tx.one("SELECT topic FROM notification WHERE id = ?1", params![id], |row| row.get(0))?;
        let topic = topic
            .filter(|topic| self.topics.contains(topic))
            .ok_or_else(|| Error::not_found("notification"))?;
        let changed = reading::mark_one(tx, &self.user_id, &topic, id)?;
        self.tell(tx, changed, u64::try_from(id).ok())?;
        Ok(changed)
    }

    /// Marks all as read; false when all were read already.
    pub(crate) fn mark_all(&self, tx: &mut Tx<'_>) -> Result<bool, Error> {
        let mut changed = false;
        for topic in &self.topics {
            changed |= reading::mark_all(tx, &self.user_id, topic)?;
        }
        self.tell(tx, changed, None)?;
        Ok(changed)
    }

    /// One more than the page holds, which tells whether there are older ones.
    fn entries(&self, reader: &Reader<'_>, topic: &str, page: Page) -> Result<Vec<Entry>, Error> {
        let through = reading::read_through(reader, &self.user_id, topic)?;
        let after = if page.unread_only { through } else { 0 };
        reader.all(
            "SELECT id, is_read FROM (
                 SELECT id, id <= ?3 OR EXISTS (SELECT 1 FROM read_mark
                     WHERE user_id = ?1 AND topic = ?2 AND notification_id = n.id) AS is_read
                 FROM notification n WHERE topic = ?2 AND id > ?4 AND id < ?5) AS entry
             WHERE NOT (?6 AND is_read) ORDER BY id DESC LIMIT ?7",
            params![
                self.user_id,
                topic,
                through,
                after,
                page.before,
                page.unread_only,
                i64::try_from(page.limit).unwrap_or(i64::MAX).saturating_add(1)
            ],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
    }

    fn tell(&self, tx: &mut Tx<'_>, changed: bool, notification_id: Option<u64>) -> Result<(), Error> {
        if changed {
            let read = Body::NotificationsRead(NotificationsRead { notification_id });
            tx.append(Source::Notification, Topic::User(&self.user_id), read)?;
        }
        Ok(())
    }
}
