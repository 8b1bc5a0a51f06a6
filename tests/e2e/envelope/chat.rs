//! The socket on one chat.

use causeway_proto::id::{Given, read};
use serde_json::{Value, json};

use super::{error, frame, message, text, uuid};
use crate::stage::{Pair, TIME};

const CHAT: &str = "/api/v1/ws/chat/{id}";

#[tokio::test]
async fn a_message_reaches_everyone_in_the_chat() {
    let Pair { id, alice, mut alices, mut bobs, .. } = Pair::on(CHAT).await;
    alices.send(text("Your message content")).await;
    let expected = frame("new_message", message(&id, &alice, "Your message content"));
    let at_alice = alices.expect_exact(expected.clone()).await;
    assert_eq!(at_alice, bobs.expect_exact(expected).await);
    assert_eq!(at_alice["data"]["created_at"], at_alice["data"]["updated_at"]);
}

#[tokio::test]
async fn an_answer_names_its_parent_and_a_message_its_attachments() {
    let Pair { id, alice, mut alices, mut bobs, .. } = Pair::on(CHAT).await;
    alices.send(text("first")).await;
    let first = bobs.expect("new_message").await["data"]["id"].clone();
    let attachments = json!([
        {"url": "https://example.com/a.pdf", "name": "a.pdf", "mime_type": "application/pdf", "size": 1234},
        {"url": "https://example.com/b"},
    ]);
    let data = json!({"content": "second", "message_type": "file", "parent_message_id": first,
        "attachments": attachments, "client_message_id": "k"});
    alices.send(frame("send_message", data)).await;
    let mut expected = message(&id, &alice, "second");
    expected["message_type"] = json!("file");
    expected["parent_message_id"] = first;
    expected["attachments"] = attachments;
    expected["client_message_id"] = json!("k");
    bobs.expect_exact(frame("new_message", expected)).await;
}

#[tokio::test]
async fn the_sender_learns_that_the_message_was_delivered() {
    let Pair { bob, mut alices, mut bobs, .. } = Pair::on(CHAT).await;
    alices.send(text("did you get this?")).await;
    let sent = bobs.expect("new_message").await;
    alices.expect("new_message").await;
    let data = json!({"message_id": sent["data"]["id"], "user_id": bob.uuid(), "delivered_at": TIME});
    alices.expect_exact(frame("message_delivered", data)).await;
}

#[tokio::test]
async fn typing_is_shown_to_the_others() {
    let Pair { id, alice, mut alices, mut bobs, .. } = Pair::on(CHAT).await;
    alices.send(frame("typing_indicator", json!({"is_typing": true, "user_id": "somebody else"}))).await;
    let data = json!({"chat_id": uuid(&id), "user_id": alice.uuid(), "username": alice.username(), "is_typing": true});
    bobs.expect_exact(frame("typing_indicator", data)).await;
    alices.silence().await;
}

#[tokio::test]
async fn a_receipt_reaches_everyone_in_the_chat() {
    let Pair { id, bob, mut alices, mut bobs, .. } = Pair::on(CHAT).await;
    alices.send(text("read this")).await;
    let sent = bobs.expect("new_message").await["data"]["id"].clone();
    alices.expect("new_message").await;
    bobs.send(frame("read_receipt", json!({"message_id": sent, "user_id": bob.uuid()}))).await;
    let data = json!({"chat_id": uuid(&id), "message_id": sent, "user_id": bob.uuid(), "read_at": TIME});
    alices.expect_exact(frame("read_receipt", data.clone())).await;
    bobs.expect_exact(frame("read_receipt", data)).await;
}

#[tokio::test]
async fn a_message_is_edited_and_deleted_by_its_sender() {
    let Pair { id, alice, mut alices, mut bobs, .. } = Pair::on(CHAT).await;
    alices.send(text("teh")).await;
    let sent = bobs.expect("new_message").await["data"].clone();
    bobs.send(frame("edit_message", json!({"message_id": sent["id"], "content": "mine"}))).await;
    bobs.expect_exact(error("forbidden", None)).await;

    alices.send(frame("edit_message", json!({"message_id": sent["id"], "content": "the"}))).await;
    let mut expected = message(&id, &alice, "the");
    expected["id"] = sent["id"].clone();
    let edited = bobs.expect_exact(frame("message_edited", expected)).await;
    assert_eq!(edited["data"]["created_at"], sent["created_at"]);
    assert_ne!(edited["data"]["updated_at"], sent["updated_at"]);

    alices.send(frame("delete_message", json!({"message_id": sent["id"]}))).await;
    let data = json!({"id": sent["id"], "chat_id": uuid(&id), "deleted_at": TIME});
    bobs.expect_exact(frame("message_deleted", data)).await;

    bobs.send(frame("get_history", json!({}))).await;
    let mut gone = message(&id, &alice, "");
    gone["deleted_at"] = json!(TIME);
    bobs.expect_exact(frame("history", json!({"messages": [gone], "has_more": false}))).await;
}

#[tokio::test]
async fn a_reaction_is_added_and_removed() {
    let Pair { id, bob, mut alices, mut bobs, .. } = Pair::on(CHAT).await;
    alices.send(text("like this")).await;
    let sent = bobs.expect("new_message").await["data"]["id"].clone();
    alices.expect("new_message").await;
    let asked = json!({"message_id": sent, "reaction": "🎉"});
    let data = json!({"chat_id": uuid(&id), "message_id": sent, "user_id": bob.uuid(), "reaction": "🎉"});
    bobs.send(frame("add_reaction", asked.clone())).await;
    bobs.send(frame("remove_reaction", asked)).await;
    for client in [&mut alices, &mut bobs] {
        client.expect_exact(frame("reaction_added", data.clone())).await;
        client.expect_exact(frame("reaction_removed", data.clone())).await;
    }
}

