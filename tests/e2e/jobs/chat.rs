//! The socket on one conversation.

use serde_json::json;

use super::{error, message, new_message, user};
use crate::stage::{Pair, TIME};

const CHAT: &str = "/ws/chat/{id}/";

#[tokio::test]
async fn a_message_reaches_everyone() {
    let Pair { alice, mut alices, mut bobs, .. } = Pair::on(CHAT).await;
    alices.send(json!({"type": "chat_message", "message": "Hello there!", "message_type": "text"})).await;
    let expected = new_message(message(&alice, "Hello there!"));
    let at_alice = alices.expect_exact(expected.clone()).await;
    assert_eq!(at_alice, bobs.expect_exact(expected).await);
}

#[tokio::test]
async fn an_answer_with_files_carries_both() {
    let Pair { bob, mut alices, mut bobs, .. } = Pair::on(CHAT).await;
    alices.send(json!({"type": "chat_message", "message": "CV?"})).await;
    let asked = bobs.expect("chat_message").await["message"]["id"].clone();
    alices.expect("chat_message").await;
    let attachments = json!([{"url": "https://example.com/cv.pdf", "name": "cv.pdf"}]);
    bobs.send(json!({"type": "chat_message", "message": "", "message_type": "file", "reply_to": asked,
        "attachments": attachments, "client_message_id": "cv"}))
        .await;
    let mut expected = message(&bob, "");
    expected["message_type"] = json!("file");
    expected["reply_to"] = asked;
    expected["attachments"] = attachments;
    expected["client_message_id"] = json!("cv");
    alices.expect_exact(new_message(expected)).await;
}

#[tokio::test]
async fn either_name_of_typing_is_shown_to_the_others() {
    let Pair { alice, mut alices, mut bobs, .. } = Pair::on(CHAT).await;
    for (kind, is_typing) in [("typing", true), ("typing_indicator", false)] {
        alices.send(json!({"type": kind, "is_typing": is_typing})).await;
        let expected = json!({"type": "typing_indicator", "user": user(&alice), "is_typing": is_typing});
        bobs.expect_exact(expected).await;
    }
    alices.silence().await;
}

#[tokio::test]
async fn either_name_of_reading_is_shown_to_everyone() {
    let Pair { bob, mut alices, mut bobs, .. } = Pair::on(CHAT).await;
    for kind in ["mark_read", "message_read"] {
        alices.send(json!({"type": "chat_message", "message": "read this"})).await;
        let id = bobs.expect("chat_message").await["message"]["id"].clone();
        alices.expect("chat_message").await;
        bobs.send(json!({"type": kind, "message_id": id})).await;
        let expected =
            json!({"type": "message_read", "message_id": id, "read_by": user(&bob), "read_at": TIME});
        alices.expect_exact(expected.clone()).await;
        bobs.expect_exact(expected).await;
    }
}

#[tokio::test]
async fn a_message_is_edited_and_deleted_by_its_sender() {
    let Pair { alice, mut alices, mut bobs, .. } = Pair::on(CHAT).await;
    alices.send(json!({"type": "chat_message", "message": "teh"})).await;
    let id = bobs.expect("chat_message").await["message"]["id"].clone();
    bobs.send(json!({"type": "edit_message", "message_id": id, "message": "mine"})).await;
    bobs.expect_exact(error("forbidden")).await;
    bobs.send(json!({"type": "delete_message", "message_id": id})).await;
    bobs.expect_exact(error("forbidden")).await;

    alices.send(json!({"type": "edit_message", "message_id": id, "message": "the"})).await;
    let mut expected = message(&alice, "the");
    expected["id"] = id.clone();
    expected["edited_at"] = json!(TIME);
    bobs.expect_exact(json!({"type": "message_edited", "message": expected})).await;

    alices.send(json!({"type": "delete_message", "message_id": id})).await;
    bobs.expect_exact(json!({"type": "message_deleted", "message_id": id, "deleted_at": TIME})).await;
}

#[tokio::test]
async fn a_reaction_is_added_and_removed() {
    let Pair { bob, mut alices, mut bobs, .. } = Pair::on(CHAT).await;
    alices.send(json!({"type": "chat_message", "message": "like this"})).await;
    let id = bobs.expect("chat_message").await["message"]["id"].clone();
    alices.expect("chat_message").await;
    for action in ["add", "remove"] {
        bobs.send(json!({"type": "reaction", "message_id": id, "reaction": "like", "action": action})).await;
        let expected = json!({"type": "message_reaction", "message_id": id, "user": user(&bob),
            "reaction": "like", "action": action});
        alices.expect_exact(expected.clone()).await;
        bobs.expect_exact(expected).await;
    }
}

