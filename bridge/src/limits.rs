//! How much one user, and all together, may take: sockets at a time, and frames a second.
//!
//! [`Limits::enter`] gives a [`Seat`], which a socket keeps for as long as it is open. All seats of a user draw on the same
//! two token buckets, so more tabs are not more frames. The buckets outlive the last seat until they are full again, so
//! that coming back is no way around the limit; after that they are swept.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use causeway_config::BridgeSettings;
use governor::{
    Quota, RateLimiter,
    clock::Clock,
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed},
};
use tokio::time::Instant;

use crate::fault::Refusal;

/// How many times more receipts, typing and pings are taken than other frames.
const CHATTER_FACTOR: u32 = 10;
/// Accounts that may be kept before the first sweep.
const FIRST_SWEEP: usize = 1_024;

/// What is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Caps {
    /// Sockets of all users together; 0 for any number.
    pub(crate) connections: usize,
    /// Sockets of one user; 0 for any number.
    pub(crate) connections_per_user: usize,
    /// Frames a second of one user, over all sockets; 0 for any number.
    pub(crate) frames_per_second: u32,
    /// Frames that a user who was quiet may send at once.
    pub(crate) burst: u32,
}

impl From<&BridgeSettings> for Caps {
    fn from(settings: &BridgeSettings) -> Self {
        Self {
            connections: settings.max_connections,
            connections_per_user: settings.max_connections_per_user,
            frames_per_second: settings.rate.frames_per_second,
            burst: settings.rate.burst,
        }
    }
}

/// Counts sockets and frames. One per process.
pub(crate) struct Limits {
    caps: Caps,
    clock: TimerClock,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    connections: usize,
    accounts: HashMap<Arc<str>, Account>,
    sweep_at: usize,
}

struct Account {
    connections: usize,
    /// When the last socket went; of no meaning while there are sockets.
    left: Instant,
    buckets: Option<Arc<Buckets>>,
}

/// A socket's place within the limits; dropping it frees the place.
pub(crate) struct Seat {
    limits: Arc<Limits>,
    user: Arc<str>,
    buckets: Option<Arc<Buckets>>,
}

type Bucket = RateLimiter<NotKeyed, InMemoryState, TimerClock, NoOpMiddleware<Duration>>;

struct Buckets {
    frames: Bucket,
    chatter: Bucket,
}

impl Limits {
    /// Nobody is in yet.
    pub(crate) fn new(caps: Caps) -> Arc<Self> {
        let open = Open { sweep_at: FIRST_SWEEP, ..Open::default() };
        Arc::new(Self { caps, clock: TimerClock { start: Instant::now() }, open: Mutex::new(open) })
    }

    /// A place for one more socket of a user, by canonical id. [`Refusal::Overloaded`] when there is none.
    pub(crate) fn enter(self: &Arc<Self>, user: &str) -> Result<Seat, Refusal> {
        let mut open = self.open();
        if is_full(open.connections, self.caps.connections) {
            return Err(Refusal::Overloaded);
        }
        if open.accounts.len() >= open.sweep_at {
            open.sweep(self.refill());
        }
        let user: Arc<str> =
            open.accounts.get_key_value(user).map_or_else(|| user.into(), |(key, _)| key.clone());
        let account = open.accounts.entry(user.clone()).or_insert_with(|| Account {
            connections: 0,
            left: Instant::now(),
            buckets: self.buckets(),
        });
        if is_full(account.connections, self.caps.connections_per_user) {
            return Err(Refusal::Overloaded);
        }
        account.connections += 1;
        let buckets = account.buckets.clone();
        open.connections += 1;
        Ok(Seat { limits: self.clone(), user, buckets })
    }

    fn leave(&self, user: &str) {
        let mut open = self.open();
        open.connections = open.connections.saturating_sub(1);
        if let Some(account) = open.accounts.get_mut(user) {
            account.connections = account.connections.saturating_sub(1);
            account.left = Instant::now();
        }
    }

    /// How long an empty bucket takes to be full.
    fn refill(&self) -> Duration {
        match self.caps.frames_per_second {
            0 => Duration::ZERO,
            frames => Duration::from_secs(1) * self.caps.burst.max(1) / frames,
        }
    }

