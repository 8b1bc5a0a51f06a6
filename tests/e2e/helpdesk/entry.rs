//! Getting in, and being refused by a numbered close.

use serde_json::json;

use super::Desk;
use crate::stage::{Setup, with_token};

#[tokio::test]
async fn every_refusal_has_its_number() {
    let desk = Desk::open().await;
    let causeway = &desk.causeway;
    let [stranger] = causeway.people(["Stranger"]).await;
    let chat = format!("/helpdesk/ws/chat/{}/", desk.id);
    let list = "/ws/conversations/";
    let strangers = causeway.token(&stranger.id).await;
    let good = causeway.token(&desk.sue.id).await;
    let expired = causeway.expired_token(&desk.sue.id);
    for (path, code) in [
        (chat.clone(), 4003),
        (list.to_owned(), 4003),
        (with_token(&chat, "nonsense"), 4001),
        (with_token(list, "nonsense"), 4001),
        (with_token(&chat, &expired), 4002),
        (with_token(&chat, &strangers), 4004),
        (with_token("/helpdesk/ws/chat/no-such/", &good), 4004),
    ] {
        causeway.closed(&path, code).await;
    }
}

#[tokio::test]
async fn the_root_path_can_be_given_to_the_helpdesk() {
    let causeway = Setup::default().set("bridge.root_chat_dialect", "helpdesk").start().await;
    let [sue] = causeway.people(["Sue"]).await;
    let id = causeway.support(&causeway.customer("John").await, [&sue]).await;
    let mut at_root = causeway.client(&sue, &format!("/ws/chat/{id}/")).await;
    at_root.expect_exact(json!({"type": "recent_messages", "messages": []})).await;
    let mut jobs = causeway.client(&sue, &format!("/jobs/ws/chat/{id}/")).await;
    jobs.send(json!({"type": "chat_message", "message": "hello"})).await;
    assert_eq!(at_root.expect("chat_message").await["message"]["type"], "support");
    assert_eq!(jobs.expect("chat_message").await["message"]["message_type"], "text");
}
