//! Changing, deleting and reacting.

use causeway_proto::{
    chat::{
        Attachment, DeleteMessageRequest, EditMessageRequest, ListMessagesRequest, Message, ReactRequest,
        SendMessageRequest,
    },
    event::event::Body,
};
use tonic::Code;

use crate::stage::{Stage, code, field, group, strings, text};

/// A room with alice, bob and the admin carol, and mallory outside.
async fn room() -> Stage {
    let stage = Stage::of(&["alice", "bob", "carol", "mallory"]).await;
    let mut request = group("room", &["alice", "bob", "carol"]);
    request.admin_ids = strings(&["carol"]);
    stage.create(request).await;
    stage.group("other", &["alice"]).await;
    stage
}

fn edit(message_id: u64, user: &str, content: &str) -> EditMessageRequest {
    EditMessageRequest {
        message_id,
        conversation_id: "room".into(),
        user_id: user.to_owned(),
        content: content.to_owned(),
    }
}

fn delete(message_id: u64, user: &str) -> DeleteMessageRequest {
    DeleteMessageRequest { message_id, conversation_id: "room".into(), user_id: user.to_owned() }
}

fn react(message_id: u64, user: &str, reaction: &str, add: bool) -> ReactRequest {
    ReactRequest {
        message_id,
        conversation_id: "room".into(),
        user_id: user.to_owned(),
        reaction: reaction.to_owned(),
        add,
    }
}

async fn history(stage: &Stage) -> Vec<Message> {
    let request = ListMessagesRequest { conversation_id: "room".into(), ..ListMessagesRequest::default() };
    stage.chat().list_messages(request).await.unwrap().into_inner().messages
}

#[tokio::test]
async fn its_sender_changes_a_message() {
    let stage = room().await;
    let sent = stage.say("alice", "room", "helo").await;
    stage.pass(std::time::Duration::from_secs(1));
    let edited = stage.chat().edit_message(edit(sent.id, "alice", "hello")).await.unwrap().into_inner();
    let edited = edited.message.unwrap();
    assert_eq!((edited.content.as_str(), edited.edited_at), ("hello", Some(stage.clock.now())));
    assert_eq!((edited.created_at, edited.updated_at), (sent.created_at, edited.edited_at));
    let Body::MessageEdited(told) = stage.last_event("conversation/room").await else { panic!("another") };
    assert_eq!(told.message.as_ref(), Some(&edited));
    assert_eq!(history(&stage).await, [edited]);
}

#[tokio::test]
async fn nobody_else_changes_it() {
    let stage = room().await;
    let sent = stage.say("alice", "room", "hello").await;
    let elsewhere = stage.say("alice", "other", "hello").await;
    for user in ["bob", "carol"] {
        let refused = stage.chat().edit_message(edit(sent.id, user, "hi")).await;
        assert_eq!(code(refused), Code::PermissionDenied, "{user}");
    }
    assert_eq!(code(stage.chat().edit_message(edit(sent.id, "mallory", "hi")).await), Code::NotFound);
    for id in [0, 4_711, u64::MAX, elsewhere.id] {
        assert_eq!(code(stage.chat().edit_message(edit(id, "alice", "hi")).await), Code::NotFound, "{id}");
    }
    assert_eq!(field(stage.chat().edit_message(edit(sent.id, "alice", "")).await), "content");
}

