//! Joining and leaving.

use causeway_proto::{
    chat::{
        AddParticipantsRequest, ConversationKind, CreateConversationRequest, ListContactsRequest,
        ListMessagesRequest, RemoveParticipantsRequest, Role,
    },
    event::event::Body,
};
use tonic::Code;

use crate::stage::{Stage, code, field, group, strings, text};

fn add(conversation: &str, users: &[&str]) -> AddParticipantsRequest {
    AddParticipantsRequest {
        conversation_id: conversation.to_owned(),
        user_ids: strings(users),
        role: Role::Admin.into(),
    }
}

fn remove(conversation: &str, users: &[&str]) -> RemoveParticipantsRequest {
    RemoveParticipantsRequest { conversation_id: conversation.to_owned(), user_ids: strings(users) }
}

#[tokio::test]
async fn those_who_join_are_told_and_those_who_are_in_stay_as_they_are() {
    let stage = Stage::of(&["alice", "bob"]).await;
    stage.group("room", &["alice"]).await;
    let room = stage.chat().add_participants(add("room", &["alice", "bob"])).await.unwrap().into_inner();
    let room = room.conversation.unwrap();
    assert_eq!(room.participant_count, 2);
    assert_eq!((room.participants[0].role(), room.participants[1].role()), (Role::Member, Role::Admin));
    let Body::ParticipantsAdded(added) = stage.last_event("conversation/room").await else {
        panic!("another")
    };
    assert_eq!(added.users.into_iter().map(|user| user.id).collect::<Vec<_>>(), ["bob"]);
    let Body::ConversationJoined(joined) = stage.last_event("user/bob").await else { panic!("another") };
    assert_eq!(joined.other_user_ids, strings(&["alice"]));

    stage.chat().add_participants(add("room", &["bob"])).await.unwrap();
    assert_eq!(stage.events("conversation/room").await.len(), 1, "joining twice is no news");
}

#[tokio::test]
async fn whoever_is_removed_is_told_and_sees_nothing_more() {
    let stage = Stage::of(&["alice", "bob"]).await;
    stage.group("room", &["alice", "bob"]).await;
    let left = stage.chat().remove_participants(remove("room", &["bob", "nobody"])).await.unwrap();
    assert_eq!(left.into_inner().conversation.unwrap().participant_count, 1);
    let Body::ParticipantsRemoved(gone) = stage.last_event("conversation/room").await else {
        panic!("another")
    };
    assert_eq!(gone.user_ids, strings(&["bob"]));
    let Body::ConversationLeft(left) = stage.last_event("user/bob").await else { panic!("another") };
    assert_eq!(left.conversation_id, "room");

    assert_eq!(code(stage.chat().send_message(text("bob", "room", "hi")).await), Code::NotFound);
    let list = ListMessagesRequest {
        conversation_id: "room".into(),
        user_id: "bob".into(),
        ..ListMessagesRequest::default()
    };
    assert_eq!(code(stage.chat().list_messages(list).await), Code::NotFound);
}

#[tokio::test]
async fn a_pair_stays_a_pair() {
    let stage = Stage::of(&["alice", "bob", "carol"]).await;
    let pair = CreateConversationRequest {
        kind: ConversationKind::OneToOne.into(),
        ..group("pair", &["alice", "bob"])
    };
    stage.create(pair).await;
    assert_eq!(code(stage.chat().add_participants(add("pair", &["carol"])).await), Code::FailedPrecondition);
    let leave = stage.chat().remove_participants(remove("pair", &["bob"])).await;
    assert_eq!(code(leave), Code::FailedPrecondition);
}

#[tokio::test]
async fn wrong_changes_of_membership_are_refused() {
    let stage = Stage::of(&["alice"]).await;
    stage.group("room", &["alice"]).await;
    assert_eq!(field(stage.chat().add_participants(add("room", &[])).await), "user_ids");
    assert_eq!(code(stage.chat().add_participants(add("room", &["nobody"])).await), Code::NotFound);
    assert_eq!(code(stage.chat().add_participants(add("elsewhere", &["alice"])).await), Code::NotFound);
    assert_eq!(code(stage.chat().remove_participants(remove("elsewhere", &["alice"])).await), Code::NotFound);
    let many: Vec<String> = (0..1_001).map(|number| number.to_string()).collect();
    let many = AddParticipantsRequest { user_ids: many, ..add("room", &[]) };
    assert_eq!(field(stage.chat().add_participants(many).await), "user_ids");
}

#[tokio::test]
async fn contacts_share_a_conversation_that_is_not_too_large() {
    let settings = causeway_chat::Settings { presence_limit: 2, ..causeway_chat::Settings::default() };
    let stage = Stage::with(settings).await;
    stage.users(&["alice", "bob", "carol", "dave"]).await;
    stage.group("small", &["alice", "carol"]).await;
    stage.group("small too", &["bob", "alice"]).await;
    stage.group("large", &["alice", "bob", "dave"]).await;
    let contacts = |user: &str| {
        let mut chat = stage.chat();
        let request = ListContactsRequest { user_id: user.to_owned() };
        async move { chat.list_contacts(request).await }
    };
    let alice = contacts("alice").await.unwrap().into_inner();
    assert_eq!(alice.user_ids, strings(&["bob", "carol"]));
    assert_eq!(code(contacts("nobody").await), Code::NotFound);
    let Body::ConversationJoined(joined) = stage.last_event("user/dave").await else { panic!("another") };
    assert!(joined.other_user_ids.is_empty(), "too many to be named");
}
