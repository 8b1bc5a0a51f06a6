//! Where notices come in: the desk of the plugins that publish them.
//!
//! A notice is known by plugin, account and the source's id of it, whatever event brings it. It is published when it is first
//! seen as published, once; an update is the same notification with a new content, shown again; what is retracted is in no
//! list any more, and is published anew when its source publishes it again. Nothing is stored of a notice before.
//!
//! An update may name others than before: they are shown it, and those who are left out lose it, because they are no longer
//! meant. Who has read a notification has read its updates too: these are shown and not counted.
//!
//! Frontends have no word for a retraction. So there is no event of one: it is seen wherever a list is read next.

mod target;
#[cfg(test)]
mod tests;

use causeway_kit::{
    Error,
    plugin_host::{Desk, Owed, Prepared, Progress, Verdict},
    store::{Reader, Tx, params},
};
use causeway_proto::{
    notification::Content,
    plugin::{Capabilities, DeliveryState, InboundEvent, Notice, PluginKind, inbound_event::Body},
    topic::Topic,
};
use sha2::{Digest, Sha256};

use self::target::Target;
use crate::{bulk, counters::Counters, courier::Courier, field, publish};

/// What a notice is of that says no type.
const DEFAULT_TYPE: &str = "notice";

/// The desk.
pub(crate) struct Notices {
    /// Carries out notices to many users.
    pub courier: Courier,
    /// Counts what is published.
    pub counters: Counters,
}

/// The name of a notice.
#[derive(Clone, Copy)]
struct Name<'a> {
    plugin: &'a str,
    account: &'a str,
    notice_id: &'a str,
}

/// A notice that was published at some time.
struct Known {
    id: i64,
    /// Whether it still is.
    is_published: bool,
    /// Of what it last said, and to whom.
    digest: Vec<u8>,
}

impl Desk for Notices {
    fn kinds(&self) -> &'static [PluginKind] {
        &[PluginKind::NoticeSource]
    }

    fn apply(&self, tx: &mut Tx<'_>, plugin: &str, event: InboundEvent) -> Result<Verdict, Error> {
        let Some(Body::Notice(notice)) = event.body else {
            return Ok(Verdict::Ignored("a notice source has nothing to say but notices".into()));
        };
        field::notice_id("notice.notice_id", &notice.notice_id)?;
        let notice_id = notice.notice_id.clone();
        let name = Name { plugin, account: &event.account, notice_id: &notice_id };
        match (notice.is_published, known(tx, name)?) {
            (true, known) => self.publish(tx, name, known, notice),
            (false, Some(known)) => retract(tx, &known, notice.retract_when_unpublished),
            (false, None) => Ok(Verdict::Ignored("it is not published".into())),
        }
    }

    /// Notice sources get no deliveries.
    fn prepare(&self, _: &Reader<'_>, _: &Owed, _: &Capabilities) -> Result<Prepared, Error> {
        Ok(Prepared::Nothing)
    }

    fn note(&self, _: &mut Tx<'_>, _: &Owed, _: Progress) -> Result<(), Error> {
        Ok(())
    }

    fn reached(&self, _: &mut Tx<'_>, _: &str, _: i64, _: DeliveryState) -> Result<(), Error> {
        Ok(())
    }
}

impl Notices {
    fn publish(
        &self,
        tx: &mut Tx<'_>,
        name: Name<'_>,
        known: Option<Known>,
        notice: Notice,
    ) -> Result<Verdict, Error> {
        let updates = notice.update_when_changed;
        let target = Target::read(tx, notice.to.clone())?;
        let content = content(notice)?;
        let digest = digest(&target, &content);
        match known {
            Some(known) if known.is_published && known.digest == digest => return Ok(Verdict::Duplicate),
            Some(known) if known.is_published && !updates => {
                return Ok(Verdict::Ignored("it is published, and its source does not update".into()));
            }
            Some(_) | None => {}
        }
        let notice = remember(tx, name, &digest)?;
        bulk::cancel_notice(tx, notice)?;
        publish::withdraw(tx, notice, &target.topics())?;
        self.show(tx, notice, &target, &content)?;
        Ok(Verdict::Accepted)
    }

    fn show(&self, tx: &mut Tx<'_>, notice: i64, target: &Target, content: &Content) -> Result<(), Error> {
        match target {
            Target::User(id) => {
                publish::show(tx, Topic::User(id), content, notice)?;
                self.counters.user();
            }
            Target::Audience(name) => {
                publish::show(tx, Topic::Audience(name), content, notice)?;
                self.counters.audience();
            }
            Target::Users(ids) => {
                self.courier.wake();
                bulk::insert(tx, ids, content, Some(notice))?;
            }
        }
        Ok(())
    }
}

fn retract(tx: &Tx<'_>, known: &Known, retracts: bool) -> Result<Verdict, Error> {
    if !known.is_published {
        return Ok(Verdict::Duplicate);
    }
    if !retracts {
        return Ok(Verdict::Ignored("it was published, and its source does not retract".into()));
    }
    bulk::cancel_notice(tx, known.id)?;
    publish::withdraw(tx, known.id, &[])?;
    tx.execute("UPDATE notice SET is_published = 0 WHERE id = ?1", params![known.id])?;
    Ok(Verdict::Accepted)
}

fn known(reader: &Reader<'_>, name: Name<'_>) -> Result<Option<Known>, Error> {
    reader.one(
        "SELECT id, is_published, digest FROM notice WHERE plugin = ?1 AND account = ?2 AND notice_id = ?3",
        params![name.plugin, name.account, name.notice_id],
        |row| Ok(Known { id: row.get(0)?, is_published: row.get(1)?, digest: row.get(2)? }),
    )
}

/// Stores that a notice is published, and what it says; its id.
fn remember(tx: &Tx<'_>, name: Name<'_>, digest: &[u8]) -> Result<i64, Error> {
    let id = tx.one(
        "INSERT INTO notice (plugin, account, notice_id, is_published, digest) VALUES (?1, ?2, ?3, 1, ?4)
         ON CONFLICT (plugin, account, notice_id) DO UPDATE SET is_published = 1, digest = excluded.digest
         RETURNING id",
        params![name.plugin, name.account, name.notice_id, digest],
        |row| row.get(0),
    )?;
    id.ok_or_else(|| Error::internal("the id of a notice was not returned"))
}

fn content(notice: Notice) -> Result<Content, Error> {
    let mut content = Content {
        title: notice.title,
        message: notice.message,
        notification_type: notice.notification_type,
        data: notice.data,
    };
    if content.notification_type.is_empty() {
        DEFAULT_TYPE.clone_into(&mut content.notification_type);
    }
    field::content(Some(content)).map_err(|error| match error {
        Error::InvalidField { field, problem } => {
            Error::invalid(field.replacen("content.", "notice.", 1), problem)
        }
        other => other,
    })
}

/// Tells one content and target from another. Each part stands behind its length, so that no two can be mistaken.
fn digest(target: &Target, content: &Content) -> Vec<u8> {
    let Content { title, message, notification_type, data } = content;
    let mut hash = Sha256::new();
    let mut add = |part: &str| {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    };
    [title, message, notification_type, data].into_iter().for_each(|part| add(part));
    target.topics().iter().for_each(|topic| add(topic));
    hash.finalize().to_vec()
}
