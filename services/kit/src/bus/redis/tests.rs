//! Processes that meet at a real Redis, which dies, hangs, fails over and moves slots.

use std::time::Duration;

use bytes::Bytes;
use causeway_link::redis as link;
use tokio::time::{sleep, timeout};

pub(crate) use self::process::{PATIENCE, Process};
use super::*;
use crate::{
    bus::{BusReceiver, Signal},
    testing::until,
};

mod process;
#[path = "../../../../../tests/stand_ins/redis.rs"]
pub(crate) mod stand_in;

fn envelope(topic: &str, sequence: u64) -> Arc<Envelope> {
    let event = Bytes::from_static(b"event");
    Arc::new(Envelope { source: Source::Chat, topic: topic.into(), sequence, event })
}

async fn next(receiver: &mut BusReceiver) -> Signal {
    timeout(PATIENCE, receiver.recv()).await.expect("a signal")
}

/// The next event; what says that some may be lost is passed over.
async fn event(receiver: &mut BusReceiver) -> (String, u64) {
    loop {
        match next(receiver).await {
            Signal::Event(envelope) => return (envelope.topic.to_string(), envelope.sequence),
            Signal::Check { .. } | Signal::Lagged { .. } | Signal::Head { .. } => {}
        }
    }
}

/// Publishes until it arrives, from 1 on; the number that did.
async fn until_heard(from: &Process, topic: &str, receiver: &mut BusReceiver) -> u64 {
    for sequence in 1.. {
        from.publish(topic, sequence);
        if let Ok((heard, sequence)) = timeout(Duration::from_millis(100), event(receiver)).await {
            assert_eq!(heard, topic);
            return sequence;
        }
    }
    0
}

const RECEIVED: &str = "bus_received_total{what=\"event\"}";
const LATE: &str = "bus_received_total{what=\"late\"}";
const ECHO: &str = "bus_received_total{what=\"echo\"}";
const UNWANTED: &str = "bus_received_total{what=\"unwanted\"}";

#[tokio::test]
async fn an_event_comes_once_to_its_own_process_and_once_to_another() {
    let Some(server) = stand_in::Redis::start() else { return };
    let (one, other) = Process::two(&server.url()).await;
    let mut here = one.listen(&["user/1"]).await;
    let mut there = other.listen(&["user/1"]).await;
    for sequence in 1..=1000 {
        one.publish("user/1", sequence);
    }
    for sequence in 1..=1000 {
        assert_eq!(next(&mut here).await, Signal::Event(envelope("user/1", sequence)));
        assert_eq!(next(&mut there).await, Signal::Event(envelope("user/1", sequence)));
    }
    until("the echo of all", || one.count(ECHO) == 1000).await;
    other.publish("user/1", 1001);
    assert_eq!(next(&mut here).await, Signal::Event(envelope("user/1", 1001)));
    assert_eq!((one.count(RECEIVED), other.count(RECEIVED)), (1, 1000));
}

#[tokio::test]
async fn events_cross_a_redis_that_cannot_publish_by_shard() {
    let Some(server) = stand_in::Redis::start() else { return };
    let settings = Settings { sharded: false, ..Settings::default() };
    let one = Process::start_with(&server.url(), settings.clone()).await;
    let other = Process::start_with(&server.url(), settings).await;
    let mut there = other.listen(&["user/1"]).await;
    one.publish("user/1", 1);
    assert_eq!(next(&mut there).await, Signal::Event(envelope("user/1", 1)));
    assert!(server.command(&["pubsub", "channels"]).contains("causeway:1:user/1"));
}

