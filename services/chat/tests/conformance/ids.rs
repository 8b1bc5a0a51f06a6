//! Ids in their UUID forms.

use causeway_proto::{
    chat::{GetConversationRequest, GetUserRequest},
    id::to_uuid,
};
use tonic::Code;

use crate::stage::{Stage, code, text};

#[tokio::test]
async fn a_uuid_form_is_taken_wherever_an_id_is_taken() {
    let stage = Stage::of(&["alice", "42", "6f9619ff-8b86-4011-b42d-00c04fc964ff"]).await;
    stage.group("the room", &["alice", "42", "6f9619ff-8b86-4011-b42d-00c04fc964ff"]).await;
    let room = to_uuid("the room").to_string();
    for id in ["alice", "42", "6f9619ff-8b86-4011-b42d-00c04fc964ff"] {
        let sent = stage.send(text(&to_uuid(id).to_string(), &room, "hi")).await;
        assert_eq!((sent.sender.unwrap().id.as_str(), sent.conversation_id.as_str()), (id, "the room"));
    }
    let upper = stage.send(text("6F9619FF-8B86-4011-B42D-00C04FC964FF", &room, "hi")).await;
    assert_eq!(upper.sender.unwrap().id, "6f9619ff-8b86-4011-b42d-00c04fc964ff");
}

#[tokio::test]
async fn a_uuid_that_stands_for_nobody_is_found_nowhere() {
    let stage = Stage::of(&["alice"]).await;
    let unknown = to_uuid("nobody").to_string();
    let get = GetUserRequest { user_id: unknown.clone() };
    assert_eq!(code(stage.directory().get_user(get).await), Code::NotFound);
    let get = GetConversationRequest { conversation_id: unknown, viewer_id: String::new() };
    assert_eq!(code(stage.chat().get_conversation(get).await), Code::NotFound);
}

#[tokio::test]
async fn an_id_that_looks_like_anothers_uuid_keeps_nobody_out() {
    let squatter = to_uuid("alice").to_string();
    let stage = Stage::of(&[&squatter, "alice"]).await;
    let get = GetUserRequest { user_id: squatter };
    let found = stage.directory().get_user(get).await.unwrap().into_inner().user.unwrap();
    assert_eq!(found.id, "alice");
}
