//! Limits that several bridges keep together, in Redis.
//!
//! **Sockets of a user.** Each bridge writes how many it has of a user whenever that changes, and learns how many the others have.
//! A socket over the cap is refused. What a bridge wrote counts as long as the bridge is heard of, every 5 s, and 20 s longer: then
//! the sockets of one that is dead count no more.
//!
//! **Frames.** Each bridge takes frames by its own buckets, and once a second says how many it took of each user who sent more
//! than an eighth of what is allowed; so most users cost nothing, and no frame waits. Redis answers how long a user owes for
//! having spent more than was earned, and for so long the bridge takes no frame of that user. Who keeps to the limit at one
//! bridge never owes. In `t` seconds, a user gets no more over `k` bridges than `rate × (t + 2 + k) + burst × (1 + k)` frames: in
//! the long run what is allowed, and before that about what each bridge would give at once. Bridges where the user stays below
//! the eighth are not counted.
//!
//! While Redis is away, each bridge keeps to its own limits.
//!
//! Here is who else is there; `sockets` and `frames` keep the two limits.
//!
//! Keys: `<prefix>:limit:bridges`, `<prefix>:limit:{<user>}:sockets` (kept for a week), `<prefix>:limit:{<user>}:frames` (kept
//! while something is owed).

use std::{collections::HashSet, sync::Arc, time::Duration};

use causeway_link::redis::Redis;
use redis::{FromRedisValue, RedisError, Script, ScriptInvocation};
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::frames::REPORT;
use super::{
    Limits,
    door::{Changes, Door, Order, PATIENCE},
};

mod frames;
mod sockets;

/// Users whose sockets are written at once.
const BATCH: usize = 256;

/// How bridges know of each other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    /// How often a bridge is heard of.
    pub(super) alive_every: Duration,
    /// How long it counts after that.
    pub(super) dead_after: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self { alive_every: Duration::from_secs(5), dead_after: Duration::from_secs(20) }
    }
}

/// Where bridges keep the limits of users together.
#[derive(Debug, Clone)]
pub struct SharedLimits {
    /// The Redis of all of them.
    pub redis: Redis,
    /// What keys begin with: bridges with the same one count together.
    pub prefix: String,
}

/// Keeps the limits of this bridge together with those of others.
pub(crate) struct Together {
    redis: Redis,
    prefix: String,
    /// This one, by a name that no other has.
    bridge: String,
    limits: Arc<Limits>,
    times: Times,
    orders: mpsc::Receiver<Order>,
    changes: Arc<Changes>,
    alive: HashSet<String>,
    looked: Instant,
    seats: Script,
    spend: Script,
    here: Script,
}

impl Together {
    /// Joins the other bridges.
    pub(crate) fn new(at: SharedLimits, limits: Arc<Limits>) -> Self {
        Self::at_times(at, limits, Times::default())
    }

    pub(super) fn at_times(at: SharedLimits, limits: Arc<Limits>, times: Times) -> Self {
        let SharedLimits { redis, prefix } = at;
        let (door, orders, changes) = Door::new();
        limits.join(door);
        Self {
            redis,
            prefix,
            bridge: Uuid::new_v4().to_string(),
            limits,
            times,
            orders,
            changes,
            alive: HashSet::new(),
            looked: Instant::now(),
            seats: Script::new(include_str!("seats.lua")),
            spend: Script::new(include_str!("spend.lua")),
            here: Script::new(include_str!("alive.lua")),
        }
    }

    /// Runs until `stop`, and then says that no socket is left here.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let _ = stop.clone().run_until_cancelled(self.keep()).await;
        let gone = redis::cmd("ZREM").arg(self.bridges()).arg(&self.bridge).to_owned();
        // Without it, the others find out by themselves.
        let _ = timeout(PATIENCE, gone.exec_async(&mut self.redis.commands())).await;
    }

    async fn keep(&mut self) {
        let (mut alive, mut report) = (interval(self.times.alive_every), interval(REPORT));
        alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
        report.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut waiting = Vec::new();
        let changes = self.changes.clone();
        loop {
            tokio::select! {
                biased;
                _ = alive.tick() => {
                    self.say_alive().await;
                }
                _ = report.tick() => self.report_frames().await,
                count = self.orders.recv_many(&mut waiting, BATCH) => match count {
                    0 => return,
                    _ => self.write_sockets(std::mem::take(&mut waiting)).await,
                },
                () = changes.changed() => self.write_sockets(Vec::new()).await,
            }
        }
    }

    /// A bridge that was not known any more writes all it has: Redis has lost it, or the others have taken it for dead.
    /// Whether Redis has answered.
    async fn say_alive(&mut self) -> bool {
        let answer: Result<(bool, Vec<String>), _> = self
            .ask(&self.here, &self.bridges(), |call| {
                call.arg(&self.bridge).arg(millis(self.times.dead_after));
            })
            .await;
        let Ok((is_new, alive)) = answer else { return false };
        self.alive = alive.into_iter().collect();
        let users = if is_new { self.limits.users() } else { Vec::new() };
        // With them go those that could not be written.
        self.changes.add(users);
        true
    }

    async fn look(&mut self) -> bool {
        self.looked = Instant::now();
        self.say_alive().await
    }

    async fn ask<T: FromRedisValue>(
        &self,
        script: &Script,
        key: &str,
        add: impl FnOnce(&mut ScriptInvocation<'_>),
    ) -> Result<T, RedisError> {
        let away = || RedisError::from((redis::ErrorKind::Io, "Redis is away"));
        if !*self.redis.health().borrow() {
            return Err(away());
        }
        let mut call = script.key(key);
        add(&mut call);
        let mut commands = self.redis.commands();
        let answer = timeout(PATIENCE, call.invoke_async(&mut commands)).await;
        answer.unwrap_or_else(|_| Err(away()))
    }

    fn bridges(&self) -> String {
        format!("{}:limit:bridges", self.prefix)
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