#[tokio::test]
async fn a_topic_that_nobody_wants_costs_a_process_nothing() {
    let Some(server) = stand_in::Redis::start() else { return };
    let (one, other) = Process::two(&server.url()).await;
    let mut there = other.listen(&["user/1", "user/2"]).await;
    assert_eq!(other.count("bus_topics"), 2);
    there.release(Source::Chat, "user/2");
    let released = || server.command(&["pubsub", "shardchannels"]) == "causeway:1:user/1";
    until("the topic is left", released).await;
    for sequence in 1..=500 {
        one.publish("user/2", sequence);
        one.publish("user/3", sequence);
    }
    one.publish("user/1", 1);
    assert_eq!(event(&mut there).await, ("user/1".to_owned(), 1));
    assert_eq!((other.count(RECEIVED), other.count(LATE), other.count(UNWANTED)), (1, 0, 0));
    assert_eq!(other.count("bus_topics"), 1);
}

#[tokio::test]
async fn a_topic_that_comes_back_soon_is_never_left() {
    let Some(server) = stand_in::Redis::start() else { return };
    let settings = Settings { linger: Duration::from_secs(60), ..Settings::default() };
    let one = Process::start_with(&server.url(), settings).await;
    drop(one.listen(&["user/1"]).await);
    let mut receiver = one.bus.subscribe();
    assert!(receiver.take(Source::Chat, "user/1"));
    assert_eq!(server.command(&["pubsub", "shardchannels"]), "causeway:1:user/1");
}

#[tokio::test]
async fn who_takes_and_releases_without_end_ends_where_it_should() {
    let Some(server) = stand_in::Redis::start() else { return };
    let settings = Settings { linger: Duration::ZERO, ..Settings::default() };
    let (one, other) =
        (Process::start(&server.url()).await, Process::start_with(&server.url(), settings).await);
    for _ in 0..300 {
        let mut receiver = other.bus.subscribe();
        receiver.take(Source::Chat, "user/1");
        sleep(Duration::from_millis(rand::random_range(0..5))).await;
    }
    let mut there = other.listen(&["user/1"]).await;
    one.publish("user/1", 1);
    assert_eq!(event(&mut there).await, ("user/1".to_owned(), 1));
    drop(there);
    until("the topic is left", || server.command(&["pubsub", "shardchannels"]).is_empty()).await;
    assert_eq!(other.count(UNWANTED), 0);
}

#[tokio::test]
async fn what_is_no_event_makes_the_subscriber_look_at_the_log() {
    let Some(server) = stand_in::Redis::start() else { return };
    let one = Process::start(&server.url()).await;
    let mut here = one.listen(&["user/1"]).await;
    server.command(&["spublish", "causeway:1:user/1", "hello"]);
    let check = Signal::Check { source: Source::Chat, topic: "user/1".into() };
    assert_eq!(next(&mut here).await, check);
}

#[tokio::test]
async fn after_redis_was_killed_subscribers_are_told_and_hear_again() {
    let Some(mut server) = stand_in::Redis::start() else { return };
    let (one, other) = Process::two(&server.url()).await;
    let mut there = other.listen(&["user/1"]).await;
    server.kill();
    other.until_well(false).await;
    assert!(matches!(next(&mut there).await, Signal::Lagged { .. }));
    one.until_well(false).await;
    one.publish("user/1", 1);
    assert_eq!(one.count("bus_lost_total{why=\"away\"}"), 1);
    // A topic that is taken now does not wait for Redis.
    assert!(there.take(Source::Chat, "user/2"));
    server.resume();
    other.until_well(true).await;
    one.until_well(true).await;
    assert!(matches!(next(&mut there).await, Signal::Lagged { .. }));
    one.publish("user/1", 2);
    assert_eq!(event(&mut there).await, ("user/1".to_owned(), 2));
    one.publish("user/2", 1);
    assert_eq!(event(&mut there).await, ("user/2".to_owned(), 1));
}

#[tokio::test]
async fn topics_that_come_and_go_while_redis_is_away_are_forgotten() {
    let Some(mut server) = stand_in::Redis::start() else { return };
    let one = Process::start(&server.url()).await;
    let mut here = one.listen(&["user/kept"]).await;
    server.kill();
    one.until_well(false).await;
    for id in 0..100 {
        let topic = format!("user/{id}");
        here.take(Source::Chat, topic.as_str());
        here.release(Source::Chat, &topic);
    }
    until("the topics are forgotten", || one.count("bus_topics") == 1).await;
    server.resume();
    one.until_well(true).await;
    assert_eq!(server.command(&["pubsub", "shardchannels"]), "causeway:1:user/kept");
}

