//! Getting in, and being refused by a numbered close.

use crate::stage::{Causeway, with_token};

#[tokio::test]
async fn every_refusal_has_its_number() {
    let causeway = Causeway::shared().await;
    let [alice, bob] = causeway.people(["Alice", "Bob"]).await;
    let chat = format!("/ws/chat/{}/", causeway.group([&alice]).await);
    let own = format!("/ws/notifications/{}/", alice.id);
    let good = causeway.token(&alice.id).await;
    let strangers = causeway.token(&bob.id).await;
    let expired = causeway.expired_token(&alice.id);
    for (path, code) in [
        (chat.clone(), 4003),
        (own.clone(), 4003),
        (with_token(&chat, "nonsense"), 4001),
        (with_token(&own, "nonsense"), 4001),
        (with_token(&chat, &expired), 4002),
        (with_token(&own, &expired), 4002),
        (with_token(&chat, &strangers), 4004),
        (with_token("/ws/chat/no-such/", &good), 4004),
        (with_token(&own, &strangers), 4005),
    ] {
        causeway.closed(&path, code).await;
    }
}

#[tokio::test]
async fn a_token_may_come_in_the_header() {
    let causeway = Causeway::shared().await;
    let [alice] = causeway.people(["Alice"]).await;
    let path = format!("/jobs/ws/chat/{}", causeway.group([&alice]).await);
    let bearer = format!("Bearer {}", causeway.token(&alice.id).await);
    let (mut client, _) = causeway.knock("Alice", &path, &[("Authorization", &bearer)]).await.unwrap();
    client.send(serde_json::json!({"type": "ping"})).await;
    client.expect("pong").await;
}

#[tokio::test]
async fn a_socket_is_closed_when_its_token_expires() {
    let causeway = Causeway::shared().await;
    let [alice] = causeway.people(["Alice"]).await;
    let group = causeway.group([&alice]).await;
    let mut waiting = Vec::new();
    for path in [
        format!("/ws/group/{group}/"),
        format!("/api/v1/ws/chat/{group}"),
        format!("/ws/chat/{group}/"),
        format!("/helpdesk/ws/chat/{group}/"),
        "/ws/chat/".to_owned(),
        format!("/ws/notifications/{}/", alice.id),
    ] {
        let token = causeway.new_token(&alice.id, &["--ttl", "3s"]).await;
        waiting.push(causeway.open(&path, &with_token(&path, &token)).await);
    }
    let short = causeway.new_token(&alice.id, &["--ttl", "3s"]).await;
    let mut refreshed = causeway.open("refreshed", &with_token(&format!("/ws/chat/{group}/"), &short)).await;
    let long = causeway.new_token(&alice.id, &["--ttl", "1h"]).await;
    refreshed.send(serde_json::json!({"type": "refresh_token", "token": long})).await;
    refreshed.expect("token_refreshed").await;
    for mut client in waiting {
        client.expect_close(4002).await;
    }
    refreshed.send(serde_json::json!({"type": "ping"})).await;
    refreshed.expect("pong").await;
}
