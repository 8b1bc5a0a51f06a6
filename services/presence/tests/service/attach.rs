//! Attach: bridges that come, go, come back and misbehave.

use std::time::Duration;

use causeway_presence::Settings;
use causeway_proto::presence::{Hello, SessionClosed, SessionOpened, attach_request::Message};
use tonic::Code;

use crate::running::{Running, hasty, wrong_field};

/// Lost sessions stay longer than the test, and users go offline at once.
fn patient() -> Settings {
    Settings { offline_after: Duration::ZERO, orphan_grace: Duration::from_secs(600), ..Settings::default() }
}

#[tokio::test]
async fn a_bridge_that_comes_back_within_the_grace_causes_no_flicker() {
    let mut service = Running::start(patient()).await;
    let mut listener = service.listen(&["presence/alice", "presence/bob"]).await;
    let mut bridge = service.bridge("b1").await;
    bridge.open("s1", "alice", "room").await;
    bridge.open("s2", "bob", "room").await;
    assert_eq!(listener.hears().await, "alice online");
    assert_eq!(listener.hears().await, "bob online");

    drop(bridge);
    let mut bridge = service.bridge("b1").await;
    bridge.open("s1", "alice", "room").await;
    assert_eq!(service.present("room").await, ["alice", "bob"], "bob may still be reported");
    bridge.synced().await;
    assert_eq!(listener.hears().await, "bob offline", "nothing was heard of alice");
    assert_eq!(service.present("room").await, ["alice"]);
    assert_eq!(service.presence("alice").await.sessions, 1);
}

#[tokio::test]
async fn the_sessions_of_a_bridge_that_stays_away_are_gone_after_the_grace() {
    let mut service = Running::start(hasty()).await;
    let mut listener = service.listen(&["presence/alice"]).await;
    let mut bridge = service.bridge("b1").await;
    bridge.open("s1", "alice", "room").await;
    assert_eq!(listener.hears().await, "alice online");
    drop(bridge);
    assert_eq!(listener.hears().await, "alice offline");
    assert_eq!(service.present("room").await, [""; 0]);
}

#[tokio::test]
async fn one_bridge_lost_leaves_who_has_a_socket_on_another() {
    let mut service = Running::start(hasty()).await;
    let mut listener = service.listen(&["presence/alice"]).await;
    let mut first = service.bridge("b1").await;
    let mut second = service.bridge("b2").await;
    first.open("s1", "alice", "hall").await;
    second.open("s1", "alice", "room").await;
    assert_eq!(listener.hears().await, "alice online");
    drop(first);
    service.deserted("hall").await;
    listener.hears_nothing().await;
    assert_eq!(service.presence("alice").await.sessions, 1);
    second.close("s1").await;
    assert_eq!(listener.hears().await, "alice offline");
}

#[tokio::test]
async fn the_newer_stream_of_a_bridge_is_the_one_that_counts() {
    let mut service = Running::start(patient()).await;
    let mut older = service.bridge("b1").await;
    older.open("s1", "alice", "room").await;
    let mut newer = service.bridge("b1").await;
    newer.open("s1", "alice", "room").await;
    older.say(Message::Closed(SessionClosed { session_id: "s1".into() })).await;
    assert_eq!(older.refusal().await.code(), Code::FailedPrecondition);
    newer.synced().await;
    assert_eq!(service.present("room").await, ["alice"]);
}

#[tokio::test]
async fn a_stream_that_is_not_as_agreed_is_refused_with_the_field() {
    let mut service = Running::start(patient()).await;
    let opened = |session: &str, user: &str, conversation: &str| {
        Message::Opened(SessionOpened {
            session_id: session.into(),
            user_id: user.into(),
            display_name: String::new(),
            conversation_id: conversation.into(),
        })
    };
    let mut stranger = service.stranger().await;
    stranger.say(opened("s1", "alice", "")).await;
    assert_eq!(wrong_field(&stranger.refusal().await), "hello");
    let mut nameless = service.stranger().await;
    nameless.say(Message::Hello(Hello::default())).await;
    assert_eq!(wrong_field(&nameless.refusal().await), "hello.bridge_id");

    for (message, field) in [
        (Message::Hello(Hello { bridge_id: "b1".into() }), "hello"),
        (opened("", "alice", ""), "opened.session_id"),
        (opened("s1", "", ""), "opened.user_id"),
        (opened("s1", "alice", "a/b"), "opened.conversation_id"),
        (Message::Closed(SessionClosed::default()), "closed.session_id"),
    ] {
        let mut bridge = service.bridge("b1").await;
        bridge.say(message).await;
        assert_eq!(wrong_field(&bridge.refusal().await), field);
    }
    assert_eq!(service.presence("alice").await.sessions, 0);
}

#[tokio::test]
async fn too_many_bridges_and_sessions_cost_the_others_nothing() {
    let mut service =
        Running::start(Settings { max_bridges: 1, max_sessions_per_bridge: 2, ..patient() }).await;
    let mut bridge = service.bridge("b1").await;
    for user in ["alice", "bob", "carol"] {
        bridge.open(user, user, "room").await;
    }
    let mut other = service.bridge("b2").await;
    assert_eq!(other.refusal().await.code(), Code::ResourceExhausted);
    assert_eq!(service.present("room").await, ["alice", "bob"]);
    bridge.close("carol").await;
    bridge.close("bob").await;
    bridge.open("carol", "carol", "room").await;
    assert_eq!(service.present("room").await, ["alice", "carol"]);
}

#[tokio::test]
async fn streams_end_when_the_service_stops() {
    let mut service = Running::start(patient()).await;
    let mut bridge = service.bridge("b1").await;
    bridge.open("s1", "alice", "").await;
    service.stop();
    assert_eq!(bridge.refusal().await.code(), Code::Unavailable);
}
