//! The socket on the list of a user's support conversations.

use serde_json::{Value, json};

use super::{Desk, customer, error};
use crate::stage::{Causeway, DIGITS, TIME, pattern::difference};

/// A conversation as the list shows it, before anybody has written.
fn conversation(desk: &Desk) -> Value {
    let mut shown = customer(&desk.customer);
    shown["profile_picture"] = json!("https://example.com/face.jpg");
    json!({
        "id": desk.id,
        "title": "telegram - John Doe",
        "status": "active",
        "customer": shown,
        "priority": 1,
        "created_at": TIME,
        "updated_at": TIME,
        "last_message": null,
        "unread_count": 0,
    })
}

#[tokio::test]
async fn the_list_comes_on_connect_and_when_asked_for() {
    let desk = Desk::open().await;
    let mut list = desk.causeway.client(&desk.sue, "/ws/conversations/").await;
    let expected = json!({"type": "conversations_list", "conversations": [conversation(&desk)]});
    list.expect_exact(expected.clone()).await;
    list.send(json!({"type": "get_conversations"})).await;
    list.expect_exact(expected.clone()).await;
    list.send(json!({"type": "refresh_conversations", "status": "closed", "limit": 5})).await;
    list.expect_exact(json!({"type": "conversations_list", "conversations": []})).await;
}

#[tokio::test]
async fn what_a_customer_writes_is_told_to_the_list() {
    let desk = Desk::open().await;
    let mut list = desk.list().await;
    desk.customer_writes("Help!").await;
    let expected = json!({"type": "new_customer_message", "conversation_id": desk.id,
        "message": desk.message("customer", "Help!")});
    list.expect_exact(expected).await;

    list.send(json!({"type": "get_conversations"})).await;
    let mut shown = conversation(&desk);
    shown["unread_count"] = json!(1);
    shown["last_message"] = json!({"id": DIGITS, "content": "Help!", "type": "customer", "created_at": TIME});
    list.expect_exact(json!({"type": "conversations_list", "conversations": [shown]})).await;
}

#[tokio::test]
async fn a_new_conversation_shows_up_when_its_customer_writes() {
    let causeway = Causeway::shared().await;
    let [sue] = causeway.people(["Sue"]).await;
    let mut list = causeway.client(&sue, "/ws/conversations/").await;
    list.expect_exact(json!({"type": "conversations_list", "conversations": []})).await;
    let customer = causeway.customer("John").await;
    let id = causeway.support(&customer, [&sue]).await;
    let desk = Desk { causeway, id, sue, customer };
    desk.customer_writes("Hello?").await;
    let frames = list.gather("new_customer_message", 1).await;
    assert_eq!(frames[0]["conversation_id"], desk.id);
}

#[tokio::test]
async fn a_new_status_is_told_to_the_list() {
    let desk = Desk::open().await;
    let mut list = desk.list().await;
    let mut sues = desk.chat().await;
    for status in ["support_active", "marketing_active", "closed", "active"] {
        sues.send(json!({"type": "set_status", "status": status})).await;
        let mut shown = conversation(&desk);
        shown["status"] = json!(status);
        list.expect_exact(json!({"type": "conversation_updated", "conversation": shown})).await;
    }
    sues.send(json!({"type": "set_status", "status": "asleep"})).await;
    let answer = sues.expect_exact(error("invalid_field")).await;
    assert!(answer["error"].as_str().unwrap().contains("status"), "{answer}");
}

#[tokio::test]
async fn the_most_urgent_comes_first_and_then_the_latest() {
    let desk = Desk::open().await;
    let second = desk.causeway.support(&desk.causeway.customer("Jane").await, [&desk.sue]).await;
    let urgent = desk.causeway.support(&desk.causeway.customer("Jim").await, [&desk.sue]).await;
    let request = causeway_proto::chat::UpdateConversationRequest {
        conversation_id: urgent.clone(),
        priority: Some(9),
        ..Default::default()
    };
    desk.causeway.chat().update_conversation(request).await.unwrap();
    desk.customer_writes("I was first").await;
    let mut list = desk.causeway.client(&desk.sue, "/ws/conversations/").await;
    let shown = list.expect("conversations_list").await;
    let ids: Vec<_> =
        shown["conversations"].as_array().unwrap().iter().map(|shown| shown["id"].clone()).collect();
    assert_eq!(ids, [json!(urgent), json!(desk.id), json!(second)]);
}

#[tokio::test]
async fn support_people_are_assigned_by_their_audience() {
    let causeway = Causeway::shared().await;
    let [sue, tom] = causeway.people(["Sue", "Tom"]).await;
    causeway.run_well(&["user", "put", &sue.id, "--audience", "helpdesk"]).await;
    let customer = causeway.customer("John").await;
    let id = causeway.support(&customer, []).await;
    for (who, sees) in [(&sue, true), (&tom, false)] {
        let mut list = causeway.client(who, "/ws/conversations/").await;
        let shown = list.expect("conversations_list").await;
        let listed =
            shown["conversations"].as_array().unwrap().iter().any(|shown| shown["id"] == id.as_str());
        assert_eq!(listed, sees, "{}: {shown}", who.first_name);
    }
}

#[tokio::test]
async fn a_bad_frame_is_answered() {
    let desk = Desk::open().await;
    let mut list = desk.list().await;
    list.send_text("{").await;
    list.expect_exact(json!({"error": "Invalid JSON format"})).await;
    list.send(json!({"type": "chat_message", "content": "to whom?"})).await;
    list.expect_exact(error("unknown_type")).await;
    list.send(json!({"type": "get_conversations", "status": "asleep"})).await;
    list.expect_exact(error("invalid_field")).await;
    list.send(json!({"type": "ping"})).await;
    let pong = list.expect("pong").await;
    assert_eq!(difference(&json!({"type": "pong"}), &pong), None);
}
