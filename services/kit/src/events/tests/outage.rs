//! A Redis that dies, forgets, hangs or loses a message, while events are written in one process and read from another.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio::time::{Instant, sleep};
use tokio_util::{sync::DropGuard, task::AbortOnDropHandle};

use super::{buses::Ground, *};
use crate::bus::{Driver, Local, redis::RedisDriver, redis::tests::PATIENCE};

/// A house between two processes whose hub is tended.
struct Tended {
    house: House,
    ground: Ground,
    _stop: DropGuard,
}

impl Tended {
    async fn start() -> Option<Self> {
        let ground = Ground::start().await?;
        let house = House::between(ground.writing.bus.clone(), ground.serving.bus.clone()).await;
        Some(Self::over(ground, house))
    }

    fn over(ground: Ground, house: House) -> Self {
        let stop = CancellationToken::new();
        tokio::spawn(house.hub.clone().tend(stop.clone()));
        Self { house, ground, _stop: stop.drop_guard() }
    }
}

/// Loses one event of each hundred on the way to other processes, and those whose numbers it is told.
struct Losing {
    inner: RedisDriver,
    loses: fn(u64) -> bool,
}

impl Driver for Losing {
    fn publish(&self, envelopes: &[Arc<Envelope>], local: &Local) {
        local.deliver(envelopes);
        let kept = envelopes.iter().filter(|envelope| !(self.loses)(envelope.sequence)).cloned();
        self.inner.publish(&kept.collect::<Vec<_>>(), &Local::default());
    }
}

async fn losing(loses: fn(u64) -> bool) -> Option<Tended> {
    let ground = Ground::start().await?;
    let driver = Losing { inner: ground.writing.driver.clone(), loses };
    let bus = Bus::new(driver, ground.writing.local.clone());
    let house = House::between(bus, ground.serving.bus.clone()).await;
    Some(Tended::over(ground, house))
}

#[tokio::test]
async fn a_message_that_redis_loses_is_read_from_the_log_when_the_next_comes() {
    let Some(Tended { house, ground: _ground, _stop }) = losing(|sequence| sequence % 10 == 3).await else {
        return;
    };
    let mut watcher = house.subscribe().await;
    watcher.add(Source::Chat, ROOM, None).await;
    house.append(ROOM, 100).await;
    assert_eq!(watcher.sequences(100).await, (1..=100).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_last_message_of_a_topic_is_found_when_redis_loses_it() {
    let Some(Tended { house, ground: _ground, _stop }) = losing(|sequence| sequence >= 3).await else {
        return;
    };
    let mut watcher = house.subscribe().await;
    watcher.add(Source::Chat, ROOM, None).await;
    house.append(ROOM, 3).await;
    let started = Instant::now();
    assert_eq!(watcher.sequences(3).await, [1, 2, 3]);
    assert!(started.elapsed() < Duration::from_secs(4));
}

#[tokio::test]
async fn each_event_is_seen_once_and_in_order_while_redis_is_killed_and_wiped() {
    let Some(Tended { house, mut ground, _stop }) = Tended::start().await else { return };
    let mut watcher = house.subscribe().await;
    watcher.add(Source::Chat, ROOM, None).await;
    let (store, written) = (house.store.clone(), Arc::new(AtomicU64::new(0)));
    let (stop, count) = (CancellationToken::new(), written.clone());
    let enough = stop.clone();
    let _writing = AbortOnDropHandle::new(tokio::spawn(async move {
        while !enough.is_cancelled() {
            store.write(|tx| tx.append(Source::Chat, Topic::parse(ROOM).unwrap(), body())).await.unwrap();
            count.fetch_add(1, Ordering::Relaxed);
            sleep(Duration::from_millis(1)).await;
        }
    }));
    let disturbing = AbortOnDropHandle::new(tokio::task::spawn_blocking(move || {
        for round in 0..6 {
            match round % 3 {
                0 => {
                    ground.server.kill();
                    std::thread::sleep(Duration::from_millis(700));
                    ground.server.resume();
                }
                1 => ground.server.flush(),
                _ => {
                    ground.server.command(&["client", "kill", "type", "pubsub"]);
                }
            }
            std::thread::sleep(Duration::from_millis(300));
        }
        ground
    }));
    let mut seen = 0;
    let mut latest = Duration::ZERO;
    while !disturbing.is_finished() || seen < written.load(Ordering::Relaxed) {
        let before = Instant::now();
        assert_eq!(watcher.event().await, (ROOM.to_owned(), seen + 1));
        latest = latest.max(before.elapsed());
        seen += 1;
        if disturbing.is_finished() {
            stop.cancel();
        }
    }
    let ground = disturbing.await.unwrap();
    assert!(ground.serving.count("bus_fallback_polls_total") > 0);
    assert!(latest < Duration::from_secs(2), "live delivery stood still for {latest:?}");
}

#[tokio::test]
async fn events_come_at_the_slower_pace_while_redis_is_away_and_at_once_when_it_is_back() {
    let Some(Tended { house, mut ground, _stop }) = Tended::start().await else { return };
    let mut watcher = house.subscribe().await;
    watcher.add(Source::Chat, ROOM, None).await;
    ground.server.kill();
    ground.serving.until_well(false).await;
    for sequence in 1..=5 {
        let before = Instant::now();
        house.append(ROOM, 1).await;
        assert_eq!(watcher.event().await.1, sequence);
        assert!(before.elapsed() < Duration::from_millis(1500), "{:?}", before.elapsed());
    }
    // Topics are added as before.
    watcher.add(Source::Chat, "user/1", None).await;
    house.append("user/1", 1).await;
    assert_eq!(watcher.event().await, ("user/1".to_owned(), 1));
    ground.server.resume();
    ground.serving.until_well(true).await;
    ground.writing.until_well(true).await;
    house.append(ROOM, 1).await;
    assert_eq!(watcher.event().await.1, 6);
}

#[tokio::test]
async fn a_topic_is_added_within_seconds_though_redis_hangs() {
    let Some(Tended { house, ground, _stop }) = Tended::start().await else { return };
    let mut watcher = house.subscribe().await;
    watcher.add(Source::Chat, ROOM, None).await;
    ground.server.pause();
    let before = Instant::now();
    watcher.add(Source::Chat, "user/1", None).await;
    assert!(before.elapsed() < Duration::from_secs(3), "{:?}", before.elapsed());
    house.append("user/1", 2).await;
    house.append(ROOM, 1).await;
    let mut seen = [watcher.event().await, watcher.event().await, watcher.event().await];
    seen.sort();
    let expected =
        [(ROOM, 1), ("user/1", 1), ("user/1", 2)].map(|(topic, sequence)| (topic.to_owned(), sequence));
    assert_eq!(seen, expected);
    assert!(before.elapsed() < PATIENCE);
    ground.server.unpause();
}