    fn buckets(&self) -> Option<Arc<Buckets>> {
        let frames = NonZeroU32::new(self.caps.frames_per_second)?;
        let burst = NonZeroU32::new(self.caps.burst).unwrap_or(NonZeroU32::MIN);
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
    /// Forgets who is gone and whose buckets are full again. It is called again when as many have come as stayed, so that
    /// its cost per socket is constant.
    fn sweep(&mut self, refill: Duration) {
        self.accounts.retain(|_, account| account.connections > 0 || account.left.elapsed() < refill);
        self.sweep_at = FIRST_SWEEP.max(self.accounts.len() * 2);
    }
}

impl Seat {
    /// Takes a frame that counts; where it may not be taken, says how long the user must wait.
    pub(crate) fn frame(&self) -> Result<(), Duration> {
        let Some(buckets) = &self.buckets else { return Ok(()) };
        buckets.frames.check().map_err(|until| until.wait_time_from(self.limits.clock.now()))
    }

    /// Takes a receipt, a typing mark or a ping; false when there are so many that it is to be dropped.
    pub(crate) fn chatter(&self) -> bool {
        self.buckets.as_ref().is_none_or(|buckets| buckets.chatter.check().is_ok())
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.limits.leave(&self.user);
    }
}

impl std::fmt::Debug for Seat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Seat").field("user", &self.user).finish_non_exhaustive()
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
mod tests {
    use super::*;

    const CAPS: Caps = Caps { connections: 3, connections_per_user: 2, frames_per_second: 20, burst: 40 };

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_taken_and_then_the_user_hears_how_long_to_wait() {
        let seat = Limits::new(CAPS).enter("alice").unwrap();
        for _ in 0..40 {
            assert_eq!(seat.frame(), Ok(()));
        }
        let wait = seat.frame().unwrap_err();
        assert!(wait > Duration::ZERO && wait <= Duration::from_millis(50), "{wait:?}");
        tokio::time::advance(wait).await;
        assert_eq!(seat.frame(), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn chatter_has_ten_times_as_much_and_does_not_count_as_frames() {
        let seat = Limits::new(CAPS).enter("alice").unwrap();
        assert_eq!((0..1_000).filter(|_| seat.chatter()).count(), 400);
        assert_eq!(seat.frame(), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn the_sockets_of_a_user_share_one_bucket_and_coming_back_does_not_fill_it() {
        let limits = Limits::new(CAPS);
        let (one, two, other) =
            (limits.enter("a").unwrap(), limits.enter("a").unwrap(), limits.enter("b").unwrap());
        while one.frame().is_ok() {}
        assert!(two.frame().is_err());
        assert!(other.frame().is_ok());
        drop((one, two));
        assert!(limits.enter("a").unwrap().frame().is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn sockets_are_capped_for_one_user_and_for_all() {
        let limits = Limits::new(CAPS);
        let first = limits.enter("a").unwrap();
        let _second = limits.enter("a").unwrap();
        assert_eq!(limits.enter("a").unwrap_err(), Refusal::Overloaded);
        let _third = limits.enter("b").unwrap();
        assert_eq!(limits.enter("c").unwrap_err(), Refusal::Overloaded);
        drop(first);
        assert!(limits.enter("a").is_ok());
        assert_eq!(limits.open().connections, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn no_limit_is_no_limit() {
        let seat = Limits::new(Caps { frames_per_second: 0, ..CAPS }).enter("a").unwrap();
        assert!((0..10_000).all(|_| seat.frame().is_ok() && seat.chatter()));
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_gone_for_long_is_forgotten() {
        let limits = Limits::new(CAPS);
        let _stays = limits.enter("stays").unwrap();
        for number in 0..10 * FIRST_SWEEP {
            limits.enter(&number.to_string()).unwrap();
            if number % 100 == 0 {
                tokio::time::advance(Duration::from_secs(1)).await;
            }
        }
        let open = limits.open();
        assert!(open.accounts.len() <= FIRST_SWEEP, "{}", open.accounts.len());
        assert!(open.accounts.contains_key("stays"));
    }
}
