//! GetPresence, ListPresent, and what is published about users.

use causeway_proto::{
    id,
    presence::{GetPresenceRequest, ListPresentRequest, PresenceStatus},
    time::to_micros,
};

use crate::running::{Running, hasty, wrong_field};

#[tokio::test]
async fn a_user_is_online_from_the_first_socket_to_after_the_last() {
    let mut service = Running::start(hasty()).await;
    let mut listener = service.listen(&["presence/alice"]).await;
    let never = service.presence("alice").await;
    assert_eq!((never.status(), never.last_seen, never.sessions), (PresenceStatus::Offline, None, 0));

    let mut bridge = service.bridge("b1").await;
    bridge.open("s1", "alice", "room").await;
    bridge.open("s2", "alice", "").await;
    let online = service.presence("alice").await;
    assert_eq!((online.status(), online.sessions), (PresenceStatus::Online, 2));
    assert_eq!(online.display_name, "ALICE");
    assert_eq!(listener.hears().await, "alice online");

    bridge.close("s1").await;
    bridge.close("s1").await;
    listener.hears_nothing().await;
    bridge.close("s2").await;
    assert_eq!(listener.hears().await, "alice offline");
    let offline = service.presence("alice").await;
    assert_eq!((offline.status(), offline.sessions), (PresenceStatus::Offline, 0));
    assert_eq!(offline.display_name, "ALICE");
    let seen = to_micros(&offline.last_seen.unwrap());
    assert!(seen >= to_micros(&online.last_seen.unwrap()), "seen until the last socket closed");
}

#[tokio::test]
async fn a_reload_of_the_page_tells_nobody() {
    let mut service = Running::start(causeway_presence::Settings::default()).await;
    let mut listener = service.listen(&["presence/alice"]).await;
    let mut bridge = service.bridge("b1").await;
    bridge.open("s1", "alice", "room").await;
    assert_eq!(listener.hears().await, "alice online");
    bridge.close("s1").await;
    assert_eq!(service.presence("alice").await.status(), PresenceStatus::Online);
    assert_eq!(service.present("room").await, [""; 0]);
    bridge.open("s2", "alice", "room").await;
    listener.hears_nothing().await;
}

#[tokio::test]
async fn presences_come_in_the_order_asked_for_by_every_form_of_the_id() {
    let mut service = Running::start(hasty()).await;
    let mut bridge = service.bridge("b1").await;
    bridge.open("s1", "alice", "room").await;
    bridge.open("s2", "7", "room").await;
    let uuid = |id: &str| id::to_uuid(id).to_string();
    let user_ids = vec!["bob".into(), uuid("7"), "alice".into(), uuid("alice"), "bob".into()];
    let answer = service.client.get_presence(GetPresenceRequest { user_ids }).await.unwrap().into_inner();
    let users: Vec<_> = answer.presences.iter().map(|presence| presence.user_id.as_str()).collect();
    assert_eq!(users, ["bob", "7", "alice", "alice", "bob"]);
    assert_eq!(service.present(&uuid("room")).await, ["7", "alice"]);
}

#[tokio::test]
async fn present_is_who_has_a_socket_on_the_conversation_sorted() {
    let mut service = Running::start(hasty()).await;
    let mut bridge = service.bridge("b1").await;
    for (session, user, conversation) in
        [("1", "carol", "room"), ("2", "alice", "room"), ("3", "bob", "hall"), ("4", "alice", "room")]
    {
        bridge.open(session, user, conversation).await;
    }
    assert_eq!(service.present("room").await, ["alice", "carol"]);
    bridge.close("2").await;
    assert_eq!(service.present("room").await, ["alice", "carol"], "alice has another");
    bridge.close("4").await;
    assert_eq!(service.present("room").await, ["carol"]);
    bridge.open("1", "carol", "hall").await;
    assert_eq!(service.present("room").await, [""; 0]);
    assert_eq!(service.present("hall").await, ["bob", "carol"]);
}

#[tokio::test]
async fn last_seen_survives_a_restart() {
    let mut service = Running::start(hasty()).await;
    let mut listener = service.listen(&["presence/alice"]).await;
    let mut bridge = service.bridge("b1").await;
    bridge.open("s1", "alice", "").await;
    bridge.close("s1").await;
    assert_eq!(listener.hears().await, "alice online");
    assert_eq!(listener.hears().await, "alice offline");
    let before = service.presence("alice").await;
    drop((listener, bridge));
    let mut service = service.restart(hasty()).await;
    assert_eq!(service.presence("alice").await, before);
    assert_eq!(service.presence(&id::to_uuid("alice").to_string()).await, before);
}

#[tokio::test]
async fn who_was_online_before_a_restart_is_given_time_to_come_back() {
    let mut service = Running::start(hasty()).await;
    let mut bridge = service.bridge("b1").await;
    bridge.open("s1", "alice", "").await;
    bridge.open("s2", "bob", "").await;
    drop(bridge);
    let slow =
        causeway_presence::Settings { orphan_grace: std::time::Duration::from_millis(1_000), ..hasty() };
    let mut service = service.restart(slow).await;
    let mut listener = service.listen(&["presence/alice", "presence/bob"]).await;
    assert_eq!(service.presence("alice").await.status(), PresenceStatus::Online);
    let mut bridge = service.bridge("b1").await;
    bridge.open("s1", "alice", "").await;
    assert_eq!(listener.hears().await, "bob offline");
    listener.hears_nothing().await;
    assert!(service.presence("bob").await.last_seen.is_some());
    assert_eq!(service.presence("alice").await.sessions, 1);
}

#[tokio::test]
async fn a_wrong_field_is_named() {
    let mut service = Running::start(hasty()).await;
    for user_ids in [vec![], vec!["a".to_owned(); 1_001], vec!["alice".into(), String::new()]] {
        let refusal = service.client.get_presence(GetPresenceRequest { user_ids }).await.unwrap_err();
        assert_eq!(wrong_field(&refusal), "user_ids");
    }
    let nowhere = ListPresentRequest { conversation_id: String::new() };
    assert_eq!(wrong_field(&service.client.list_present(nowhere).await.unwrap_err()), "conversation_id");
}
