//! The user's own stream: direct messages, notifications and who is online.

use serde_json::json;

use super::{error, frame, message, uuid};
use crate::stage::{Causeway, Client, Person, TIME, UUID, causeway::Guest};

async fn personal(causeway: &Causeway, who: &Person) -> Client {
    causeway.client(who, &format!("/api/v1/ws/{}", who.uuid())).await
}

async fn scene() -> (Guest, Person, Person) {
    let causeway = Causeway::shared().await;
    let [alice, bob] = causeway.people(["Alice", "Bob"]).await;
    (causeway, alice, bob)
}

fn direct(content: &str, recipient: &Person) -> serde_json::Value {
    frame(
        "direct_message",
        json!({"content": content, "message_type": "text", "recipient_id": recipient.uuid()}),
    )
}

#[tokio::test]
async fn a_direct_message_reaches_both_on_their_own_streams() {
    let (causeway, alice, bob) = scene().await;
    let mut alices = personal(&causeway, &alice).await;
    let mut bobs = personal(&causeway, &bob).await;
    let mut bobs_other = causeway.client(&bob, &format!("/envelope/api/v1/ws/{}/", bob.id)).await;
    alices.send(direct("psst", &bob)).await;
    let at_alice = alices.expect("new_direct_message").await;
    let chat = at_alice["data"]["chat_id"].clone();
    let mut expected = message("0", &alice, "psst");
    expected["chat_id"] = chat.clone();
    assert_eq!(at_alice, bobs.expect_exact(frame("new_direct_message", expected.clone())).await);
    assert_eq!(at_alice, bobs_other.expect_exact(frame("new_direct_message", expected)).await);

    bobs.send(direct("what?", &alice)).await;
    let answer = alices.expect("new_direct_message").await;
    assert_eq!(answer["data"]["chat_id"], chat, "the two have one chat");
    assert_eq!(uuid(&causeway.one_to_one(&bob, &alice).await), chat);
}

#[tokio::test]
async fn a_direct_message_is_a_new_message_in_the_chat() {
    let (causeway, alice, bob) = scene().await;
    let chat = causeway.one_to_one(&alice, &bob).await;
    let mut stream = personal(&causeway, &alice).await;
    let mut bobs = causeway.client(&bob, &format!("/api/v1/ws/chat/{chat}")).await;
    stream.send(direct("psst", &bob)).await;
    bobs.expect_exact(frame("new_message", message(&chat, &alice, "psst"))).await;
    stream.expect("new_direct_message").await;

    let data = json!({"content": "from inside", "message_type": "text", "recipient_id": alice.id,
        "chat_id": uuid(&chat)});
    bobs.send(frame("direct_message", data)).await;
    bobs.expect_exact(frame("new_message", message(&chat, &bob, "from inside"))).await;
    stream.expect_exact(frame("new_direct_message", message(&chat, &bob, "from inside"))).await;
}

#[tokio::test]
async fn a_direct_message_can_name_a_group_that_both_are_in() {
    let (causeway, alice, bob) = scene().await;
    let [carol] = causeway.people(["Carol"]).await;
    let both = causeway.group([&alice, &bob]).await;
    let other = causeway.group([&alice, &carol]).await;
    let mut alices = personal(&causeway, &alice).await;
    let mut bobs = personal(&causeway, &bob).await;
    let data = |chat: &str| json!({"content": "hi", "message_type": "text", "recipient_id": bob.uuid(), "chat_id": uuid(chat)});
    alices.send(frame("direct_message", data(&both))).await;
    let expected = frame("new_direct_message", message(&both, &alice, "hi"));
    bobs.expect_exact(expected.clone()).await;
    alices.expect_exact(expected).await;
    for chat in [other.as_str(), "no-such"] {
        alices.send(frame("direct_message", data(chat))).await;
        assert_eq!(alices.expect("error").await["data"]["code"], "not_found", "{chat}");
    }
}

#[tokio::test]
async fn nobody_writes_to_a_user_who_does_not_exist() {
    let (causeway, alice, _) = scene().await;
    let mut alices = personal(&causeway, &alice).await;
    let nobody = Person { id: "900719925474".into(), first_name: "Nobody".into() };
    alices.send(direct("hello?", &nobody)).await;
    assert_eq!(alices.expect("error").await["data"]["code"], "not_found");
    alices.send_text("{").await;
    alices.expect_exact(error("invalid_json", None)).await;
}

#[tokio::test]
async fn a_notification_arrives_on_the_own_stream() {
    let (causeway, alice, _) = scene().await;
    let mut alices = personal(&causeway, &alice).await;
    causeway.notify(&alice, "Parcel").await;
    let data = json!({"id": UUID, "title": "Parcel", "message": "See for yourself",
        "notification_type": "alert", "created_at": TIME, "is_read": false, "data": {"order": 7}});
    alices.expect_exact(frame("notification", data)).await;
}

#[tokio::test]
async fn people_who_share_a_chat_see_each_other_come_and_go() {
    let (causeway, alice, bob) = scene().await;
    causeway.one_to_one(&alice, &bob).await;
    let [stranger] = causeway.people(["Stranger"]).await;
    let mut alices = personal(&causeway, &alice).await;
    let strangers = personal(&causeway, &stranger).await;
    let bobs = personal(&causeway, &bob).await;
    let presence = |status: &str| {
        frame("user_presence", json!({"user_id": bob.uuid(), "status": status, "last_seen": TIME}))
    };
    alices.expect_exact(presence("online")).await;
    strangers.leave().await;
    bobs.leave().await;
    alices.expect_exact(presence("offline")).await;
}
