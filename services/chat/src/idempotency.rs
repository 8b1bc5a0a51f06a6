//! Idempotency keys: a sender's `client_message_id` stands for one message for a day.

use std::time::Duration;

use causeway_kit::{
    Error, Store,
    lease::Lease,
    store::{Reader, Tx, params},
};
use causeway_proto::{chat::Message, time::Clock};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::messages;

/// How often old keys are looked for, and how many are dropped in one write job.
const SWEEP: Duration = Duration::from_secs(60);
const BATCH: u32 = 500;

/// The message that a sender's key stands for, when it was sent at `since` (microseconds since the epoch) or later.
pub(crate) fn find(
    reader: &Reader<'_>,
    sender_id: &str,
    key: &str,
    since: i64,
) -> Result<Option<Message>, Error> {
    let sql = "SELECT message_id FROM sent WHERE sender_id = ?1 AND client_message_id = ?2 AND sent_at >= ?3";
    match reader.one(sql, params![sender_id, key, since], |row| row.get(0))? {
        Some(message_id) => messages::find(reader, message_id),
        None => Ok(None),
    }
}

/// Lets a key stand for a message sent now, in place of one that it stood for too long ago.
pub(crate) fn remember(tx: &Tx<'_>, sender_id: &str, key: &str, message_id: i64) -> Result<(), Error> {
    let sql = "INSERT INTO sent (message_id, sender_id, client_message_id, sent_at) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT (sender_id, client_message_id)
                   DO UPDATE SET message_id = excluded.message_id, sent_at = excluded.sent_at";
    tx.send(sql, params![message_id, sender_id, key, tx.now_micros()])?;
    Ok(())
}

/// The time, in microseconds since the epoch, before which keys have lost their meaning.
pub(crate) fn horizon(now_micros: i64, window: Duration) -> i64 {
    now_micros.saturating_sub(i64::try_from(window.as_micros()).unwrap_or(i64::MAX))
}

/// Drops keys older than `window`, now and then, until `stop`; one of the processes that have the store does.
pub(crate) async fn sweep(store: Store, clock: Clock, window: Duration, stop: CancellationToken) {
    let work = async || {
        let mut ticks = interval(SWEEP);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if let Err(error) = drop_older(&store, horizon(clock.now_micros(), window)).await {
                tracing::warn!(%error, "old idempotency keys could not be dropped; they will be later");
            }
        }
    };
    Lease::new(&store, "sweep/idempotency").keep_at(&stop, |_| stop.run_until_cancelled(work())).await;
}

/// Drops the keys of messages sent before `horizon`, a batch at a time. A quiet minute writes nothing.
async fn drop_older(store: &Store, horizon: i64) -> Result<(), Error> {
    while store.read(move |reader| is_due(reader, horizon)).await? {
        // Messages are numbered in the order of their times, so the oldest keys are the first rows.
        let drop_batch = move |tx: &mut Tx<'_>| {
            tx.execute(
                "DELETE FROM sent WHERE sent_at < ?1
                     AND message_id IN (SELECT message_id FROM sent ORDER BY message_id LIMIT ?2)",
                params![horizon, BATCH],
            )
        };
        store.write(drop_batch).await?;
    }
    Ok(())
}

fn is_due(reader: &Reader<'_>, horizon: i64) -> Result<bool, Error> {
    let sql = "SELECT sent_at < ?1 FROM sent ORDER BY message_id LIMIT 1";
    Ok(reader.one(sql, [horizon], |row| row.get(0))?.unwrap_or(false))
}

#[cfg(test)]
mod tests {
    use causeway_kit::{bus::Bus, metrics::Metrics, store::StoreOptions, testing};

    use super::*;
    use crate::schema::MIGRATIONS;

    #[tokio::test]
    async fn keys_that_have_lost_their_meaning_are_dropped_in_batches() {
        let directory = tempfile::tempdir().unwrap();
        let clock = Clock::manual(0);
        let options = StoreOptions {
            storage: testing::storage(directory.path()),
            name: "chat",
            migrations: MIGRATIONS,
            clock: clock.clone(),
            bus: Bus::default(),
            retain: Duration::from_secs(1),
        };
        let store = Store::open(options, &Metrics::default()).await.unwrap();
        for now in [1_000, 2_000] {
            clock.set(now);
            let remember = move |tx: &mut Tx<'_>| {
                (0..700).try_for_each(|n| remember(tx, "alice", &format!("{now}/{n}"), now * 1_000 + n))
            };
            store.write(remember).await.unwrap();
        }
        drop_older(&store, 2_000).await.unwrap();
        let count = |reader: &Reader<'_>| reader.one("SELECT count(*) FROM sent", [], |row| row.get(0));
        assert_eq!(store.read(count).await.unwrap(), Some(700));
    }
}
