//! Notices: receive only.

use causeway_proto::notification::{BroadcastRequest, Content, NotifyRequest};
use serde_json::json;

use super::NOTIFICATIONS;
use crate::stage::{Causeway, TIME, with_token};

#[tokio::test]
async fn a_notification_arrives_with_its_data() {
    let causeway = Causeway::shared().await;
    let [alice] = causeway.people(["Alice"]).await;
    let mut alices = causeway.client(&alice, NOTIFICATIONS).await;
    causeway.notify(&alice, "Parcel").await;
    alices
        .expect_exact(json!({"type": "notify", "title": "Parcel", "message": "See for yourself",
            "notification_type": "alert", "timestamp": TIME, "data": {"order": 7}}))
        .await;

    let content = Content { title: "Plain".into(), message: "No data".into(), ..Content::default() };
    let request = NotifyRequest { user_id: alice.id.clone(), content: Some(content), ..Default::default() };
    causeway.notifications().notify(request).await.unwrap();
    alices
        .expect_exact(json!({"type": "notify", "title": "Plain", "message": "No data",
            "notification_type": "info", "timestamp": TIME}))
        .await;
}

#[tokio::test]
async fn a_notice_reaches_everyone_at_the_college() {
    let causeway = Causeway::shared().await;
    let [alice, bob] = causeway.people(["Alice", "Bob"]).await;
    let college = format!("college_id={}", alice.id);
    let token = causeway.new_token(&alice.id, &["--claim", &college]).await;
    let mut alices = causeway.open("Alice", &with_token("/campus/ws/notifications", &token)).await;
    let mut bobs = causeway.client(&bob, NOTIFICATIONS).await;
    let content = Content {
        title: "New Notice".into(),
        message: "Mid-term exam schedule".into(),
        notification_type: "notice".into(),
        ..Content::default()
    };
    let audience = format!("college:{}", alice.id);
    let request = BroadcastRequest { audience, content: Some(content), ..Default::default() };
    causeway.notifications().broadcast(request).await.unwrap();
    assert_eq!(alices.expect("notify").await["title"], "New Notice");
    bobs.silence().await;
}

#[tokio::test]
async fn whatever_a_client_says_is_ignored() {
    let causeway = Causeway::shared().await;
    let [alice] = causeway.people(["Alice"]).await;
    let mut alices = causeway.client(&alice, NOTIFICATIONS).await;
    for text in ["{", "hello", r#"{"receiver_id":1,"message":"x"}"#, r#"{"type":"mark_read"}"#] {
        alices.send_text(text).await;
    }
    alices.send(json!({"type": "ping"})).await;
    alices.expect_exact(json!({"type": "pong"})).await;
}
