//! What is stored of plugins beside their credentials: instances, accounts, what was applied, what was kept for a person.

use crate::params;
use causeway_proto::plugin::{AccountReport, AccountState, AccountStatus, Hello, SetAside};

use crate::{
    error::Error,
    store::{Reader, Tx},
};
use causeway_proto::time;

/// How long the position of an instance is kept after it was last seen, in microseconds: a plugin that was cut off for
/// longer starts from its provider's word, and what it repeats is recognised by its ids.
const INSTANCE: i64 = 7 * 24 * 60 * 60 * 1_000_000;

/// How many events are kept for a person, of each plugin.
const ASIDE: u32 = 1_000;

/// Longest text that is kept of what went wrong, in characters.
pub(super) const REASON: usize = 500;

/// What is stored of a plugin.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Known {
    pub(super) name: String,
    pub(super) kind: i32,
    pub(super) version: String,
    pub(super) instance: String,
    pub(super) since: Option<i64>,
    pub(super) last_error: String,
    pub(super) last_error_at: Option<i64>,
}

/// Notes that an instance attaches; how far its events are settled.
pub(super) fn attach(tx: &Tx<'_>, hello: &Hello) -> Result<u64, Error> {
    let now = tx.now_micros();
    let sql = "UPDATE plugin SET version = ?2, instance = ?3, since = ?4 WHERE name = ?1";
    if tx.execute(sql, params![hello.name, hello.version, hello.instance, now])? == 0 {
        return Err(Error::denied("the plugin may not attach any more"));
    }
    let stale = "DELETE FROM plugin_instance WHERE plugin = ?1 AND seen_at < ?2";
    tx.execute(stale, params![hello.name, now.saturating_sub(INSTANCE)])?;
    let sql = "INSERT INTO plugin_instance (plugin, instance, settled, seen_at) VALUES (?1, ?2, 0, ?3)
               ON CONFLICT (plugin, instance) DO UPDATE SET seen_at = excluded.seen_at RETURNING settled";
    let settled: Option<i64> = tx.one(sql, params![hello.name, hello.instance, now], |row| row.get(0))?;
    Ok(settled.unwrap_or(0).unsigned_abs())
}

/// The instance of a plugin that attached last.
pub(super) fn instance(reader: &Reader<'_>, plugin: &str) -> Result<String, Error> {
    let found = reader.one("SELECT instance FROM plugin WHERE name = ?1", [plugin], |row| row.get(0))?;
    Ok(found.unwrap_or_default())
}

/// Lets an instance take the place of the one that has it; false when another took its own place before: two that are started
/// again and again must not drive each other out for ever.
pub(super) fn supersede(tx: &Tx<'_>, plugin: &str, there: &str, instance: &str) -> Result<bool, Error> {
    let may = !is_former(tx, plugin, instance)?;
    if may {
        note_former(tx, plugin, there)?;
    }
    Ok(may)
}

/// Whether another instance has taken the place of this one.
pub(super) fn is_former(reader: &Reader<'_>, plugin: &str, instance: &str) -> Result<bool, Error> {
    let sql = "SELECT former FROM plugin_instance WHERE plugin = ?1 AND instance = ?2";
    Ok(reader.one(sql, [plugin, instance], |row| row.get::<i64>(0))?.unwrap_or(0) != 0)
}

/// Notes that another instance takes the place of this one.
pub(super) fn note_former(tx: &Tx<'_>, plugin: &str, instance: &str) -> Result<(), Error> {
    let sql =
        "INSERT INTO plugin_instance (plugin, instance, settled, seen_at, former) VALUES (?1, ?2, 0, ?3, 1)
               ON CONFLICT (plugin, instance) DO UPDATE SET former = 1";
    tx.execute(sql, params![plugin, instance, tx.now_micros()]).map(drop)
}

/// Notes that a plugin is attached no more.
pub(super) fn detach(tx: &Tx<'_>, plugin: &str) -> Result<(), Error> {
    tx.execute("UPDATE plugin SET since = ?2 WHERE name = ?1", params![plugin, tx.now_micros()]).map(drop)
}

/// Notes how far an instance's events are settled.
pub(super) fn settle(tx: &Tx<'_>, plugin: &str, instance: &str, settled: u64) -> Result<(), Error> {
    let sql = "UPDATE plugin_instance SET settled = ?3, seen_at = ?4 WHERE plugin = ?1 AND instance = ?2";
    let settled = i64::try_from(settled).map_err(Error::internal)?;
    tx.execute(sql, params![plugin, instance, settled, tx.now_micros()]).map(drop)
}

