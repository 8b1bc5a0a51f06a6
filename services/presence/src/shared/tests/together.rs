//! Several processes over one Redis, when all is well.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use causeway_proto::presence::{SetTypingRequest, Typist};

use super::{
    process::{Heard, Process, by_hand_under, connect, fresh_prefix, hasty, hear, opened, words},
    server,
};
use crate::settings::Settings;

const LEASE: Duration = Duration::from_secs(10);

fn says(user: &str, is_typing: bool) -> SetTypingRequest {
    SetTypingRequest {
        conversation_id: "room".into(),
        user: Some(Typist { user_id: user.into(), ..Typist::default() }),
        session_id: "s".into(),
        is_typing,
    }
}

/// Two processes, and what they tell.
async fn two(url: &str, settings: Settings) -> (Process, Process, Heard) {
    let heard = Heard::default();
    let one = Process::start(url, settings.clone(), LEASE, &heard).await;
    let two = Process::start(url, settings, LEASE, &heard).await;
    (one, two, heard)
}

#[tokio::test]
async fn what_a_bridge_reports_to_one_process_every_other_knows() {
    let Some(server) = server::Redis::start() else { return };
    let (one, two, heard) = two(&server.url(), hasty()).await;
    let (first, second) = (one.attach("b1").await, two.attach("b2").await);
    one.open(&first, "s1", "alice", "room").await;
    two.open(&second, "s1", "alice", "room").await;
    two.open(&second, "s2", "bob", "room").await;
    assert_eq!(one.sessions("alice").await, 2);
    assert_eq!(one.present("room").await, ["alice", "bob"]);
    one.close(&first, "s1").await;
    assert_eq!(two.sessions("alice").await, 1);
    two.close(&second, "s1").await;
    assert_eq!(hear(&heard, 3).await, ["alice online", "bob online", "alice offline"]);
    let last = one.presence("alice").await.unwrap();
    assert_eq!(
        (last.status().as_str_name(), last.display_name.as_str()),
        ("PRESENCE_STATUS_OFFLINE", "ALICE")
    );
    assert!(last.last_seen.is_some());
}

#[tokio::test]
async fn typing_begins_and_ends_once_wherever_it_is_said() {
    let Some(server) = server::Redis::start() else { return };
    let (one, two, heard) = two(&server.url(), hasty()).await;
    one.shared.set_typing(says("alice", true)).await.unwrap();
    two.shared.set_typing(says("alice", true)).await.unwrap();
    two.shared.set_typing(says("alice", false)).await.unwrap();
    one.shared.set_typing(says("alice", false)).await.unwrap();
    one.shared.set_typing(says("bob", true)).await.unwrap();
    let expected =
        ["alice types in room", "alice stopped in room", "bob types in room", "bob stopped in room"];
    assert_eq!(hear(&heard, 4).await, expected);
    let stream = one.attach("b1").await;
    one.open(&stream, "s", "carol", "room").await;
    two.shared.set_typing(says("carol", true)).await.unwrap();
    one.close(&stream, "s").await;
    assert_eq!(hear(&heard, 7).await[4..], ["carol online", "carol types in room", "carol stopped in room"]);
}

#[tokio::test]
async fn of_two_that_see_the_same_users_go_each_is_told_by_one() {
    let Some(server) = server::Redis::start() else { return };
    let (hand, heard, prefix) = (Arc::new(AtomicI64::new(0)), Heard::default(), fresh_prefix());
    let mut sweepers = Vec::new();
    for _ in 0..2 {
        let redis = connect(&server.url()).await;
        sweepers.push(by_hand_under(&prefix, &redis, &Settings::default(), &hand, &heard));
    }
    for round in 0..100 {
        let stream = sweepers[0].attach(format!("b{round}")).await.unwrap();
        let users = (0..20).map(|user| opened(&format!("s{user}"), &format!("u{user}"), "room"));
        sweepers[0].report(&stream, users.collect()).await.unwrap();
        sweepers[0].set_typing(says("u1", true)).await.unwrap();
        sweepers[0].lose(&stream).await;
        hand.fetch_add(60_000_000, Ordering::SeqCst);
        let sweep = async |sweeper: &crate::shared::Shared| {
            sweeper.sweep_one(&sweeper.0.partitions[0]).await.map(drop)
        };
        let (one, two) = tokio::join!(sweep(&sweepers[0]), sweep(&sweepers[1]));
        assert!(one.is_ok() && two.is_ok());
        let mut told = words(&heard);
        told.sort_unstable();
        let once = |what: &str| told.iter().filter(|told| told.as_str() == what).count();
        for user in 0..20 {
            let both = [once(&format!("u{user} online")), once(&format!("u{user} offline"))];
            assert_eq!(both, [1, 1], "round {round}: {told:?}");
        }
        assert_eq!([once("u1 types in room"), once("u1 stopped in room"), told.len()], [1, 1, 42]);
        heard.lock().unwrap().clear();
    }
}

#[tokio::test]
async fn last_seen_is_kept_for_as_many_as_it_may_be() {
    let Some(server) = server::Redis::start() else { return };
    let (hand, heard) = (Arc::new(AtomicI64::new(0)), Heard::default());
    let redis = connect(&server.url()).await;
    // 1 000 are remembered here.
    let shared = by_hand_under(&fresh_prefix(), &redis, &Settings::default(), &hand, &heard);
    let stream = shared.attach("b".into()).await.unwrap();
    for round in 0..6 {
        hand.fetch_add(60_000_000, Ordering::SeqCst);
        let users: Vec<_> = (0..200)
            .map(|user| opened(&format!("s{user}"), &format!("u{}", round * 200 + user), ""))
            .collect();
        shared.report(&stream, users).await.unwrap();
    }
    shared.lose(&stream).await;
    hand.fetch_add(60_000_000, Ordering::SeqCst);
    assert!(shared.sweep_one(&shared.0.partitions[0]).await.is_ok());
    let known = async |user: usize| {
        let user = causeway_proto::id::to_uuid(&format!("u{user}"));
        shared.presences(vec![user]).await.unwrap()[0].is_some()
    };
    assert!(!known(0).await && !known(199).await, "the longest gone are forgotten");
    assert!(known(200).await && known(1_199).await);
}

#[tokio::test]
async fn in_a_cluster_users_are_divided_and_all_is_as_ever() {
    let Some(cluster) = server::Cluster::start() else { return };
    let (one, two, heard) = two(&cluster.url(), hasty()).await;
    let (first, second) = (one.attach("b1").await, two.attach("b2").await);
    let users: Vec<_> = (0..40).map(|user| format!("user-{user:02}")).collect();
    for (number, user) in users.iter().enumerate() {
        let (process, stream) = if number % 2 == 0 { (&one, &first) } else { (&two, &second) };
        process.open(stream, user, user, "room").await;
    }
    one.synced(&first).await;
    assert_eq!(two.present("room").await, users);
    two.shared.set_typing(says("user-00", true)).await.unwrap();
    for node in &cluster.nodes {
        let keys = node.command(&["keys", "*"]);
        assert!(keys.lines().all(|key| key.starts_with("causeway:presence:{")), "{keys}");
    }
    for (number, user) in users.iter().enumerate() {
        let (process, stream) = if number % 2 == 0 { (&one, &first) } else { (&two, &second) };
        process.close(stream, user).await;
    }
    let told = hear(&heard, 82).await;
    assert_eq!(told.iter().filter(|told| told.ends_with(" offline")).count(), 40, "{told:?}");
    assert!(told.contains(&"user-00 stopped in room".to_owned()));
    assert_eq!(one.present("room").await, [""; 0]);
}
