//! Sending the same message again.

use std::time::Duration;

use causeway_proto::chat::{SendMessageRequest, SendMessagesRequest, send_message_outcome::Outcome};
use futures_util::future::join_all;

use crate::stage::{Stage, text};

fn keyed(sender: &str, content: &str) -> SendMessageRequest {
    SendMessageRequest { client_message_id: "key".into(), ..text(sender, "room", content) }
}

async fn stage() -> Stage {
    let stage = Stage::of(&["alice", "bob"]).await;
    stage.group("room", &["alice", "bob"]).await;
    stage
}

#[tokio::test]
async fn the_same_key_gets_the_first_result_and_is_told_once() {
    let stage = stage().await;
    let first = stage.chat().send_message(keyed("alice", "hi")).await.unwrap().into_inner();
    let again = stage.chat().send_message(keyed("alice", "something else")).await.unwrap().into_inner();
    assert!(!first.duplicate && again.duplicate);
    assert_eq!(first.message, again.message);
    assert_eq!(stage.events("conversation/room").await.len(), 1);
}

#[tokio::test]
async fn keys_belong_to_their_senders() {
    let stage = stage().await;
    let alice = stage.send(keyed("alice", "hi")).await;
    let bob = stage.send(keyed("bob", "hi")).await;
    assert_ne!(alice.id, bob.id);
}

#[tokio::test]
async fn a_key_is_forgotten_after_a_day() {
    let stage = stage().await;
    let first = stage.send(keyed("alice", "hi")).await;
    stage.pass(Duration::from_secs(24 * 60 * 60));
    assert_eq!(stage.send(keyed("alice", "hi")).await.id, first.id, "to the microsecond");
    stage.pass(Duration::from_micros(1));
    let second = stage.send(keyed("alice", "hi")).await;
    assert_ne!(second.id, first.id);
    assert_eq!(stage.send(keyed("alice", "hi")).await.id, second.id, "and stands for the new message then");
}

#[tokio::test]
async fn racing_duplicates_become_one_message() {
    let stage = stage().await;
    let racers = (0..100).map(|number| {
        let mut chat = stage.chat();
        async move {
            let sent = chat.send_message(keyed("alice", &number.to_string())).await.unwrap().into_inner();
            (sent.message.unwrap(), sent.duplicate)
        }
    });
    let answers = join_all(racers).await;
    assert!(answers.iter().all(|(message, _)| *message == answers[0].0));
    assert_eq!(answers.iter().filter(|(_, duplicate)| !duplicate).count(), 1);
    assert_eq!(stage.events("conversation/room").await.len(), 1);
}

#[tokio::test]
async fn duplicates_within_a_batch_become_one_message() {
    let stage = stage().await;
    let messages = vec![keyed("alice", "hi"), keyed("alice", "hi"), text("alice", "room", "more")];
    let answer = stage.chat().send_messages(SendMessagesRequest { messages }).await.unwrap().into_inner();
    let duplicates: Vec<bool> = answer
        .outcomes
        .into_iter()
        .map(|it| matches!(it.outcome, Some(Outcome::Stored(stored)) if stored.duplicate))
        .collect();
    assert_eq!(duplicates, [false, true, false]);
    assert_eq!(stage.events("conversation/room").await.len(), 2);
}
