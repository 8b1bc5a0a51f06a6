//! A measurement, not a check: `cargo test -p causeway-kit -- --ignored from_publishing_to_receiving --nocapture`.

use std::time::Instant;

use tokio::time::{MissedTickBehavior, interval};

use super::*;

/// Events, one each millisecond.
const EVENTS: u64 = 10_000;

/// Publishes at a steady pace; how long each took to be received, sorted.
async fn measure(from: &Bus, receiver: &mut BusReceiver) -> Vec<Duration> {
    let start = Instant::now();
    let since = move || u64::try_from(start.elapsed().as_micros()).unwrap();
    let publishing = async {
        let mut ticks = interval(Duration::from_millis(1));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        for _ in 0..EVENTS {
            ticks.tick().await;
            let event = Bytes::copy_from_slice(&[&since().to_be_bytes()[..], &[0; 300]].concat());
            let envelope = Envelope { event, ..(*envelope("user/1", 1)).clone() };
            from.publish(&[Arc::new(envelope)]);
        }
    };
    let receiving = async {
        let mut took = Vec::new();
        while took.len() < usize::try_from(EVENTS).unwrap() {
            if let Signal::Event(envelope) = receiver.recv().await {
                let sent = u64::from_be_bytes(envelope.event[..8].try_into().unwrap());
                took.push(Duration::from_micros(since() - sent));
            }
        }
        took
    };
    let ((), mut took) = tokio::join!(publishing, receiving);
    took.sort_unstable();
    took
}

fn report(what: &str, took: &[Duration]) {
    let at = |share: usize| took[took.len() * share / 1000];
    println!(
        "{what}: p50 {:?}, p99 {:?}, p99.9 {:?}, most {:?}",
        at(500),
        at(990),
        at(999),
        took[took.len() - 1]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn from_publishing_to_receiving_at_a_thousand_events_a_second() {
    let bus = Bus::default();
    let mut receiver = bus.subscribe();
    receiver.take(Source::Chat, "user/1");
    report("within a process", &measure(&bus, &mut receiver).await);

    let Some(server) = stand_in::Redis::start() else { return };
    let (one, other) = Process::two(&server.url()).await;
    let mut there = other.listen(&["user/1"]).await;
    report("between two over Redis", &measure(&one.bus, &mut there).await);
}
