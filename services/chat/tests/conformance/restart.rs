//! What a restart must not change.

use causeway_proto::chat::{SearchMessagesRequest, SendMessageRequest};

use crate::stage::{Stage, eventually, text};

fn keyed(content: &str) -> SendMessageRequest {
    SendMessageRequest { client_message_id: "key".into(), ..text("alice", "room", content) }
}

async fn stage() -> Stage {
    let stage = Stage::of(&["alice", "bob"]).await;
    stage.group("room", &["alice", "bob"]).await;
    stage
}

#[tokio::test]
async fn messages_keys_and_the_order_of_events_stay() {
    let stage = stage().await;
    let first = stage.send(keyed("one")).await;
    let before = stage.events("conversation/room").await;
    let stage = stage.restarted().await;
    assert_eq!(stage.events("conversation/room").await, before);
    assert_eq!(stage.send(keyed("again")).await, first);
    let second = stage.say("alice", "room", "two").await;
    assert!(second.id > first.id);
    assert_eq!(stage.events("conversation/room").await.len(), 2);
}

#[tokio::test]
async fn what_was_not_indexed_yet_is_found() {
    let stage = stage().await;
    stage.say("alice", "room", "needle").await;
    let stage = stage.restarted().await;
    let search = SearchMessagesRequest {
        conversation_id: "room".into(),
        query: "needle".into(),
        ..SearchMessagesRequest::default()
    };
    let found = stage.chat().search_messages(search).await.unwrap().into_inner();
    assert_eq!(found.messages.len(), 1);
}

#[tokio::test]
async fn what_was_owed_is_still_owed() {
    let stage = stage().await;
    stage.notifications.set_away(true);
    stage.say("alice", "room", "hi").await;
    let stage = stage.restarted().await;
    stage.notifications.set_away(false);
    stage.pass(std::time::Duration::from_secs(60));
    // A second message wakes the outbox, whose timers go by a clock that stands still here.
    stage.say("bob", "room", "hello").await;
    eventually(|| stage.notifications.notified().iter().any(|it| it.user_id == "bob")).await;
}
