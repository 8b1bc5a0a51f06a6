//! The list of conversations.

use std::time::Duration;

use causeway_proto::{
    chat::{
        ConversationKind, ConversationStatus, CreateConversationRequest, ListConversationsRequest,
        UpdateConversationRequest,
    },
    event::event::Body,
};
use tonic::Code;

use crate::stage::{Stage, code, field, group};

async fn list(stage: &Stage, request: ListConversationsRequest) -> Vec<String> {
    let answer = stage.chat().list_conversations(request).await.unwrap().into_inner();
    answer.conversations.into_iter().map(|conversation| conversation.id).collect()
}

fn of(user: &str) -> ListConversationsRequest {
    ListConversationsRequest { user_id: user.to_owned(), ..ListConversationsRequest::default() }
}

#[tokio::test]
async fn the_most_urgent_is_first_and_then_the_latest() {
    let stage = Stage::of(&["ann", "john", "bob"]).await;
    for (id, priority) in [("calm", 0), ("urgent", 5)] {
        stage
            .create(CreateConversationRequest {
                kind: ConversationKind::Support.into(),
                customer_id: "john".into(),
                priority,
                ..group(id, &["ann"])
            })
            .await;
        stage.pass(Duration::from_secs(1));
    }
    for id in ["old", "new"] {
        stage.group(id, &["ann", "bob"]).await;
        stage.pass(Duration::from_secs(1));
    }
    assert_eq!(list(&stage, of("ann")).await, ["urgent", "new", "old", "calm"]);
    stage.say("bob", "old", "hi").await;
    assert_eq!(list(&stage, of("ann")).await, ["urgent", "old", "new", "calm"]);
    assert_eq!(list(&stage, of("bob")).await, ["old", "new"]);
    assert_eq!(list(&stage, of("")).await.len(), 4);

    let support = ListConversationsRequest { kind: ConversationKind::Support.into(), ..of("ann") };
    assert_eq!(list(&stage, support).await, ["urgent", "calm"]);
    let closed = ListConversationsRequest { status: ConversationStatus::Closed.into(), ..of("ann") };
    assert!(list(&stage, closed).await.is_empty());
    assert_eq!(list(&stage, ListConversationsRequest { limit: 1, ..of("ann") }).await, ["urgent"]);
    assert_eq!(code(stage.chat().list_conversations(of("nobody")).await), Code::NotFound);
}

#[tokio::test]
async fn an_entry_says_what_is_new_in_it() {
    let stage = Stage::of(&["alice", "bob"]).await;
    stage.group("room", &["alice", "bob"]).await;
    stage.say("bob", "room", "one").await;
    let last = stage.say("bob", "room", "two").await;
    let entries = stage.chat().list_conversations(of("alice")).await.unwrap().into_inner().conversations;
    assert_eq!((entries[0].unread_count, entries[0].last_message.clone()), (2, Some(last)));
    assert!(entries[0].participants.is_empty());
    assert_eq!((entries[0].title.as_str(), entries[0].participant_count), ("bob", 2));
}

#[tokio::test]
async fn a_new_name_is_told_to_everybody() {
    let stage = Stage::of(&["alice", "bob"]).await;
    stage.group("room", &["alice", "bob"]).await;
    let rename = |name: &str| UpdateConversationRequest {
        conversation_id: "room".into(),
        user_id: "alice".into(),
        name: Some(name.to_owned()),
        ..UpdateConversationRequest::default()
    };
    stage.chat().update_conversation(rename("Tea")).await.unwrap();
    let Body::ConversationUpdated(told) = stage.last_event("user/bob").await else { panic!("another") };
    assert_eq!(told.conversation.unwrap().title, "Tea");
    assert_eq!(field(stage.chat().update_conversation(rename(&"x".repeat(201))).await), "name");
}
