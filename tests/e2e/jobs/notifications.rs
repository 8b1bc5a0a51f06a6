//! The socket of a user's notifications.

use causeway_proto::notification::{BroadcastRequest, Content};
use serde_json::{Value, json};

use super::error;
use crate::stage::{Causeway, Client, INTEGER, Person, TIME, causeway::Guest};

async fn scene() -> (Guest, Person, Client) {
    let causeway = Causeway::shared().await;
    let [alice] = causeway.people(["Alice"]).await;
    let alices = causeway.client(&alice, &format!("/ws/notifications/{}/", alice.id)).await;
    (causeway, alice, alices)
}

/// A notification as [`Causeway::notify`] makes it.
fn notification(title: &str) -> Value {
    json!({"id": INTEGER, "title": title, "message": "See for yourself", "notification_type": "alert",
        "timestamp": TIME, "is_read": false, "data": {"order": 7}})
}

#[tokio::test]
async fn a_notification_arrives() {
    let (causeway, alice, mut alices) = scene().await;
    causeway.notify(&alice, "Parcel").await;
    let expected = json!({"type": "notification", "notification": notification("Parcel")});
    alices.expect_exact(expected).await;
}

#[tokio::test]
async fn a_notice_to_an_audience_arrives_at_everyone_in_it() {
    let causeway = Causeway::shared().await;
    let [alice, bob] = causeway.people(["Alice", "Bob"]).await;
    let audience = format!("staff-{}", alice.id);
    causeway.run_well(&["user", "put", &alice.id, "--audience", &audience]).await;
    let mut alices = causeway.client(&alice, &format!("/ws/notifications/{}/", alice.id)).await;
    let mut bobs = causeway.client(&bob, &format!("/ws/notifications/{}/", bob.id)).await;
    let content = Content { title: "Fire drill".into(), message: "At noon".into(), ..Content::default() };
    let request = BroadcastRequest { audience, content: Some(content), ..Default::default() };
    causeway.notifications().broadcast(request).await.unwrap();
    let notice = alices.expect("notification").await;
    assert_eq!(notice["notification"]["title"], "Fire drill");
    assert_eq!(notice["notification"]["notification_type"], "info");
    bobs.silence().await;
}

#[tokio::test]
async fn notifications_are_listed_newest_first() {
    let (causeway, alice, mut alices) = scene().await;
    for title in ["one", "two", "three"] {
        causeway.notify(&alice, title).await;
    }
    let third = alices.gather("notification", 3).await[2]["notification"]["id"].clone();
    alices.send(json!({"type": "get_notifications", "limit": 2})).await;
    let expected = json!({"type": "notifications", "notifications": [notification("three"), notification("two")],
        "unread_count": 3, "has_more": true});
    let page = alices.expect_exact(expected).await;
    assert_eq!(page["notifications"][0]["id"], third);
    let before = &page["notifications"][1]["id"];
    alices.send(json!({"type": "get_notifications", "before": before})).await;
    let expected = json!({"type": "notifications", "notifications": [notification("one")],
        "unread_count": 3, "has_more": false});
    alices.expect_exact(expected).await;
}

#[tokio::test]
async fn reading_is_told_to_all_sockets_of_the_user() {
    let (causeway, alice, mut alices) = scene().await;
    let mut other = causeway.client(&alice, &format!("/jobs/ws/notifications/{}", alice.id)).await;
    let first = causeway.notify(&alice, "one").await;
    causeway.notify(&alice, "two").await;
    alices.gather("notification", 2).await;
    other.gather("notification", 2).await;

    alices.send(json!({"type": "mark_read", "notification_id": first})).await;
    let expected = json!({"type": "notification_read", "notification_id": first});
    alices.expect_exact(expected.clone()).await;
    other.expect_exact(expected).await;
    other.send(json!({"type": "get_notifications", "unread_only": true})).await;
    let page = other.expect("notifications").await;
    assert_eq!((&page["unread_count"], page["notifications"].as_array().unwrap().len()), (&json!(1), 1));

    other.send(json!({"type": "mark_read", "all": true})).await;
    let expected = json!({"type": "notification_read", "all": true});
    alices.expect_exact(expected.clone()).await;
    other.expect_exact(expected).await;
    alices.send(json!({"type": "get_notifications"})).await;
    let page = alices.expect("notifications").await;
    assert_eq!(page["unread_count"], 0);
    assert_eq!(page["notifications"][1]["is_read"], true);
}

#[tokio::test]
async fn a_bad_frame_is_answered() {
    let (_causeway, _alice, mut alices) = scene().await;
    alices.send_text("{").await;
    alices.expect_exact(error("invalid_json")).await;
    alices.send(json!({"type": "chat_message", "message": "no conversation here"})).await;
    alices.expect_exact(error("unknown_type")).await;
    for frame in [json!({"type": "mark_read"}), json!({"type": "mark_read", "notification_id": {}})] {
        alices.send(frame).await;
        let answer = alices.expect_exact(error("invalid_field")).await;
        assert!(answer["message"].as_str().unwrap().contains("notification_id"), "{answer}");
    }
    alices.send(json!({"type": "mark_read", "notification_id": 900719925474_u64})).await;
    alices.expect_exact(error("not_found")).await;
    alices.send(json!({"type": "ping"})).await;
    alices.expect_exact(json!({"type": "pong"})).await;
}
