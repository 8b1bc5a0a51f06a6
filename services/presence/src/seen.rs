//! When users were last seen, on disk.
//!
//! The ledger knows who is online; this remembers the others. Nothing waits for it: sightings are noted in
//! memory, where they are read from at once, and one task writes them in batches. A disk that is full costs
//! presence nothing else.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use causeway_kit::{
    Error, Store,
    store::{Tx, params},
};
use causeway_proto::{id, presence::UserPresence, time::to_micros};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::ledger::Remembered;

/// How often sightings are written.
const WRITE_EVERY: Duration = Duration::from_millis(500);
/// In this many of those times, the pulse is written too.
const PULSE_EVERY: u32 = 20;
/// Sightings in one write.
const BATCH: usize = 1_000;
/// Sightings that wait to be written. More are forgotten: it takes a disk that fails for long.
const MAX_UNWRITTEN: usize = 100_000;
/// What is stored of a user.
const SIGHTING: &str = "SELECT user_id, display_name, last_seen, online FROM seen WHERE uuid = ?1";

/// The store and what is on its way to it. Cloning is cheap.
#[derive(Clone)]
pub(crate) struct Seen {
    store: Store,
    unwritten: Arc<Mutex<HashMap<Uuid, Sighting>>>,
}

/// A user as last seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sighting {
    /// Canonical id.
    pub user_id: String,
    /// The name to show.
    pub display_name: String,
    /// Microseconds since the Unix epoch.
    pub last_seen: i64,
    /// Whether the user came online then, and not offline.
    pub online: bool,
}

impl Seen {
    /// Sightings in `store`; [`Seen::run`] writes them.
    pub(crate) fn new(store: Store) -> Self {
        Self { store, unwritten: Arc::default() }
    }

    /// Users who were online when the service last ran, seen when it last was known to run.
    pub(crate) async fn remembered(&self) -> Result<Vec<Remembered>, Error> {
        self.store
            .read(|reader| {
                reader.all(
                    "SELECT user_id, display_name, MAX(last_seen, (SELECT at FROM pulse))
                     FROM seen WHERE online = 1",
                    params![],
                    |row| {
                        Ok(Remembered {
                            user_id: row.get(0)?,
                            display_name: row.get(1)?,
                            last_seen: row.get(2)?,
                        })
                    },
                )
            })
            .await
    }

    /// Notes that a user came online or went offline.
    pub(crate) fn note(&self, presence: &UserPresence, online: bool) {
        let sighting = Sighting {
            user_id: presence.user_id.clone(),
            display_name: presence.display_name.clone(),
            last_seen: presence.last_seen.as_ref().map_or(0, to_micros),
            online,
        };
        let mut unwritten = self.unwritten();
        let user = id::to_uuid(&sighting.user_id);
        if unwritten.len() < MAX_UNWRITTEN || unwritten.contains_key(&user) {
            unwritten.insert(user, sighting);
        }
    }

    /// Those of the users who were ever seen.
    pub(crate) async fn find(&self, users: Vec<Uuid>) -> Result<HashMap<Uuid, Sighting>, Error> {
        let mut found = HashMap::with_capacity(users.len());
        let mut stored = Vec::new();
        {
            let unwritten = self.unwritten();
            for user in users {
                match unwritten.get(&user) {
                    Some(sighting) => drop(found.insert(user, sighting.clone())),
                    None => stored.push(user),
                }
            }
        }
        if stored.is_empty() {
            return Ok(found);
        }
        let read = self.store.read(move |reader| {
            let mut sightings = Vec::new();
            stored.iter().try_for_each(|user| reader.foresee(SIGHTING, params![user.as_bytes()]))?;
            for user in stored {
                let sighting = reader.one(SIGHTING, params![user.as_bytes()], |row| {
                    Ok(Sighting {
                        user_id: row.get(0)?,
                        display_name: row.get(1)?,
                        last_seen: row.get(2)?,
                        online: row.get(3)?,
                    })
                })?;
                sightings.extend(sighting.map(|sighting| (user, sighting)));
            }
            Ok(sightings)
        });
        found.extend(read.await?);
        Ok(found)
    }

    /// Writes what is noted, until `stop`, and then what is left.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(WRITE_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut count = 0_u32;
        let mut failing = false;
        loop {
            let stopping = tokio::select! {
                () = stop.cancelled() => true,
                _ = ticks.tick() => false,
            };
            let written = self.write(stopping || count.is_multiple_of(PULSE_EVERY)).await;
            if let Err(error) = &written
                && !failing
            {
                tracing::warn!(%error, "last-seen times cannot be written, and wait");
            }
            failing = written.is_err();
            count = count.wrapping_add(1);
            if stopping {
                return;
            }
        }
    }

    async fn write(&self, with_pulse: bool) -> Result<(), Error> {
        loop {
            let batch: Vec<(Uuid, Sighting)> = {
                let unwritten = self.unwritten();
                unwritten.iter().take(BATCH).map(|(user, sighting)| (*user, sighting.clone())).collect()
            };
            if batch.is_empty() {
                break;
            }
            let rows = batch.clone();
            self.store.write(move |tx| rows.iter().try_for_each(|(user, row)| put(tx, *user, row))).await?;
            self.forget(&batch);
        }
        if with_pulse {
            self.store.write(|tx| beat(tx)).await?;
        }
        Ok(())
    }

    /// What was noted anew while it was being written stays.
    fn forget(&self, written: &[(Uuid, Sighting)]) {
        let mut unwritten = self.unwritten();
        for (user, sighting) in written {
            if unwritten.get(user) == Some(sighting) {
                unwritten.remove(user);
            }
        }
    }

    fn unwritten(&self) -> MutexGuard<'_, HashMap<Uuid, Sighting>> {
        self.unwritten.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn put(tx: &Tx<'_>, user: Uuid, row: &Sighting) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO seen (uuid, user_id, display_name, last_seen, online) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (uuid) DO UPDATE SET
             display_name = excluded.display_name, last_seen = excluded.last_seen, online = excluded.online",
        params![user.as_bytes(), row.user_id, row.display_name, row.last_seen, row.online],
    )?;
    Ok(())
}

/// Writes nothing while nobody is online.
fn beat(tx: &Tx<'_>) -> Result<(), Error> {
    tx.execute(
        "UPDATE pulse SET at = ?1 WHERE EXISTS (SELECT 1 FROM seen WHERE online = 1)",
        params![tx.now_micros()],
    )?;
    Ok(())
}