#[tokio::test]
async fn ids_are_taken_in_either_form() {
    let Pair { causeway, id, bob, mut alices, mut bobs, .. } = Pair::on(CHAT).await;
    let mut by_uuid = causeway.client(&bob, &format!("/api/v1/ws/chat/{}/", uuid(&id))).await;
    alices.send(text("by number")).await;
    let sent = by_uuid.expect("new_message").await["data"]["id"].clone();
    let Ok(Given::Canonical(number)) = read(sent.as_str().unwrap()) else { panic!("no number: {sent}") };
    bobs.expect("new_message").await;
    for given in [json!(number.parse::<u64>().unwrap()), json!(number), sent.clone()] {
        bobs.send(frame("message_status", json!({"message_id": given}))).await;
        assert_eq!(bobs.expect("message_status").await["data"]["message_id"], sent);
    }
}

#[tokio::test]
async fn a_bad_frame_is_answered_and_changes_nothing() {
    let Pair { id, alice, mut alices, mut bobs, .. } = Pair::on(CHAT).await;
    for bad in ["{", "[]", "null"] {
        alices.send_text(bad).await;
        alices.expect_exact(error("invalid_json", None)).await;
    }
    for kind in [json!({"data": {}}), frame("sing", json!({}))] {
        alices.send(kind).await;
        assert_eq!(alices.expect("error").await["data"]["code"], "unknown_type");
    }
    let http = json!([{"url": "http://example.com/a"}]);
    let many: Vec<_> = (0..11).map(|_| json!({"url": "https://example.com/a"})).collect();
    let wrong: [(&str, Value); 12] = [
        ("data", json!({"type": "send_message"})),
        ("content", frame("send_message", json!({"message_type": "text"}))),
        ("content", frame("send_message", json!({"content": "", "message_type": "text"}))),
        ("message_type", frame("send_message", json!({"content": "a", "message_type": 7}))),
        ("attachments", frame("send_message", json!({"content": "a", "attachments": http}))),
        ("attachments", frame("send_message", json!({"content": "a", "attachments": many}))),
        ("is_typing", frame("typing_indicator", json!({"is_typing": "yes"}))),
        ("message_id", frame("read_receipt", json!({}))),
        ("content", frame("edit_message", json!({"message_id": 1}))),
        ("reaction", frame("add_reaction", json!({"message_id": 1, "reaction": "x".repeat(33)}))),
        ("query", frame("search_messages", json!({"query": ""}))),
        ("recipient_id", frame("direct_message", json!({"content": "a", "message_type": "text"}))),
    ];
    for (field, bad) in wrong {
        alices.send(bad.clone()).await;
        let answer = alices.expect("error").await;
        assert_eq!(answer["data"]["code"], "invalid_field", "{bad}");
        let named = answer["data"]["field"].as_str().unwrap_or_default();
        assert!(named.contains(field), "{bad} was answered {answer}");
    }
    alices.send(text("still here")).await;
    bobs.expect_exact(frame("new_message", message(&id, &alice, "still here"))).await;
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let Pair { mut alices, .. } = Pair::on(CHAT).await;
    let unknown = uuid("900719925474");
    let data = json!({"message_id": unknown, "content": "a", "reaction": "a", "before": unknown});
    for kind in [
        "read_receipt",
        "edit_message",
        "delete_message",
        "add_reaction",
        "remove_reaction",
        "get_history",
        "get_thread",
        "message_status",
    ] {
        alices.send(frame(kind, data.clone())).await;
        assert_eq!(alices.expect("error").await["data"]["code"], "not_found", "{kind}");
    }
}

#[tokio::test]
async fn a_ping_and_a_new_token_are_answered() {
    let Pair { causeway, alice, bob, mut alices, .. } = Pair::on(CHAT).await;
    alices.send(json!({"type": "ping"})).await;
    alices.expect("pong").await;
    let token = causeway.new_token(&alice.id, &["--ttl", "2h"]).await;
    alices.send(frame("refresh_token", json!({"token": token}))).await;
    alices.expect_exact(frame("token_refreshed", json!({"expires_at": TIME}))).await;
    let token = causeway.token(&bob.id).await;
    alices.send(frame("refresh_token", json!({"token": token}))).await;
    let answer = alices.expect("error").await;
    assert_ne!(answer["data"]["code"], "internal");
    assert!(!answer.to_string().contains(&token));
}

#[tokio::test]
async fn a_message_sent_twice_under_one_key_is_stored_once() {
    let Pair { mut alices, mut bobs, .. } = Pair::on(CHAT).await;
    let data = json!({"content": "once", "message_type": "text", "client_message_id": "key"});
    alices.send(frame("send_message", data.clone())).await;
    alices.send(frame("send_message", data)).await;
    let first = alices.expect("new_message").await;
    assert_eq!(first, alices.expect("new_message").await);
    alices.send(text("next")).await;
    assert_eq!(bobs.expect("new_message").await, first);
    assert_eq!(bobs.expect("new_message").await["data"]["content"], "next");
}
