//! Frames that are wrong, odd or about what is not there.

use serde_json::json;

use super::{error, message, new_message};
use crate::stage::Pair;

const GROUP: &str = "/ws/group/{id}/";

#[tokio::test]
async fn a_bad_frame_is_answered_and_changes_nothing() {
    let Pair { id, alice, mut alices, mut bobs, .. } = Pair::on(GROUP).await;
    for text in ["{", "[]", "7", "\"message\"", ""] {
        alices.send_text(text).await;
        alices.expect_exact(error("invalid_json")).await;
    }
    for frame in [json!({}), json!({"type": "sing"}), json!({"type": 7})] {
        alices.send(frame).await;
        alices.expect_exact(error("unknown_type")).await;
    }
    let long = "x".repeat(16_385);
    let wrong = [
        ("content", json!({"type": "message"})),
        ("content", json!({"type": "message", "content": 7})),
        ("content", json!({"type": "message", "content": ""})),
        ("content", json!({"type": "message", "content": long})),
        ("message_type", json!({"type": "message", "content": "a", "message_type": "song"})),
        ("metadata", json!({"type": "message", "content": "a", "metadata": [1]})),
        (
            "client_message_id",
            json!({"type": "message", "content": "a", "client_message_id": "x".repeat(65)}),
        ),
        ("is_typing", json!({"type": "typing"})),
        ("message_id", json!({"type": "read"})),
        ("reaction", json!({"type": "reaction", "message_id": "1", "action": "add"})),
        ("action", json!({"type": "reaction", "message_id": "1", "reaction": "like", "action": "smile"})),
        ("content", json!({"type": "edit", "message_id": "1"})),
        ("message_id", json!({"type": "delete", "message_id": true})),
    ];
    for (field, frame) in wrong {
        alices.send(frame.clone()).await;
        let answer = alices.expect_exact(error("invalid_field")).await;
        let text = answer["message"].as_str().unwrap();
        assert!(text.contains(field), "{frame} was answered {text}");
    }
    alices.send(json!({"type": "message", "content": "still here"})).await;
    bobs.expect_exact(new_message(message(&id, &alice, "still here"))).await;
}

#[tokio::test]
async fn a_message_of_another_room_does_not_exist() {
    let Pair { causeway, alice, mut alices, .. } = Pair::on(GROUP).await;
    let elsewhere = causeway.group([&alice]).await;
    let mut there = causeway.client(&alice, &format!("/ws/group/{elsewhere}/")).await;
    there.send(json!({"type": "message", "content": "here"})).await;
    let sent = there.expect("message").await["message"]["id"].clone();
    let unknown = json!("900719925474");
    for message_id in [sent, unknown, json!("no number"), json!(0)] {
        for frame in [
            json!({"type": "edit", "message_id": message_id, "content": "there"}),
            json!({"type": "delete", "message_id": message_id}),
            json!({"type": "reaction", "message_id": message_id, "reaction": "like", "action": "add"}),
            json!({"type": "history", "before": message_id}),
            json!({"type": "message", "content": "to that", "reply_to": message_id}),
        ] {
            alices.send(frame).await;
            alices.expect_exact(error("not_found")).await;
        }
    }
}

#[tokio::test]
async fn fields_that_nobody_asked_for_do_no_harm() {
    let Pair { id, alice, mut alices, .. } = Pair::on(GROUP).await;
    alices.send(json!({"type": "message", "content": "hi", "mood": "good", "sender_id": "1"})).await;
    alices.expect_exact(new_message(message(&id, &alice, "hi"))).await;
}

#[tokio::test]
async fn every_character_comes_back_as_it_was_sent() {
    let Pair { mut alices, mut bobs, .. } = Pair::on(GROUP).await;
    let content = "zero \u{0} tab \t quote \" back \\ \u{2028} 🌉 עברית \u{1b}[31m <script>";
    alices.send(json!({"type": "message", "content": content})).await;
    assert_eq!(bobs.expect("message").await["message"]["content"], content);
}
