//! Presence of several processes, in Redis: the same as [`state`](crate::state) says, whichever process a bridge is attached to.
//!
//! Everything that changes is changed by scripts (`lua/`), each of which first does what is due by the clock of Redis. A transition
//! belongs to the script run that makes it: its answer names it, and whoever asked tells the subscribers, so each is told once,
//! however many processes sweep. One is lost when the answer is: presence is ephemeral, and its state is not.
//!
//! # Keys
//!
//! Users are divided among partitions by their UUID: one partition on a single server or behind Sentinels, sixteen in a cluster.
//! Everything about a user lies in the user's partition, so each script needs one slot: the braces in `P` are a hash tag, which
//! no prefix has, so all keys of a partition are in the same slot of a cluster. `P` is `<prefix>:presence:{<partition>}`:
//!
//! | key | kind | holds | as many as |
//! |---|---|---|---|
//! | `P:epoch` | string | a name that is new whenever Redis has lost everything | 1 |
//! | `P:bridges` | hash | bridge → since when and with which stream it is attached | `max_bridges` |
//! | `P:leases` | sorted set | bridge, by when the lease of its stream is over | `max_bridges` |
//! | `P:ended` | sorted set | stream and bridge, by when the stream ended | streams lost within `orphan_grace` |
//! | `P:ended:<bridge>` | set | the bridge's streams of those | the same |
//! | `P:stream:<stream>` | hash | session → user and conversation | `max_sessions_per_bridge` |
//! | `P:users` | hash | user → id and name, of those online | users online |
//! | `P:sessions`, `P:last` | hash | user → open sessions; the latest end of one | users online |
//! | `P:leaving` | sorted set | user without a session, by when to go offline | users online |
//! | `P:rooms` | hash | conversation → id, of those with a socket on them | sessions |
//! | `P:room:<conversation>` | hash | user → sockets there | sessions |
//! | `P:typing` | hash | conversation and user → what was said | `max_typing` |
//! | `P:renewal` | sorted set | the same, by when it ends | `max_typing` |
//! | `P:seen`, `P:seen_at` | hash, sorted set | user → when last seen, id, name; by when | `max_seen`; only where stores are files |
//!
//! # When something fails
//!
//! * A **bridge** that is lost: its sessions count for `orphan_grace`, as ever.
//! * A **process** that is lost: its leases are over after [`SharedAt::lease`](crate::settings::SharedAt), then the grace begins, so
//!   its sessions are gone 25 s later at most with the usual settings; a bridge that attaches to another process meanwhile causes no
//!   flicker, and neither does a process that was only held up.
//! * **Redis** away: sessions come and go in the memory of the process that they are attached to (`desk`), bridges see no error, and
//!   questions and typing are answered with `UNAVAILABLE` within 2 s. When it is back, wiped or not, each process writes the sessions
//!   that it holds anew (`anew`), without telling what had been told. What went on meanwhile follows.
//!
//! The files: `scripts` and `partition` (asking Redis), `told` (what it says), `desk` (one stream), `reports` (for whom they are),
//! `streams` (attaching and reporting), `anew`, `questions`, `tend` (the two tasks).

mod anew;
mod desk;
mod partition;
mod questions;
mod reports;
mod scripts;
mod streams;
mod tend;
#[cfg(test)]
mod tests;
mod told;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Notify, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::{
    desk::Desk,
    partition::{Answer, Partition},
    scripts::Scripts,
};
use crate::{
    gauges::Gauges,
    settings::{Settings, SharedAt},
    state::Told,
};

/// Partitions in a cluster. All processes must agree, so it is no setting.
const PARTITIONS: usize = 16;
/// When nothing is known to be due.
const FAR: Duration = Duration::from_secs(24 * 60 * 60);

/// Takes what subscribers are to hear.
pub(crate) type Tell = Box<dyn Fn(Vec<Told>) + Send + Sync>;

/// The handle. Cloning is cheap.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Inner>);