/// Takes note of an event; false when it was noted before.
pub(super) fn remember(tx: &Tx<'_>, plugin: &str, account: &str, provider_id: &str) -> Result<bool, Error> {
    let sql =
        "INSERT INTO plugin_event (plugin, account, provider_id) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    Ok(tx.execute(sql, params![plugin, account, provider_id])? > 0)
}

/// Keeps an event for a person, in place of the oldest where there are too many.
pub(super) fn set_aside(tx: &Tx<'_>, event: &SetAside) -> Result<(), Error> {
    let sql = "INSERT INTO plugin_aside (plugin, account, provider_id, reason, payload, time)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING";
    let SetAside { plugin, account, provider_id, reason, payload, time: _ } = event;
    tx.execute(sql, params![plugin, account, provider_id, reason, payload, tx.now_micros()])?;
    let old = "DELETE FROM plugin_aside WHERE plugin = ?1
                   AND id <= (SELECT id FROM plugin_aside WHERE plugin = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)";
    tx.execute(old, params![plugin, ASIDE]).map(drop)
}

/// What was kept for a person, of one plugin or (empty) of all, newest first.
pub(super) fn aside(reader: &Reader<'_>, plugin: &str, limit: u32) -> Result<Vec<SetAside>, Error> {
    let sql = "SELECT plugin, account, provider_id, reason, payload, time FROM plugin_aside
               WHERE ?1 = '' OR plugin = ?1 ORDER BY id DESC LIMIT ?2";
    reader.all(sql, params![plugin, limit], |row| {
        Ok(SetAside {
            plugin: row.get(0)?,
            account: row.get(1)?,
            provider_id: row.get(2)?,
            reason: row.get(3)?,
            payload: row.get(4)?,
            time: Some(time::from_micros(row.get(5)?)),
        })
    })
}

/// How many events of a plugin are kept for a person.
pub(super) fn aside_count(reader: &Reader<'_>, plugin: &str) -> Result<u64, Error> {
    let sql = "SELECT count(*) FROM plugin_aside WHERE plugin = ?1";
    Ok(reader.one(sql, [plugin], |row| row.get::<i64>(0))?.unwrap_or(0).unsigned_abs())
}

/// Notes what went wrong last.
pub(super) fn note_error(tx: &Tx<'_>, plugin: &str, error: &str) -> Result<(), Error> {
    let error: String = error.chars().take(REASON).collect();
    let sql = "UPDATE plugin SET last_error = ?2, last_error_at = ?3 WHERE name = ?1";
    tx.execute(sql, params![plugin, error, tx.now_micros()]).map(drop)
}

/// Notes how an account is.
pub(super) fn note_account(tx: &Tx<'_>, plugin: &str, report: &AccountReport) -> Result<(), Error> {
    let sql =
        "INSERT INTO plugin_account (plugin, account, state, advice, reported_at) VALUES (?1, ?2, ?3, ?4, ?5)
               ON CONFLICT (plugin, account) DO UPDATE
               SET state = excluded.state, advice = excluded.advice, reported_at = excluded.reported_at";
    let advice: String = report.advice.chars().take(REASON).collect();
    tx.execute(sql, params![plugin, report.account, report.state, advice, tx.now_micros()]).map(drop)
}

/// The accounts of a plugin, by name; what was last heard before `since` is unknown by now.
pub(super) fn accounts(reader: &Reader<'_>, plugin: &str, since: i64) -> Result<Vec<AccountStatus>, Error> {
    let sql =
        "SELECT account, state, advice, reported_at FROM plugin_account WHERE plugin = ?1 ORDER BY account";
    reader.all(sql, [plugin], |row| {
        let reported_at: i64 = row.get(3)?;
        let heard = reported_at >= since;
        Ok(AccountStatus {
            account: row.get(0)?,
            state: if heard { row.get(1)? } else { AccountState::Unspecified.into() },
            advice: row.get(2)?,
            reported_at: Some(time::from_micros(reported_at)),
        })
    })
}

/// All plugins that may attach, by name.
pub(super) fn all(reader: &Reader<'_>) -> Result<Vec<Known>, Error> {
    let sql =
        "SELECT name, kind, version, instance, since, last_error, last_error_at FROM plugin ORDER BY name";
    reader.all(sql, [], |row| {
        Ok(Known {
            name: row.get(0)?,
            kind: row.get(1)?,
            version: row.get(2)?,
            instance: row.get(3)?,
            since: row.get(4)?,
            last_error: row.get(5)?,
            last_error_at: row.get(6)?,
        })
    })
}
