//! Sending messages.

use std::collections::BTreeSet;

use causeway_proto::{
    chat::{
        Attachment, Author, Message, SendMessageRequest, SendMessagesRequest, send_message_outcome::Outcome,
    },
    event::event::Body,
};
use futures_util::future::join_all;
use tonic::Code;

use crate::stage::{Stage, code, direct, field, text};

#[tokio::test]
async fn a_message_is_stored_and_told_as_it_was_sent() {
    let stage = Stage::of(&["alice", "bob"]).await;
    stage.group("room", &["alice", "bob"]).await;
    let first = stage.say("bob", "room", "first").await;
    let sent = stage
        .send(SendMessageRequest {
            content_type: "image".into(),
            attachments: vec![Attachment {
                url: "https://example.com/a.png".into(),
                ..Attachment::default()
            }],
            metadata: r#"{"a":1}"#.into(),
            reply_to: Some(first.id),
            client_message_id: "key".into(),
            ..text("alice", "room", "look")
        })
        .await;
    assert!(sent.id > first.id);
    assert_eq!(sent.sender.clone().unwrap().id, "alice");
    assert_eq!((sent.content.as_str(), sent.content_type.as_str()), ("look", "image"));
    assert_eq!((sent.metadata.as_str(), sent.reply_to), (r#"{"a":1}"#, Some(first.id)));
    assert_eq!(sent.created_at, Some(stage.clock.now()));
    assert_eq!(sent.author(), Author::Unspecified);
    let Body::MessageCreated(created) = stage.last_event("conversation/room").await else {
        panic!("another")
    };
    assert_eq!(created.message.unwrap(), sent);
}

#[tokio::test]
async fn whoever_is_not_in_a_conversation_is_told_what_one_is_told_of_none() {
    let stage = Stage::of(&["alice", "mallory"]).await;
    stage.group("room", &["alice"]).await;
    let outside = stage.chat().send_message(text("mallory", "room", "hi")).await.unwrap_err();
    let nowhere = stage.chat().send_message(text("mallory", "nowhere", "hi")).await.unwrap_err();
    assert_eq!((outside.code(), outside.message()), (nowhere.code(), nowhere.message()));
    assert_eq!(outside.code(), Code::NotFound);
}

#[tokio::test]
async fn wrong_messages_are_refused_and_leave_nothing() {
    let stage = Stage::of(&["alice", "bob"]).await;
    stage.group("room", &["alice"]).await;
    stage.group("other", &["alice"]).await;
    let elsewhere = stage.say("alice", "other", "hi").await;
    let send = |request: SendMessageRequest| {
        let mut chat = stage.chat();
        async move { chat.send_message(request).await }
    };
    let fine = || text("alice", "room", "hi");
    assert_eq!(field(send(text("alice", "", "hi")).await), "conversation_id");
    assert_eq!(field(send(SendMessageRequest { author: 3, ..fine() }).await), "author");
    assert_eq!(field(send(direct("alice", "alice", "me")).await), "recipient_id");
    for reply_to in [0, 4_711, u64::MAX, elsewhere.id] {
        let reply = SendMessageRequest { reply_to: Some(reply_to), ..fine() };
        assert_eq!(code(send(reply).await), Code::NotFound, "{reply_to}");
    }
    let not_in_it = SendMessageRequest { recipient_id: "bob".into(), ..fine() };
    assert_eq!(code(send(not_in_it).await), Code::NotFound);
    assert!(stage.events("conversation/room").await.is_empty());
}

#[tokio::test]
async fn a_direct_message_finds_or_makes_the_conversation_of_the_two() {
    let stage = Stage::of(&["alice", "bob"]).await;
    let there = stage.send(SendMessageRequest { origin: "s1".into(), ..direct("alice", "bob", "hi") }).await;
    let back = stage.send(direct("bob", "alice", "hello")).await;
    assert_eq!(there.conversation_id, back.conversation_id);
    assert_eq!(back.conversation_kind, there.conversation_kind);
    let told: Vec<_> = direct_messages(stage.events("user/bob").await);
    assert_eq!(
        told,
        [
            ("hi".into(), "alice".into(), true, "s1".into()),
            ("hello".into(), "alice".into(), true, String::new())
        ]
    );
    let told: Vec<_> = direct_messages(stage.events("user/alice").await);
    assert_eq!(told[0].1, "bob", "for the sender the peer is the recipient");
    stage.say("alice", &there.conversation_id, "in the room").await;
    let told = direct_messages(stage.events("user/bob").await);
    assert_eq!(told[2], ("in the room".into(), "alice".into(), false, String::new()), "not addressed");
}

fn direct_messages(events: Vec<Body>) -> Vec<(String, String, bool, String)> {
    let direct = events.into_iter().filter_map(|event| match event {
        Body::DirectMessageCreated(it) => {
            Some((it.message.unwrap().content, it.peer_id, it.addressed, it.origin))
        }
        _ => None,
    });
    direct.collect()
}

#[tokio::test]
async fn a_person_can_be_addressed_in_a_group() {
    let stage = Stage::of(&["alice", "bob"]).await;
    stage.group("room", &["alice", "bob"]).await;
    stage.send(SendMessageRequest { recipient_id: "bob".into(), ..text("alice", "room", "you") }).await;
    assert_eq!(direct_messages(stage.events("user/bob").await).len(), 1);
    assert_eq!(direct_messages(stage.events("user/alice").await).len(), 1);
}

#[tokio::test]
async fn a_direct_message_that_is_refused_makes_no_conversation() {
    let stage = Stage::of(&["alice", "bob"]).await;
    assert_eq!(code(stage.chat().send_message(direct("alice", "nobody", "hi")).await), Code::NotFound);
    let reply = SendMessageRequest { reply_to: Some(1), ..direct("alice", "bob", "hi") };
    let author = SendMessageRequest { author: 3, ..direct("alice", "bob", "hi") };
    let batch = SendMessagesRequest { messages: vec![reply, author] };
    stage.chat().send_messages(batch).await.unwrap();
    assert_eq!(stage.events("user/bob").await.len(), 1, "the user was made, and nothing else happened");
}

#[tokio::test]
async fn each_message_of_a_batch_has_its_own_outcome() {
    let stage = Stage::of(&["alice", "bob"]).await;
    stage.group("room", &["alice", "bob"]).await;
    let messages = vec![
        text("alice", "room", "one"),
        text("alice", "room", ""),
        text("alice", "nowhere", "lost"),
        text("bob", "room", "two"),
    ];
    let answer = stage.chat().send_messages(SendMessagesRequest { messages }).await.unwrap().into_inner();
    let outcomes: Vec<(i32, String)> =
        answer.outcomes.into_iter().map(|it| outcome(it.outcome.unwrap())).collect();
    let expected =
        [(Code::Ok, "one"), (Code::InvalidArgument, "content"), (Code::NotFound, ""), (Code::Ok, "two")];
    assert_eq!(outcomes, expected.map(|(code, text)| (i32::from(code), text.to_owned())));
    assert_eq!(contents(stage.events("conversation/room").await), ["one", "two"]);
}

fn outcome(outcome: Outcome) -> (i32, String) {
    match outcome {
        Outcome::Stored(stored) => (0, stored.message.unwrap().content),
        Outcome::Failure(failure) => (failure.code, failure.field),
    }
}

fn contents(events: Vec<Body>) -> Vec<String> {
    created(events).into_iter().map(|message| message.content).collect()
}

fn created(events: Vec<Body>) -> Vec<Message> {
    let created = events.into_iter().filter_map(|event| match event {
        Body::MessageCreated(created) => created.message,
        _ => None,
    });
    created.collect()
}

#[tokio::test]
async fn a_batch_has_a_size() {
    let stage = Stage::new().await;
    let batch = |count: usize| SendMessagesRequest { messages: vec![text("a", "b", "c"); count] };
    assert_eq!(field(stage.chat().send_messages(batch(0)).await), "messages");
    assert_eq!(field(stage.chat().send_messages(batch(257)).await), "messages");
    assert_eq!(stage.chat().send_messages(batch(256)).await.unwrap().into_inner().outcomes.len(), 256);
}

#[tokio::test]
async fn the_log_has_messages_in_the_order_of_their_ids_whoever_sends_at_once() {
    let stage = Stage::of(&["a", "b", "c", "d"]).await;
    stage.group("room", &["a", "b", "c", "d"]).await;
    let senders = ["a", "b", "c", "d"].map(async |sender| {
        let mut own = Vec::new();
        for number in 0..25 {
            own.push(stage.say(sender, "room", &number.to_string()).await.id);
        }
        own
    });
    let acknowledged: BTreeSet<u64> = join_all(senders).await.into_iter().flatten().collect();
    let logged: Vec<u64> =
        created(stage.events("conversation/room").await).into_iter().map(|message| message.id).collect();
    assert!(logged.is_sorted());
    assert!(logged.iter().copied().eq(acknowledged), "what was acknowledged is in the log, once");
}
