//! Getting in, and being refused by a close.

use super::uuid;
use crate::stage::{Causeway, with_token};

#[tokio::test]
async fn every_refusal_is_a_close_that_says_why() {
    let causeway = Causeway::shared().await;
    let [alice, bob] = causeway.people(["Alice", "Bob"]).await;
    let chat = format!("/api/v1/ws/chat/{}", uuid(&causeway.group([&alice]).await));
    let own = format!("/api/v1/ws/{}", alice.uuid());
    let good = causeway.token(&alice.id).await;
    let strangers = causeway.token(&bob.id).await;
    let expired = causeway.expired_token(&alice.id);
    for (path, reason) in [
        (chat.clone(), "missing token"),
        (own.clone(), "missing token"),
        (with_token(&chat, "nonsense"), "invalid token"),
        (with_token(&own, "nonsense"), "invalid token"),
        (with_token(&chat, &expired), "token expired"),
        (with_token(&chat, &strangers), "not found"),
        (with_token(&own, &strangers), "not found"),
        (with_token("/api/v1/ws/chat/no-such", &good), "not found"),
    ] {
        assert_eq!(causeway.closed(&path, 1008).await, reason, "{path}");
    }
}

#[tokio::test]
async fn chats_and_users_are_named_in_either_form_under_either_prefix() {
    let causeway = Causeway::shared().await;
    let [alice] = causeway.people(["Alice"]).await;
    let chat = causeway.group([&alice]).await;
    for path in [
        format!("/api/v1/ws/chat/{chat}"),
        format!("/api/v1/ws/chat/{}/", uuid(&chat)),
        format!("/envelope/api/v1/ws/chat/{chat}/"),
        format!("/api/v1/ws/{}", alice.id),
        format!("/envelope/api/v1/ws/{}", alice.uuid()),
    ] {
        let mut client = causeway.client(&alice, &path).await;
        client.send(serde_json::json!({"type": "ping"})).await;
        client.expect("pong").await;
    }
}