#[tokio::test]
async fn a_deleted_message_keeps_its_place_and_loses_its_content() {
    let stage = room().await;
    let sent = stage
        .send(SendMessageRequest {
            metadata: r#"{"a":1}"#.into(),
            attachments: vec![Attachment { url: "https://example.com".into(), ..Attachment::default() }],
            ..text("alice", "room", "secret")
        })
        .await;
    let deleted = stage.chat().delete_message(delete(sent.id, "alice")).await.unwrap().into_inner();
    assert_eq!(deleted.deleted_at, Some(stage.clock.now()));
    let kept = history(&stage).await.remove(0);
    assert_eq!((kept.id, kept.content.as_str(), kept.metadata.as_str()), (sent.id, "", ""));
    assert!(kept.attachments.is_empty() && kept.deleted_at.is_some());
    let Body::MessageDeleted(told) = stage.last_event("conversation/room").await else { panic!("another") };
    assert_eq!((told.message_id, told.user_id.as_str()), (sent.id, "alice"));

    stage.pass(std::time::Duration::from_secs(1));
    let again = stage.chat().delete_message(delete(sent.id, "alice")).await.unwrap().into_inner();
    assert_eq!(again.deleted_at, deleted.deleted_at, "deleting twice changes nothing");
    assert_eq!(stage.events("conversation/room").await.len(), 2);
    let edit = stage.chat().edit_message(edit(sent.id, "alice", "back")).await;
    assert_eq!(code(edit), Code::FailedPrecondition);
    let react = stage.chat().react(react(sent.id, "bob", "like", true)).await;
    assert_eq!(code(react), Code::FailedPrecondition);
}

#[tokio::test]
async fn an_admin_deletes_messages_of_others() {
    let stage = room().await;
    let sent = stage.say("alice", "room", "hello").await;
    let refused = stage.chat().delete_message(delete(sent.id, "bob")).await;
    assert_eq!(code(refused), Code::PermissionDenied);
    assert_eq!(code(stage.chat().delete_message(delete(sent.id, "mallory")).await), Code::NotFound);
    stage.chat().delete_message(delete(sent.id, "carol")).await.unwrap();
}

#[tokio::test]
async fn reactions_stand_in_the_order_first_given() {
    let stage = room().await;
    let sent = stage.say("alice", "room", "hello").await;
    for (user, reaction) in [("bob", "like"), ("carol", "❤"), ("alice", "like")] {
        let answer = stage.chat().react(react(sent.id, user, reaction, true)).await.unwrap().into_inner();
        assert!(answer.changed);
    }
    let again = stage.chat().react(react(sent.id, "bob", "like", true)).await.unwrap().into_inner();
    assert!(!again.changed);
    let Body::ReactionChanged(told) = stage.last_event("conversation/room").await else { panic!("another") };
    assert_eq!((told.user.unwrap().id.as_str(), told.reaction.as_str(), told.added), ("alice", "like", true));
    let given = reactions(&stage).await;
    assert_eq!(given, [("like".into(), strings(&["bob", "alice"])), ("❤".into(), strings(&["carol"]))]);

    let gone = stage.chat().react(react(sent.id, "bob", "like", false)).await.unwrap().into_inner();
    assert!(gone.changed);
    let again = stage.chat().react(react(sent.id, "bob", "like", false)).await.unwrap().into_inner();
    assert!(!again.changed);
    assert_eq!(stage.events("conversation/room").await.len(), 5, "what changed nothing was not told");
}

async fn reactions(stage: &Stage) -> Vec<(String, Vec<String>)> {
    let message = history(stage).await.remove(0);
    message.reactions.into_iter().map(|it| (it.reaction, it.user_ids)).collect()
}

#[tokio::test]
async fn wrong_reactions_are_refused() {
    let stage = room().await;
    let sent = stage.say("alice", "room", "hello").await;
    assert_eq!(field(stage.chat().react(react(sent.id, "bob", "", true)).await), "reaction");
    let long = "x".repeat(33);
    assert_eq!(field(stage.chat().react(react(sent.id, "bob", &long, true)).await), "reaction");
    assert_eq!(code(stage.chat().react(react(4_711, "bob", "like", true)).await), Code::NotFound);
    assert_eq!(code(stage.chat().react(react(sent.id, "mallory", "like", true)).await), Code::NotFound);
    for number in 0..100 {
        stage.chat().react(react(sent.id, "bob", &number.to_string(), true)).await.unwrap();
    }
    let one_more = stage.chat().react(react(sent.id, "carol", "new", true)).await;
    assert_eq!(code(one_more), Code::FailedPrecondition);
    assert!(stage.chat().react(react(sent.id, "carol", "7", true)).await.unwrap().into_inner().changed);
}
