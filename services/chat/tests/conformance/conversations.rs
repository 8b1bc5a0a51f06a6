//! Making conversations and looking at one.

use causeway_proto::{
    chat::{ConversationKind, CreateConversationRequest, GetConversationRequest, PutUserRequest, Role},
    event::event::Body,
};
use tonic::Code;

use crate::stage::{Stage, code, field, group, strings};

fn one_to_one(participants: &[&str]) -> CreateConversationRequest {
    CreateConversationRequest { kind: ConversationKind::OneToOne.into(), ..group("", participants) }
}

#[tokio::test]
async fn a_group_has_its_participants_in_the_order_given() {
    let stage = Stage::of(&["alice", "bob", "carol"]).await;
    let mut request = group("room", &["carol", "alice", "bob", "alice"]);
    request.admin_ids = strings(&["bob"]);
    request.name = "The room".into();
    let room = stage.create(request).await;
    let ids: Vec<&str> = room.participants.iter().map(|it| it.user.as_ref().unwrap().id.as_str()).collect();
    assert_eq!(ids, ["carol", "alice", "bob"]);
    assert_eq!(room.participants[2].role(), Role::Admin);
    assert_eq!(room.participants[0].role(), Role::Member);
    assert_eq!((room.id.as_str(), room.title.as_str(), room.participant_count), ("room", "The room", 3));
}

#[tokio::test]
async fn without_an_id_it_gets_the_next_number() {
    let stage = Stage::of(&["alice"]).await;
    assert_eq!(stage.group("", &["alice"]).await.id, "1");
    stage.group("41", &["alice"]).await;
    stage.group("99999999999999999999", &["alice"]).await;
    stage.group("9007199254740993", &["alice"]).await;
    assert_eq!(stage.group("", &["alice"]).await.id, "42", "numbers that nobody reads exactly do not count");
}

#[tokio::test]
async fn everybody_is_told_of_joining() {
    let stage = Stage::of(&["alice", "bob"]).await;
    stage.group("room", &["alice", "bob"]).await;
    let Body::ConversationJoined(joined) = stage.last_event("user/alice").await else {
        panic!("another event")
    };
    assert_eq!(joined.conversation.unwrap().title, "bob");
    assert_eq!(joined.other_user_ids, strings(&["bob"]));
}

#[tokio::test]
async fn an_id_that_is_taken_answers_with_what_is_there() {
    let stage = Stage::of(&["alice", "bob", "carol"]).await;
    stage.group("room", &["alice"]).await;
    let again = stage.chat().create_conversation(group("room", &["bob"])).await.unwrap().into_inner();
    assert!(again.existed);
    assert_eq!(again.conversation.unwrap().participant_count, 1);
    let other_kind = CreateConversationRequest { id: "room".into(), ..one_to_one(&["alice", "bob"]) };
    assert_eq!(code(stage.chat().create_conversation(other_kind).await), Code::AlreadyExists);
}

#[tokio::test]
async fn two_people_have_one_conversation_whoever_begins() {
    let stage = Stage::of(&["alice", "bob"]).await;
    let first = stage.create(one_to_one(&["alice", "bob"])).await;
    let again = stage.chat().create_conversation(one_to_one(&["bob", "alice"])).await.unwrap().into_inner();
    assert!(again.existed);
    assert_eq!(again.conversation.unwrap().id, first.id);
}

#[tokio::test]
async fn what_cannot_be_made_is_refused() {
    let stage = Stage::of(&["alice", "bob", "carol"]).await;
    let create = |request: CreateConversationRequest| {
        let mut chat = stage.chat();
        async move { chat.create_conversation(request).await }
    };
    assert_eq!(field(create(CreateConversationRequest::default()).await), "kind");
    assert_eq!(field(create(one_to_one(&["alice"])).await), "participant_ids");
    assert_eq!(field(create(one_to_one(&["alice", "alice"])).await), "participant_ids");
    assert_eq!(field(create(one_to_one(&["alice", "bob", "carol"])).await), "participant_ids");
    let support =
        CreateConversationRequest { kind: ConversationKind::Support.into(), ..group("", &["alice"]) };
    assert_eq!(field(create(support.clone()).await), "customer_id");
    let stranger = CreateConversationRequest { customer_id: "nobody".into(), ..support };
    assert_eq!(code(create(stranger).await), Code::NotFound);
    assert_eq!(code(create(group("", &["alice", "nobody"])).await), Code::NotFound);
    let name = CreateConversationRequest { name: "x".repeat(201), ..group("", &["alice"]) };
    assert_eq!(field(create(name).await), "name");
    let admin = CreateConversationRequest { admin_ids: strings(&["bob"]), ..group("", &["alice"]) };
    assert_eq!(field(create(admin).await), "admin_ids");
    let customer = CreateConversationRequest { customer_id: "bob".into(), ..group("", &["alice"]) };
    assert_eq!(field(create(customer).await), "customer_id");
    assert_eq!(field(create(group("a/b", &["alice"])).await), "id");
}

#[tokio::test]
async fn only_whoever_is_in_it_sees_a_conversation() {
    let stage = Stage::of(&["alice", "bob", "mallory"]).await;
    stage.group("room", &["alice", "bob"]).await;
    let look = |conversation: &str, viewer: &str| {
        let request =
            GetConversationRequest { conversation_id: conversation.to_owned(), viewer_id: viewer.to_owned() };
        let mut chat = stage.chat();
        async move { chat.get_conversation(request).await }
    };
    let seen = look("room", "alice").await.unwrap().into_inner().conversation.unwrap();
    assert_eq!((seen.participants.len(), seen.title.as_str()), (2, "bob"));
    let backend = look("room", "").await.unwrap().into_inner().conversation.unwrap();
    assert_eq!(backend.title, "alice, bob");
    assert_eq!(code(look("room", "mallory").await), Code::PermissionDenied);
    assert_eq!(code(look("room", "nobody").await), Code::PermissionDenied);
    assert_eq!(code(look("elsewhere", "alice").await), Code::NotFound);
}

#[tokio::test]
async fn titles_are_made_of_the_names_to_show() {
    let stage = Stage::of(&["alice"]).await;
    let bob = PutUserRequest {
        id: "bob".into(),
        first_name: Some("Bob".into()),
        last_name: Some("Ross".into()),
        ..PutUserRequest::default()
    };
    stage.directory().put_user(bob).await.unwrap();
    assert_eq!(stage.create(one_to_one(&["alice", "bob"])).await.title, "alice, Bob Ross");
}
