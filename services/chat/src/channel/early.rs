//! What a provider says of a message before it tells of the message itself: webhooks overtake each other. It is kept for a day, and
//! counts when the message comes.

use causeway_kit::{
    Error,
    plugin_host::Verdict,
    store::{Tx, params},
};

use super::inbound::Origin;

/// How long it is kept, in microseconds.
const KEPT: i64 = 24 * 60 * 60 * 1_000_000;

/// Messages of one customer of which something is kept, at most.
const MESSAGES: u32 = 100;

/// What became of a message that was not here yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Early {
    /// It has this text now.
    Edited(String),
    /// It is gone.
    Deleted,
}

/// Keeps what was said of a message that is not known. What is gone stays so.
pub(super) fn keep(
    tx: &Tx<'_>,
    from: &Origin<'_>,
    customer_ref: &str,
    message_id: &str,
    early: &Early,
) -> Result<Verdict, Error> {
    let now = tx.now_micros();
    tx.execute("DELETE FROM channel_early WHERE said_at < ?1", [now.saturating_sub(KEPT)])?;
    let Origin { plugin, account, .. } = from;
    let count = "SELECT count(*) FROM channel_early WHERE plugin = ?1 AND account = ?2 AND customer_ref = ?3";
    let count: u32 = tx.one(count, params![plugin, account, customer_ref], |row| row.get(0))?.unwrap_or(0);
    if count >= MESSAGES {
        return Ok(Verdict::Ignored("too much was said of messages that are not known".into()));
    }
    let text = match early {
        Early::Edited(text) => Some(text),
        Early::Deleted => None,
    };
    tx.execute(
        "INSERT INTO channel_early (plugin, account, customer_ref, provider_message_id, text, said_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (plugin, account, customer_ref, provider_message_id)
             DO UPDATE SET text = excluded.text WHERE channel_early.text IS NOT NULL",
        params![plugin, account, customer_ref, message_id, text, now],
    )?;
    Ok(Verdict::Accepted)
}

/// What was said of a message that comes now; it is not kept any longer.
pub(super) fn take(
    tx: &Tx<'_>,
    from: &Origin<'_>,
    customer_ref: &str,
    message_id: &str,
) -> Result<Option<Early>, Error> {
    let key = params![from.plugin, from.account, customer_ref, message_id];
    let sql = "SELECT text FROM channel_early
               WHERE plugin = ?1 AND account = ?2 AND customer_ref = ?3 AND provider_message_id = ?4";
    let Some(text) = tx.one(sql, key, |row| row.get::<Option<String>>(0))? else { return Ok(None) };
    let sql = "DELETE FROM channel_early
               WHERE plugin = ?1 AND account = ?2 AND customer_ref = ?3 AND provider_message_id = ?4";
    tx.execute(sql, key)?;
    Ok(Some(text.map_or(Early::Deleted, Early::Edited)))
}