struct Inner {
    settings: Settings,
    /// How often a process looks whether something is due that others know of.
    interval: Duration,
    lease: Duration,
    health: watch::Receiver<bool>,
    partitions: Vec<Partition>,
    scripts: Scripts,
    /// Names the streams of this process.
    process: Uuid,
    /// Streams that are attached here, or were until lately.
    desks: Mutex<HashMap<u64, Arc<Desk>>>,
    streams: AtomicU64,
    tell: Tell,
    gauges: Gauges,
    /// When something is due next, as far as this process knows.
    due: watch::Sender<Instant>,
    /// When Redis last had everything that it should, and all that was due was done.
    swept: Mutex<Instant>,
    /// A stream is to be written anew.
    stale: Notify,
}

impl Shared {
    /// Presence at `at`, where users' last times are remembered too unless `has_store`.
    pub(crate) fn new(
        settings: Settings,
        at: &SharedAt,
        has_store: bool,
        tell: Tell,
        gauges: Gauges,
    ) -> Self {
        let scheme = at.redis.address().to_string();
        let count = if scheme.split("://").next().is_some_and(|scheme| scheme.ends_with("+cluster")) {
            PARTITIONS
        } else {
            1
        };
        let max_seen = if has_store { 0 } else { at.max_seen.div_ceil(count) };
        let partition =
            |number| Partition::new((at.redis.clone(), &at.prefix), number, &settings, at.lease, max_seen);
        let partitions = (0..count).map(partition).collect();
        Self::over(partitions, settings, at, tell, gauges)
    }

    fn over(
        partitions: Vec<Partition>,
        settings: Settings,
        at: &SharedAt,
        tell: Tell,
        gauges: Gauges,
    ) -> Self {
        let shortest = settings.offline_after.min(settings.orphan_grace).min(settings.typing_timeout);
        Self(Arc::new(Inner {
            interval: (shortest / 5).clamp(Duration::from_millis(20), Duration::from_secs(1)),
            lease: at.lease,
            health: at.redis.health(),
            settings,
            partitions,
            scripts: Scripts::default(),
            process: Uuid::new_v4(),
            desks: Mutex::default(),
            streams: AtomicU64::default(),
            tell,
            gauges,
            due: watch::channel(Instant::now()).0,
            swept: Mutex::new(Instant::now()),
            stale: Notify::new(),
        }))
    }

    /// Sweeps, renews leases, and writes streams anew, until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let both = async { tokio::join!(self.sweep(), self.renew()) };
        let _ = stop.run_until_cancelled(both).await;
    }

    /// Tells what an answer says is to be told, and notes when something is due. The rest of the answer comes back.
    fn hear(&self, mut answer: Answer) -> Answer {
        let told = std::mem::take(&mut answer.told);
        if !told.is_empty() {
            (self.0.tell)(told);
        }
        let due = Instant::now() + answer.wait.unwrap_or(FAR);
        self.0.due.send_if_modified(|known| {
            let is_sooner = due < *known;
            if is_sooner {
                *known = due;
            }
            is_sooner
        });
        answer
    }

    /// Whoever had no session any more at this time has gone offline, and was told to have.
    fn settled(&self) -> Instant {
        let swept = *self.0.swept.lock().unwrap_or_else(PoisonError::into_inner);
        swept.checked_sub(self.0.settings.offline_after).unwrap_or(swept)
    }

    /// The partition of a user.
    fn place(&self, user: Uuid) -> usize {
        let count = self.0.partitions.len() as u128;
        usize::try_from(user.as_u128() % count).unwrap_or(0)
    }

    fn desks(&self) -> MutexGuard<'_, HashMap<u64, Arc<Desk>>> {
        self.0.desks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All of them, in the order in which they attached.
    fn all_desks(&self) -> Vec<(u64, Arc<Desk>)> {
        let mut desks: Vec<_> = self.desks().iter().map(|(number, desk)| (*number, desk.clone())).collect();
        desks.sort_unstable_by_key(|(number, _)| *number);
        desks
    }

    fn next_stream(&self) -> u64 {
        self.0.streams.fetch_add(1, Ordering::Relaxed)
    }
}
