//! One part of the users in Redis: runs scripts on it, and reads their answers.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use causeway_link::redis::Redis;
use redis::{RedisError, Script, ScriptInvocation};
use tokio::time::timeout;

use super::told;
use crate::{settings::Settings, state::Told};

/// How long a script may take, with the wait for a connection. Callers hear of it within 2 s.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// The keys of a partition that have a fixed name, in the order in which `lua/head.lua` takes them. All are given to each script,
/// so that a cluster that moves their slot just then finds out before the script begins, and not in the middle.
const KEYS: [&str; 13] = [
    "epoch", "bridges", "leases", "ended", "users", "sessions", "last", "leaving", "rooms", "typing",
    "renewal", "seen", "seen_at",
];

/// Redis did not answer, or not as agreed. What was asked may have been done.
#[derive(Debug)]
pub(super) struct Away;

/// What a script answers with.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: Status,
    /// What subscribers are to hear.
    pub told: Vec<Told>,
    /// How long until something is due.
    pub wait: Option<Duration>,
    /// What else it says.
    pub more: Vec<Vec<u8>>,
}

/// How it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Done,
    /// The script is to be run again for the rest.
    More,
    /// There are as many as may be.
    Full,
    /// The bridge has attached with another stream.
    Superseded,
    /// Redis does not know the stream.
    Lost,
}

/// One part of the users.
#[derive(Debug, Clone)]
pub(super) struct Partition {
    redis: Redis,
    keys: Vec<String>,
    settings: [String; 5],
    /// The time that a test sets, in microseconds since the Unix epoch.
    hand: Option<Arc<AtomicI64>>,
}

impl Partition {
    /// Number `number` of all of them, for those who set things in the same way.
    pub(super) fn new(
        (redis, prefix): (Redis, &str),
        number: usize,
        settings: &Settings,
        lease: Duration,
        max_seen: usize,
    ) -> Self {
        let times = [settings.offline_after, settings.orphan_grace, lease, settings.typing_timeout];
        let [offline_after, grace, lease, typing] = times.map(|time| time.as_micros().to_string());
        Self {
            redis,
            keys: keys(prefix, number),
            settings: [offline_after, grace, lease, typing, max_seen.to_string()],
            hand: None,
        }
    }

    /// The same by the clock of a test.
    #[cfg(test)]
    pub(super) fn by(mut self, hand: Arc<AtomicI64>) -> Self {
        self.hand = Some(hand);
        self
    }

    /// Runs a script with the arguments that `add` adds.
    pub(super) async fn run(
        &self,
        script: &Script,
        add: impl FnOnce(&mut ScriptInvocation<'_>),
    ) -> Result<Answer, Away> {
        if !*self.redis.health().borrow() {
            return Err(Away);
        }
        let mut call = script.key(&self.keys);
        let now = self.hand.as_ref().map(|hand| hand.load(Ordering::SeqCst).to_string());
        call.arg(now.unwrap_or_default()).arg(&self.settings);
        add(&mut call);
        let mut commands = self.redis.commands();
        match timeout(PATIENCE, call.invoke_async::<Raw>(&mut commands)).await {
            Ok(Ok(raw)) => read(raw),
            Ok(Err(error)) => Err(refused(&error)),
            Err(_) => Err(Away),
        }
    }
}

/// What is in braces decides the slot of a key, and no prefix has any.
fn keys(prefix: &str, number: usize) -> Vec<String> {
    KEYS.iter().map(|name| format!("{prefix}:presence:{{{number}}}:{name}")).collect()
}

type Raw = (String, Vec<Vec<u8>>, i64, Vec<Vec<u8>>);

fn read((status, told, wait, more): Raw) -> Result<Answer, Away> {
    Ok(Answer {
        status: Status::read(&status)?,
        told: told::read(&told),
        wait: u64::try_from(wait).ok().map(Duration::from_micros),
        more,
    })
}

/// An error of the script itself would be ours; one of the connection is no news.
fn refused(error: &RedisError) -> Away {
    if error.is_connection_dropped() || error.is_io_error() || error.is_timeout() {
        tracing::debug!(%error, "Redis does not answer");
    } else {
        tracing::warn!(%error, "Redis refuses a script of presence");
    }
    Away
}

impl Status {
    pub(super) fn read(text: &str) -> Result<Self, Away> {
        match text {
            "done" => Ok(Self::Done),
            "more" => Ok(Self::More),
            "full" => Ok(Self::Full),
            "superseded" => Ok(Self::Superseded),
            "lost" => Ok(Self::Lost),
            other => {
                tracing::error!(
                    status = other,
                    "a script of presence answers what this version does not know"
                );
                Err(Away)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use causeway_link::redis::slot;

    use super::*;

    #[test]
    fn all_keys_of_a_partition_are_in_one_slot_and_partitions_in_several() {
        let slots: Vec<u16> = (0..16)
            .map(|number| {
                let slots: Vec<_> = keys("causeway", number).iter().map(|key| slot(key.as_bytes())).collect();
                assert!(slots.iter().all(|slot| *slot == slots[0]), "{number}: {slots:?}");
                slots[0]
            })
            .collect();
        assert!((1..16).all(|number| slots[number] != slots[number - 1]), "{slots:?}");
    }
}