#[tokio::test]
async fn messages_are_read_in_pages_with_their_reactions() {
    let Pair { alice, bob, mut alices, mut bobs, .. } = Pair::on(CHAT).await;
    for content in ["one", "two", "three"] {
        alices.send(json!({"type": "chat_message", "message": content})).await;
    }
    let sent = bobs.gather("chat_message", 3).await;
    let id = |which: usize| sent[which]["message"]["id"].clone();
    bobs.send(json!({"type": "reaction", "message_id": id(0), "reaction": "like", "action": "add"})).await;
    bobs.expect("message_reaction").await;
    bobs.send(json!({"type": "get_messages", "limit": 2, "before": id(2)})).await;
    let mut first = message(&alice, "one");
    first["reactions"] = json!({"like": [bob.number()]});
    let mut second = message(&alice, "two");
    second["reactions"] = json!({});
    let expected = json!({"type": "messages", "messages": [first, second], "has_more": false});
    bobs.expect_exact(expected).await;
}

#[tokio::test]
async fn coming_and_going_is_shown_to_the_others() {
    let Pair { alice, bob, mut alices, mut bobs, .. } = Pair::on(CHAT).await;
    let status = |of: u64, status: &str| json!({"type": "user_status", "user_id": of, "status": status});
    alices.expect_exact(status(bob.number(), "online")).await;
    bobs.expect_exact(status(alice.number(), "online")).await;
    alices.leave().await;
    bobs.expect_exact(status(alice.number(), "offline")).await;
}

#[tokio::test]
async fn a_bad_frame_is_answered_and_changes_nothing() {
    let Pair { alice, mut alices, mut bobs, .. } = Pair::on(CHAT).await;
    for text in ["{", "[1]", "\"hi\""] {
        alices.send_text(text).await;
        alices.expect_exact(error("invalid_json")).await;
    }
    for frame in [json!({}), json!({"type": "get_notifications"}), json!({"type": "sing"})] {
        alices.send(frame).await;
        alices.expect_exact(error("unknown_type")).await;
    }
    let wrong = [
        ("message", json!({"type": "chat_message"})),
        ("message", json!({"type": "chat_message", "message": {}})),
        ("message", json!({"type": "chat_message", "message": ""})),
        ("message_type", json!({"type": "chat_message", "message": "a", "message_type": "song"})),
        ("attachments", json!({"type": "chat_message", "message": "a", "attachments": "none"})),
        ("url", json!({"type": "chat_message", "message": "a", "attachments": [{"url": "ftp://a"}]})),
        ("is_typing", json!({"type": "typing"})),
        ("message_id", json!({"type": "mark_read"})),
        ("message", json!({"type": "edit_message", "message_id": 1})),
        ("message_id", json!({"type": "delete_message"})),
        ("action", json!({"type": "reaction", "message_id": 1, "reaction": "like"})),
        ("limit", json!({"type": "get_messages", "limit": "many"})),
    ];
    for (field, frame) in wrong {
        alices.send(frame.clone()).await;
        let answer = alices.expect_exact(error("invalid_field")).await;
        assert!(answer["message"].as_str().unwrap().contains(field), "{frame} was answered {answer}");
    }
    alices.send(json!({"type": "edit_message", "message_id": 900719925474_u64, "message": "a"})).await;
    alices.expect_exact(error("not_found")).await;
    alices.send(json!({"type": "chat_message", "message": "still here"})).await;
    bobs.expect_exact(new_message(message(&alice, "still here"))).await;
}

#[tokio::test]
async fn a_ping_and_a_new_token_are_answered() {
    let Pair { causeway, alice, mut alices, .. } = Pair::on(CHAT).await;
    alices.send(json!({"type": "ping"})).await;
    alices.expect_exact(json!({"type": "pong"})).await;
    let token = causeway.new_token(&alice.id, &["--ttl", "2h"]).await;
    alices.send(json!({"type": "refresh_token", "token": token})).await;
    alices.expect_exact(json!({"type": "token_refreshed", "expires_at": TIME})).await;
}

#[tokio::test]
async fn a_message_sent_twice_under_one_key_is_stored_once() {
    let Pair { mut alices, mut bobs, .. } = Pair::on(CHAT).await;
    let frame = json!({"type": "chat_message", "message": "once", "client_message_id": "key"});
    alices.send(frame.clone()).await;
    alices.send(frame).await;
    let first = alices.expect("chat_message").await;
    assert_eq!(first, alices.expect("chat_message").await);
    alices.send(json!({"type": "chat_message", "message": "next"})).await;
    assert_eq!(bobs.expect("chat_message").await, first);
    assert_eq!(bobs.expect("chat_message").await["message"]["content"], "next");
}
