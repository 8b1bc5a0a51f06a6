//! How much one user, and all together, may take: sockets at a time, and frames a second.
//!
//! [`Limits::enter`] gives a [`Seat`], which a socket keeps for as long as it is open. All seats of a user draw on the same
//! two token buckets, so more tabs are not more frames. The buckets outlive the last seat until they are full again, so
//! that coming back is no way around the limit; after that they are swept. [`Limits::set`] changes what is allowed, for seats
//! that are taken too. Where bridges have a Redis together, [`Together`] has them keep the limits of a user together, and
//! [`Limits::admit`] asks it.

mod caps;
mod door;
mod meter;
mod seat;
mod shared;

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwapOption;
use governor::{
    Quota, RateLimiter,
    clock::Clock,
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed},
};
use tokio::time::Instant;

pub use self::shared::SharedLimits;
pub(crate) use self::{caps::Caps, seat::Seat, shared::Together};
use self::{door::Door, meter::Meter};
use crate::fault::Refusal;

/// How many times more receipts, typing and pings are taken than other frames.
const CHATTER_FACTOR: u32 = 10;
/// Accounts that may be kept before the first sweep.
const FIRST_SWEEP: usize = 1_024;

/// Counts sockets and frames. One per process.
pub(crate) struct Limits {
    clock: TimerClock,
    open: Mutex<Open>,
    /// Set where other bridges count too.
    door: OnceLock<Door>,
}

#[derive(Default)]
struct Open {
    caps: Caps,
    connections: usize,
    accounts: HashMap<Arc<str>, Account>,
    sweep_at: usize,
}

struct Account {
    connections: usize,
    /// When the last socket went; of no meaning while there are sockets.
    left: Instant,
    buckets: Arc<ArcSwapOption<Buckets>>,
    meter: Arc<Meter>,
}

type Bucket = RateLimiter<NotKeyed, InMemoryState, TimerClock, NoOpMiddleware<Duration>>;

struct Buckets {
    frames: Bucket,
    chatter: Bucket,
}

impl Limits {
    /// Nobody is in yet.
    pub(crate) fn new(caps: Caps) -> Arc<Self> {
        let open = Open { caps, sweep_at: FIRST_SWEEP, ..Open::default() };
        let clock = TimerClock { start: Instant::now() };
        Arc::new(Self { clock, open: Mutex::new(open), door: OnceLock::new() })
    }

    /// From now on this is allowed. Sockets over a new cap stay; where the rate changes, everybody's buckets are full.
    pub(crate) fn set(&self, caps: Caps) {
        let mut open = self.open();
        let rate = |caps: Caps| (caps.frames_per_second, caps.burst);
        let old = std::mem::replace(&mut open.caps, caps);
        if rate(old) != rate(caps) {
            open.accounts.values().for_each(|account| account.buckets.store(self.buckets(caps)));
        }
    }

    /// The same as [`Limits::enter`], with the user's sockets on other bridges counted.
    pub(crate) async fn admit(self: &Arc<Self>, user: &str) -> Result<Seat, Refusal> {
        let seat = self.enter(user)?;
        match self.door.get() {
            Some(door) if !door.admits(seat.user.clone()).await => Err(Refusal::Overloaded),
            Some(_) | None => Ok(seat),
        }
    }

    /// A place for one more socket of a user, by canonical id. [`Refusal::Overloaded`] when there is none here.
    pub(crate) fn enter(self: &Arc<Self>, user: &str) -> Result<Seat, Refusal> {
        let mut open = self.open();
        let caps = open.caps;
        if is_full(open.connections, caps.connections) {
            return Err(Refusal::Overloaded);
        }
        if open.accounts.len() >= open.sweep_at {
            open.sweep(caps.refill(), self.now());
        }
        let user: Arc<str> =
            open.accounts.get_key_value(user).map_or_else(|| user.into(), |(key, _)| key.clone());
        let account = open.accounts.entry(user.clone()).or_insert_with(|| Account {
            connections: 0,
            left: Instant::now(),
            buckets: Arc::new(ArcSwapOption::new(self.buckets(caps))),
            meter: Arc::default(),
        });
        if is_full(account.connections, caps.connections_per_user) {
            return Err(Refusal::Overloaded);
        }
        account.connections += 1;
        let (buckets, meter) = (account.buckets.clone(), account.meter.clone());
        open.connections += 1;
        Ok(Seat { limits: self.clone(), user, buckets, meter })
    }

    fn leave(&self, user: &Arc<str>) {
        let mut open = self.open();
        open.connections = open.connections.saturating_sub(1);
        if let Some(account) = open.accounts.get_mut(user) {
            account.connections = account.connections.saturating_sub(1);
            account.left = Instant::now();
        }
        drop(open);
        if let Some(door) = self.door.get() {
            door.changes.sockets(user);
        }
    }

    /// Other bridges count too from now on.
    fn join(&self, door: Door) {
        // A second door would be of a second bridge in the process, which has limits of its own.
        let _ = self.door.set(door);
    }

    /// What is allowed now.
    fn caps(&self) -> Caps {
        self.open().caps
    }

    /// How many sockets a user has here.
    fn count(&self, user: &str) -> usize {
        self.open().accounts.get(user).map_or(0, |account| account.connections)
    }

    /// Users with sockets here.
    fn users(&self) -> Vec<Arc<str>> {
        let open = self.open();
        let users = open.accounts.iter().filter(|(_, account)| account.connections > 0);
        users.map(|(user, _)| user.clone()).collect()
    }

    fn now(&self) -> Duration {
        self.clock.now()
    }

    fn buckets(&self, caps: Caps) -> Option<Arc<Buckets>> {
        let frames = NonZeroU32::new(caps.frames_per_second)?;
        let burst = NonZeroU32::new(caps.burst).unwrap_or(NonZeroU32::MIN);
        let factor = NonZeroU32::new(CHATTER_FACTOR).unwrap_or(NonZeroU32::MIN);
        let bucket = |frames, burst| {
            Bucket::direct_with_clock(Quota::per_second(frames).allow_burst(burst), self.clock)
        };
        Some(Arc::new(Buckets {
            frames: bucket(frames, burst),
            chatter: bucket(frames.saturating_mul(factor), burst.saturating_mul(factor)),
        }))
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_full(taken: usize, cap: usize) -> bool {
    cap > 0 && taken >= cap
}

impl Open {
    /// Forgets who is gone, whose buckets are full again, and who owes nothing. It is called again when as many have come as
    /// stayed, so that its cost per socket is constant.
    fn sweep(&mut self, refill: Duration, now: Duration) {
        self.accounts.retain(|_, account| {
            account.connections > 0 || account.left.elapsed() < refill || account.meter.owes(now).is_some()
        });
        self.sweep_at = FIRST_SWEEP.max(self.accounts.len() * 2);
    }
}

/// The runtime's clock, which a test can pause and a simulation drive.
#[derive(Debug, Clone, Copy)]
struct TimerClock {
    start: Instant,
}

impl Clock for TimerClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.start.elapsed()
    }
}

#[cfg(test)]
mod tests;
