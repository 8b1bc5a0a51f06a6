//! Processes that are gone, and a Redis that is.

use std::time::{Duration, Instant};

use causeway_kit::testing::until;

use super::{
    process::{Heard, Process, hasty, hear, words},
    server,
};
use crate::settings::Settings;

/// Short, so that a test need not wait; long enough for a busy machine.
const LEASE: Duration = Duration::from_millis(900);

/// Users go offline at once, and lost sessions stay for a while.
fn patient() -> Settings {
    Settings { orphan_grace: Duration::from_secs(3), ..hasty() }
}

#[tokio::test]
async fn the_bridges_of_a_killed_process_go_on_at_another_without_a_flicker() {
    let Some(server) = server::Redis::start() else { return };
    let heard = Heard::default();
    let one = Process::start(&server.url(), patient(), LEASE, &heard).await;
    let two = Process::start(&server.url(), patient(), LEASE, &heard).await;
    let stream = one.attach("b1").await;
    one.open(&stream, "s1", "alice", "room").await;
    one.open(&stream, "s2", "bob", "room").await;
    let other = one.attach("b2").await;
    one.open(&other, "s1", "zoe", "room").await;
    one.kill();
    let stream = two.attach("b1").await;
    two.open(&stream, "s1", "alice", "room").await;
    two.synced(&stream).await;
    // Bob was not reported. When zoe is gone, whose bridge stays away, all that the process had is.
    let told = ["alice online", "bob online", "zoe online", "bob offline", "zoe offline"];
    assert_eq!(hear(&heard, 5).await, told);
    assert_eq!(two.sessions("alice").await, 1);
}

#[tokio::test]
async fn the_sessions_of_a_killed_process_whose_bridges_stay_away_are_gone_once() {
    let Some(server) = server::Redis::start() else { return };
    let heard = Heard::default();
    let one = Process::start(&server.url(), hasty(), LEASE, &heard).await;
    let _two = Process::start(&server.url(), hasty(), LEASE, &heard).await;
    let three = Process::start(&server.url(), hasty(), LEASE, &heard).await;
    let stream = one.attach("b1").await;
    one.open(&stream, "s1", "alice", "room").await;
    one.kill();
    assert_eq!(hear(&heard, 2).await, ["alice online", "alice offline"]);
    assert_eq!(three.present("room").await, [""; 0]);
    let stream = three.attach("b2").await;
    three.open(&stream, "s1", "bob", "room").await;
    three.close(&stream, "s1").await;
    assert_eq!(hear(&heard, 4).await[2..], ["bob online", "bob offline"], "nothing more of alice");
}

#[tokio::test]
async fn a_process_that_is_held_up_keeps_its_sessions() {
    let Some(server) = server::Redis::start() else { return };
    let heard = Heard::default();
    let lease = Duration::from_millis(300);
    let one = Process::start(&server.url(), patient(), lease, &heard).await;
    let stream = one.attach("b1").await;
    one.open(&stream, "s1", "alice", "room").await;
    one.stop_for_a_while();
    let two = Process::start(&server.url(), patient(), lease, &heard).await;
    let ended = || server.command(&["zcard", "causeway:presence:{0}:ended"]);
    until("the lease is over, and somebody has noticed", || ended() == "1").await;
    one.go_on();
    until("the stream counts again", || ended() == "0").await;
    assert_eq!((two.sessions("alice").await, words(&heard)), (1, vec!["alice online".to_owned()]));
    one.close(&stream, "s1").await;
    assert_eq!(hear(&heard, 2).await[1], "alice offline");
}

#[tokio::test]
async fn what_redis_has_lost_comes_back_by_itself_and_nobody_hears_of_it() {
    let Some(server) = server::Redis::start() else { return };
    let heard = Heard::default();
    let slow = Settings { offline_after: Duration::from_secs(2), ..patient() };
    let one = Process::start(&server.url(), slow.clone(), LEASE, &heard).await;
    let two = Process::start(&server.url(), slow, LEASE, &heard).await;
    let (first, second) = (one.attach("b1").await, two.attach("b2").await);
    one.open(&first, "s1", "alice", "room").await;
    one.synced(&first).await;
    two.open(&second, "s1", "bob", "room").await;
    one.open(&first, "s2", "carol", "room").await;
    one.close(&first, "s2").await;
    server.flush();
    one.comes_to_have("alice", 1).await;
    two.comes_to_have("bob", 1).await;
    assert_eq!(two.present("room").await, ["alice", "bob"]);
    // Who was about to go offline still goes.
    assert_eq!(hear(&heard, 4).await[3], "carol offline");
    two.close(&second, "s1").await;
    one.close(&first, "s1").await;
    let mut told = hear(&heard, 6).await;
    told.sort_unstable();
    let expected =
        ["alice offline", "alice online", "bob offline", "bob online", "carol offline", "carol online"];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn while_redis_is_away_questions_fail_soon_and_bridges_report_all_the_same() {
    let Some(mut server) = server::Redis::start() else { return };
    let heard = Heard::default();
    let one = Process::start(&server.url(), patient(), LEASE, &heard).await;
    let stream = one.attach("b1").await;
    one.open(&stream, "s1", "alice", "room").await;
    one.open(&stream, "s2", "bob", "room").await;
    server.kill();
    let begun = Instant::now();
    assert!(one.shared.present(causeway_proto::id::to_uuid("room")).await.is_err());
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    one.open(&stream, "s3", "carol", "room").await;
    one.close(&stream, "s2").await;
    let other = one.attach("b2").await;
    one.open(&other, "s1", "dora", "room").await;
    server.resume();
    one.comes_to_have("dora", 1).await;
    one.comes_to_have("carol", 1).await;
    one.comes_to_have("alice", 1).await;
    let mut told = hear(&heard, 5).await;
    told.sort_unstable();
    assert_eq!(told, ["alice online", "bob offline", "bob online", "carol online", "dora online"]);
}

#[tokio::test]
async fn a_redis_that_hangs_is_as_good_as_away() {
    let Some(server) = server::Redis::start() else { return };
    let heard = Heard::default();
    let one = Process::start(&server.url(), patient(), LEASE, &heard).await;
    let stream = one.attach("b1").await;
    one.open(&stream, "s1", "alice", "room").await;
    server.pause();
    let begun = Instant::now();
    assert!(one.shared.present(causeway_proto::id::to_uuid("room")).await.is_err());
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    one.open(&stream, "s2", "bob", "room").await;
    server.unpause();
    one.comes_to_have("bob", 1).await;
    one.comes_to_have("alice", 1).await;
    assert_eq!(words(&heard).iter().filter(|told| told.as_str() == "alice online").count(), 1);
}
