//! What a process has of the bus, as the tests see it.

use std::time::Duration;

use causeway_link::redis::{Redis, Settings as Connection};
use causeway_proto::event::Source;
use tokio::time::timeout;
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

use super::{envelope, next};
use crate::{
    bus::{
        Bus, BusReceiver, Local, Signal,
        redis::{RedisDriver, Settings},
    },
    metrics::Metrics,
};

pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What a process has of the bus.
pub(crate) struct Process {
    pub(crate) bus: Bus,
    pub(crate) driver: RedisDriver,
    pub(crate) local: Local,
    pub(crate) metrics: Metrics,
    _stop: DropGuard,
}

impl Process {
    /// Connects, and waits until it hears the others.
    pub(crate) async fn start(url: &str) -> Self {
        Self::start_with(url, Settings { linger: Duration::from_millis(100), ..Settings::default() }).await
    }

    pub(crate) async fn two(url: &str) -> (Self, Self) {
        tokio::join!(Self::start(url), Self::start(url))
    }

    pub(crate) async fn start_with(url: &str, settings: Settings) -> Self {
        let redis = Redis::connect(Connection::new(url.parse().unwrap())).await.unwrap();
        let (local, metrics, stop) = (Local::default(), Metrics::default(), CancellationToken::new());
        let driver = RedisDriver::start(redis, settings, local.clone(), &TaskTracker::new(), &stop, &metrics);
        let bus = Bus::new(driver.clone(), local.clone());
        let this = Self { bus, driver, local, metrics, _stop: stop.drop_guard() };
        this.until_well(true).await;
        this
    }

    pub(crate) async fn until_well(&self, wanted: bool) {
        let mut health = self.bus.health().unwrap();
        timeout(PATIENCE, health.wait_for(|health| *health == wanted)).await.unwrap().unwrap();
    }

    /// A subscriber that hears the others on these topics.
    pub(super) async fn listen(&self, topics: &[&str]) -> BusReceiver {
        let mut receiver = self.bus.subscribe();
        let mut waits = topics.iter().filter(|topic| !receiver.take(Source::Chat, **topic)).count();
        while waits > 0 {
            waits -= usize::from(matches!(next(&mut receiver).await, Signal::Check { .. }));
        }
        receiver
    }

    pub(super) fn publish(&self, topic: &str, sequence: u64) {
        self.bus.publish(&[envelope(topic, sequence)]);
    }

    /// A counter of the metrics.
    pub(crate) fn count(&self, name: &str) -> u64 {
        let text = self.metrics.encode();
        let line = text.lines().find_map(|line| line.strip_prefix("causeway_")?.strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name}")).trim().parse().unwrap()
    }
}