#[tokio::test]
async fn a_redis_that_hangs_is_noticed_within_seconds() {
    let Some(server) = stand_in::Redis::start() else { return };
    let one = Process::start(&server.url()).await;
    server.pause();
    timeout(Duration::from_secs(5), one.until_well(false)).await.unwrap();
    server.unpause();
    one.until_well(true).await;
}

#[tokio::test]
async fn whoever_loses_events_on_the_way_out_says_so_when_it_can() {
    let Some(server) = stand_in::Redis::start() else { return };
    let (one, other) = Process::two(&server.url()).await;
    let mut losses = other.bus.wakes(LOOK_AT_LOG);
    losses.next().await;
    let link = one.driver.0.routes().links()[0].clone();
    let event = Bytes::from(vec![0; 6 << 20]);
    let large = Arc::new(Envelope { event, ..(*envelope("user/1", 1)).clone() });
    let losing = std::iter::repeat_with(|| link.send(&large)).take(10).filter(Result::is_err).count();
    assert!(losing > 0, "16 MiB are the most that waits");
    timeout(PATIENCE, losses.next()).await.unwrap();
}

#[tokio::test]
async fn work_that_waits_in_another_process_is_woken() {
    let Some(server) = stand_in::Redis::start() else { return };
    let (one, other) = Process::two(&server.url()).await;
    let mut wakes = other.bus.wakes("outbox");
    // That it is heard from now on is the first.
    wakes.next().await;
    one.bus.wake("outbox");
    timeout(PATIENCE, wakes.next()).await.unwrap();
}

#[tokio::test]
async fn topics_of_a_cluster_are_on_all_its_nodes_and_move_with_their_slots() {
    let Some(cluster) = stand_in::Cluster::start() else { return };
    let (one, other) = Process::two(&cluster.url()).await;
    let topics: Vec<_> = (0..60).map(|id| format!("conversation/{id}")).collect();
    let names: Vec<_> = topics.iter().map(String::as_str).collect();
    let mut there = other.listen(&names).await;
    topics.iter().for_each(|topic| one.publish(topic, 1));
    let mut heard = Vec::new();
    while heard.len() < topics.len() {
        heard.push(event(&mut there).await.0);
    }
    heard.sort_unstable();
    let mut expected = topics.clone();
    expected.sort_unstable();
    assert_eq!(heard, expected);
    for node in &cluster.nodes {
        assert!(!node.command(&["pubsub", "shardchannels"]).is_empty());
    }

    let slot = link::slot(b"causeway:1:conversation/0");
    let home = one.driver.0.routes().of("causeway:1:conversation/0").unwrap().endpoint.port;
    let to = cluster.nodes.iter().position(|node| node.port() != home).unwrap();
    cluster.move_slot(slot, to);
    until_heard(&one, "conversation/0", &mut there).await;
    let there_now = || cluster.nodes[to].command(&["pubsub", "shardchannels"]).contains("conversation/0");
    until("the new node has the topic", there_now).await;
}

#[tokio::test]
async fn when_the_primary_dies_the_bus_follows_the_sentinels_to_the_next() {
    let Some(mut sentinels) = stand_in::Sentinels::start() else { return };
    let (one, other) = (Process::start(&sentinels.url()).await, Process::start(&sentinels.url()).await);
    let mut there = other.listen(&["user/1"]).await;
    one.publish("user/1", 1);
    assert_eq!(event(&mut there).await, ("user/1".to_owned(), 1));
    sentinels.servers[0].kill();
    other.until_well(false).await;
    other.until_well(true).await;
    one.until_well(true).await;
    until_heard(&one, "user/1", &mut there).await;
}
