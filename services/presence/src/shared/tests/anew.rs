//! Streams that are written anew, step by step.

use std::sync::{Arc, atomic::AtomicI64};

use tokio::time::Instant;

use super::{
    process::{Heard, by_hand_under, connect, fresh_prefix, opened, words},
    server,
};
use crate::{
    ledger::{Report, Stream},
    settings::Settings,
    shared::{Shared, desk::Desk},
};

/// A server, and processes on it whose tasks do not run.
struct Stage {
    server: server::Redis,
    prefix: String,
    heard: Heard,
}

impl Stage {
    fn set() -> Option<Self> {
        Some(Self { server: server::Redis::start()?, prefix: fresh_prefix(), heard: Heard::default() })
    }

    async fn process(&self) -> Shared {
        let settings = Settings { max_bridges: 2, ..Settings::default() };
        let (redis, hand) = (connect(&self.server.url()).await, Arc::new(AtomicI64::new(0)));
        by_hand_under(&self.prefix, &redis, &settings, &hand, &self.heard)
    }
}

fn desk(shared: &Shared, stream: &Stream) -> Arc<Desk> {
    shared.desks()[&stream.number()].clone()
}

async fn alice_is_in_the_room(shared: &Shared) -> bool {
    shared.present(causeway_proto::id::to_uuid("room")).await.unwrap() == ["alice"]
}

#[tokio::test]
async fn a_stream_whose_new_name_was_not_answered_is_not_taken_for_another() {
    let Some(stage) = Stage::set() else { return };
    let shared = stage.process().await;
    let stream = shared.attach("b1".into()).await.unwrap();
    shared.report(&stream, vec![opened("s1", "alice", "room")]).await.unwrap();
    let desk = desk(&shared, &stream);
    let since = desk.known_as().since[0].clone();
    desk.set_stale(true);
    let begun = shared.0.partitions[0].run(&shared.0.scripts.attach, |call| {
        call.arg("b1").arg("a new name").arg(since).arg(2).arg("epoch");
    });
    begun.await.unwrap();
    shared.renew_leases().await;
    assert!(!desk.is_superseded());
    assert!(shared.write_stale().await);
    shared.report(&stream, vec![opened("s2", "bob", "")]).await.unwrap();
    assert!(alice_is_in_the_room(&shared).await);
    assert_eq!(words(&stage.heard), ["alice online", "bob online"]);
}

#[tokio::test]
async fn one_that_finds_no_place_does_not_keep_the_others_from_being_written() {
    let Some(stage) = Stage::set() else { return };
    let (one, other) = (stage.process().await, stage.process().await);
    let first = one.attach("b1".into()).await.unwrap();
    let second = one.attach("b2".into()).await.unwrap();
    stage.server.command(&["hdel", &format!("{}:presence:{{0}}:bridges", stage.prefix), "b1"]);
    other.attach("b3".into()).await.unwrap();
    let (first, second) = (desk(&one, &first), desk(&one, &second));
    first.set_stale(true);
    second.set_stale(true);
    assert!(!one.write_stale().await);
    assert_eq!((first.is_stale(), second.is_stale()), (true, false));
}

#[tokio::test]
async fn what_earlier_streams_reported_stays_until_redis_has_what_is_held() {
    let Some(stage) = Stage::set() else { return };
    let shared = stage.process().await;
    let earlier = shared.attach("b1".into()).await.unwrap();
    shared.report(&earlier, vec![opened("s1", "alice", "room")]).await.unwrap();
    shared.lose(&earlier).await;
    let stream = shared.attach("b1".into()).await.unwrap();
    desk(&shared, &stream).set_stale(true);
    shared.report(&stream, vec![opened("s1", "alice", "room"), Report::Synced]).await.unwrap();
    assert!(alice_is_in_the_room(&shared).await);
    assert!(shared.write_stale().await);
    assert!(alice_is_in_the_room(&shared).await);
    assert_eq!(words(&stage.heard), ["alice online"]);
}

#[tokio::test]
async fn a_stream_that_ended_before_redis_knew_of_it_does_not_come_after_later_ones() {
    let Some(stage) = Stage::set() else { return };
    let (one, other) = (stage.process().await, stage.process().await);
    let lost = Desk::new("b1".into(), 1);
    lost.known_as().lost = Some(Instant::now());
    one.desks().insert(0, Arc::new(lost));
    let stream = other.attach("b1".into()).await.unwrap();
    one.forget_lost();
    assert!(one.write_stale().await);
    other.report(&stream, vec![opened("s1", "alice", "room")]).await.unwrap();
    assert!(!desk(&other, &stream).is_stale(), "it was not ended");
}
