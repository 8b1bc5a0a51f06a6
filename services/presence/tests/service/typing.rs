//! SetTyping, and what is published about it.

use causeway_presence::Settings;
use causeway_proto::presence::{SetTypingRequest, Typist};
use tonic::Code;

use crate::running::{Running, hasty, wrong_field};

fn says(user: &str, is_typing: bool) -> SetTypingRequest {
    SetTypingRequest {
        conversation_id: "room".into(),
        user: Some(Typist { user_id: user.into(), ..Typist::default() }),
        session_id: "s1".into(),
        is_typing,
    }
}

impl Running {
    async fn set_typing(&mut self, user: &str, is_typing: bool) {
        self.client.set_typing(says(user, is_typing)).await.unwrap();
    }
}

#[tokio::test]
async fn a_beginning_and_an_end_are_published_once() {
    let mut service = Running::start(Settings::default()).await;
    let mut listener = service.listen(&["conversation/room"]).await;
    service.set_typing("alice", false).await;
    service.set_typing("alice", true).await;
    service.set_typing("alice", true).await;
    service.set_typing("alice", false).await;
    service.set_typing("alice", false).await;
    assert_eq!(listener.hears().await, r#"alice types in room from "s1""#);
    assert_eq!(listener.hears().await, r#"alice stopped in room from "s1""#);
    listener.hears_nothing().await;
}

#[tokio::test]
async fn typing_that_is_not_renewed_ends_by_itself() {
    let mut service = Running::start(hasty()).await;
    let mut listener = service.listen(&["conversation/room"]).await;
    service.set_typing("alice", true).await;
    assert_eq!(listener.hears().await, r#"alice types in room from "s1""#);
    assert_eq!(listener.hears().await, r#"alice stopped in room from "s1""#);
}

#[tokio::test]
async fn typing_ends_with_the_users_last_socket_on_the_conversation() {
    let mut service = Running::start(Settings::default()).await;
    let mut listener = service.listen(&["conversation/room"]).await;
    let mut bridge = service.bridge("b1").await;
    for (session, conversation) in [("s1", "room"), ("s2", "room"), ("s3", "hall")] {
        bridge.open(session, "alice", conversation).await;
    }
    service.set_typing("alice", true).await;
    assert_eq!(listener.hears().await, r#"alice types in room from "s1""#);
    bridge.close("s2").await;
    listener.hears_nothing().await;
    bridge.close("s1").await;
    assert_eq!(listener.hears().await, r#"alice stopped in room from "s1""#);
}

#[tokio::test]
async fn one_typist_too_many_is_refused() {
    let mut service = Running::start(Settings { max_typing: 1, ..Settings::default() }).await;
    service.set_typing("alice", true).await;
    let refusal = service.client.set_typing(says("bob", true)).await.unwrap_err();
    assert_eq!(refusal.code(), Code::ResourceExhausted);
    service.set_typing("alice", true).await;
}

#[tokio::test]
async fn a_wrong_field_is_named() {
    let mut service = Running::start(Settings::default()).await;
    for (request, field) in [
        (SetTypingRequest { user: None, ..says("alice", true) }, "user"),
        (says("", true), "user.user_id"),
        (SetTypingRequest { conversation_id: "a/b".into(), ..says("alice", true) }, "conversation_id"),
        (SetTypingRequest { session_id: "s".repeat(129), ..says("alice", true) }, "session_id"),
    ] {
        let refusal = service.client.set_typing(request).await.unwrap_err();
        assert_eq!(wrong_field(&refusal), field);
    }
}
