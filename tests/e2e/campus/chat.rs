//! The personal room.

use std::time::Duration;

use serde_json::{Value, json};

use super::CHAT;
use crate::stage::{Causeway, Client, INTEGER, Person, TIME, causeway::Guest, with_token};

/// Alice and Bob, each in the own room.
struct Scene {
    causeway: Guest,
    alice: Person,
    bob: Person,
    alices: Client,
    bobs: Client,
}

async fn scene() -> Scene {
    let causeway = Causeway::shared().await;
    let [alice, bob] = causeway.people(["Alice", "Bob"]).await;
    let alices = causeway.client(&alice, CHAT).await;
    let bobs = causeway.client(&bob, CHAT).await;
    Scene { causeway, alice, bob, alices, bobs }
}

fn incoming(sender: &Person, message: &str, attachment: Value) -> Value {
    json!({"type": "chat_message", "id": INTEGER, "sender_id": sender.number(), "sender_name": sender.name(),
        "message": message, "attachment": attachment, "timestamp": TIME})
}

fn error(text: &str) -> Value {
    json!({"type": "error", "error": text})
}

#[tokio::test]
async fn a_message_is_confirmed_to_its_sender_and_reaches_the_receiver() {
    let Scene { alice, bob, mut alices, mut bobs, .. } = scene().await;
    let attachment = "https://bucket.s3.amazonaws.com/file.pdf";
    alices
        .send(
            json!({"receiver_id": bob.number(), "message": "Hello, how are you?", "attachment": attachment}),
        )
        .await;
    let expected = json!({"type": "message_sent", "id": INTEGER, "status": "delivered"});
    let sent = alices.expect_exact(expected).await;
    let received = bobs.expect_exact(incoming(&alice, "Hello, how are you?", json!(attachment))).await;
    assert_eq!(sent["id"], received["id"]);
    alices.silence().await;
}

#[tokio::test]
async fn a_message_or_an_attachment_is_enough() {
    let Scene { alice, bob, mut alices, mut bobs, .. } = scene().await;
    alices.send(json!({"receiver_id": bob.id, "message": "only text"})).await;
    bobs.expect_exact(incoming(&alice, "only text", Value::Null)).await;
    let attachment = "https://example.com/only.pdf";
    alices.send(json!({"receiver_id": bob.number(), "attachment": attachment, "message": ""})).await;
    bobs.expect_exact(incoming(&alice, "", json!(attachment))).await;
}

#[tokio::test]
async fn two_tabs_of_the_sender_agree() {
    let Scene { causeway, alice, bob, mut alices, mut bobs } = scene().await;
    let mut other = causeway.client(&alice, "/campus/ws/chat").await;
    let mut bobs_other = causeway.client(&bob, "/campus/ws/chat/").await;
    alices.send(json!({"receiver_id": bob.number(), "message": "hi"})).await;
    let expected = incoming(&alice, "hi", Value::Null);
    let at_bob = bobs.expect_exact(expected.clone()).await;
    assert_eq!(at_bob, bobs_other.expect_exact(expected.clone()).await);
    assert_eq!(at_bob, other.expect_exact(expected).await);
    alices.expect("message_sent").await;
    alices.silence().await;
}

#[tokio::test]
async fn a_message_to_oneself_is_only_confirmed() {
    let Scene { alice, mut alices, .. } = scene().await;
    alices.send(json!({"receiver_id": alice.number(), "message": "note"})).await;
    alices.next(Duration::from_secs(5)).await;
    alices.send(json!({"type": "ping"})).await;
    alices.expect_exact(json!({"type": "pong"})).await;
}

#[tokio::test]
async fn what_is_wrong_is_said_in_the_order_of_the_checks() {
    let Scene { bob, mut alices, mut bobs, .. } = scene().await;
    for text in ["{", "[]", "7"] {
        alices.send_text(text).await;
        alices.expect_exact(error("Invalid JSON format")).await;
    }
    for frame in [json!({}), json!({"message": "to nobody"}), json!({"receiver_id": null})] {
        alices.send(frame).await;
        alices.expect_exact(error("receiver_id is required")).await;
    }
    for frame in [
        json!({"receiver_id": bob.number()}),
        json!({"receiver_id": bob.number(), "message": ""}),
        json!({"receiver_id": 900719925474_u64, "message": "", "attachment": null}),
    ] {
        alices.send(frame).await;
        alices.expect_exact(error("message or attachment is required")).await;
    }
    alices.send(json!({"receiver_id": 900719925474_u64, "message": "anybody?"})).await;
    alices.expect_exact(error("Failed to send message. Receiver not found.")).await;
    alices.send(json!({"receiver_id": bob.number(), "message": "fine", "mood": "good"})).await;
    assert_eq!(bobs.expect("chat_message").await["message"], "fine");
}

#[tokio::test]
async fn a_message_sent_twice_under_one_key_is_stored_once() {
    let Scene { bob, mut alices, mut bobs, .. } = scene().await;
    let frame = json!({"receiver_id": bob.number(), "message": "once", "client_message_id": "key"});
    alices.send(frame.clone()).await;
    alices.send(frame).await;
    let first = alices.expect("message_sent").await;
    assert_eq!(first, alices.expect("message_sent").await);
    alices.send(json!({"receiver_id": bob.number(), "message": "next"})).await;
    let received = bobs.expect("chat_message").await;
    assert_eq!((&received["id"], &received["client_message_id"]), (&first["id"], &json!("key")));
    assert_eq!(bobs.expect("chat_message").await["message"], "next");
}

#[tokio::test]
async fn a_direct_message_of_another_dialect_arrives_too() {
    let Scene { causeway, alice, bob, mut bobs, .. } = scene().await;
    let id = causeway.one_to_one(&alice, &bob).await;
    let mut room = causeway.client(&alice, &format!("/ws/one-to-one/{id}/")).await;
    room.send(json!({"type": "message", "content": "from a room"})).await;
    bobs.expect_exact(incoming(&alice, "from a room", Value::Null)).await;
    bobs.send(json!({"receiver_id": alice.number(), "message": "from campus"})).await;
    room.expect("message").await;
    assert_eq!(room.expect("message").await["message"]["content"], "from campus");
}

#[tokio::test]
async fn without_a_good_token_it_is_forbidden() {
    let causeway = Causeway::shared().await;
    let [alice] = causeway.people(["Alice"]).await;
    let expired = causeway.expired_token(&alice.id);
    for path in [CHAT, super::NOTIFICATIONS] {
        for path in [path.to_owned(), with_token(path, "nonsense"), with_token(path, &expired)] {
            assert_eq!(causeway.refused(&path).await.status, 403, "{path}");
        }
    }
}

#[tokio::test]
async fn a_new_token_is_taken() {
    let Scene { causeway, alice, mut alices, .. } = scene().await;
    let token = causeway.new_token(&alice.id, &["--ttl", "2h"]).await;
    alices.send(json!({"type": "refresh_token", "token": token})).await;
    alices.expect_exact(json!({"type": "token_refreshed", "expires_at": TIME})).await;
}
