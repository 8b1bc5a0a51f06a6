//! Sending, editing, deleting, reacting and typing.

use serde_json::json;

use super::{error, message, new_message};
use crate::stage::{Causeway, Pair, TIME_OFFSET};

const GROUP: &str = "/ws/group/{id}/";

#[tokio::test]
async fn a_message_reaches_everyone_in_the_room() {
    let Pair { id, alice, mut alices, mut bobs, .. } = Pair::on(GROUP).await;
    let frame = json!({"type": "message", "content": "Hello group!", "message_type": "text", "metadata": {}});
    alices.send(frame).await;
    let expected = new_message(message(&id, &alice, "Hello group!"));
    let at_alice = alices.expect_exact(expected.clone()).await;
    let at_bob = bobs.expect_exact(expected).await;
    assert_eq!(at_alice, at_bob);
}

#[tokio::test]
async fn a_message_between_two_says_so() {
    let causeway = Causeway::shared().await;
    let [alice, bob] = causeway.people(["Alice", "Bob"]).await;
    let id = causeway.one_to_one(&alice, &bob).await;
    let path = format!("/ws/one-to-one/{id}/");
    let mut alices = causeway.client(&alice, &path).await;
    let mut bobs = causeway.client(&bob, &path).await;
    bobs.send(json!({"type": "message", "content": "Hello there!"})).await;
    let mut expected = message(&id, &bob, "Hello there!");
    expected["conversation_type"] = json!("one_to_one");
    alices.expect_exact(new_message(expected)).await;
}

#[tokio::test]
async fn a_picture_needs_no_text_and_an_answer_names_what_it_answers() {
    let Pair { id, alice, bob, mut alices, mut bobs, .. } = Pair::on(GROUP).await;
    let picture = "https://example.com/cat.png";
    let frame = json!({"type": "message", "content": "", "message_type": "image", "media_url": picture,
        "metadata": {"width": 640, "tags": ["cat"]}});
    alices.send(frame).await;
    let mut expected = message(&id, &alice, "");
    expected["message_type"] = json!("image");
    expected["media_url"] = json!(picture);
    expected["metadata"] = json!({"width": 640, "tags": ["cat"]});
    let sent = bobs.expect_exact(new_message(expected)).await;

    bobs.send(json!({"type": "message", "content": "a cat", "reply_to": sent["message"]["id"]})).await;
    let mut expected = message(&id, &bob, "a cat");
    expected["reply_to"] = sent["message"]["id"].clone();
    bobs.expect_exact(new_message(expected)).await;
}

#[tokio::test]
async fn a_message_sent_twice_under_one_key_is_stored_once() {
    let Pair { id, alice, mut alices, mut bobs, .. } = Pair::on(GROUP).await;
    let frame = json!({"type": "message", "content": "once", "client_message_id": "key-1"});
    alices.send(frame.clone()).await;
    let mut expected = message(&id, &alice, "once");
    expected["client_message_id"] = json!("key-1");
    let first = alices.expect_exact(new_message(expected.clone())).await;
    alices.send(frame).await;
    let second = alices.expect_exact(new_message(expected)).await;
    assert_eq!(first, second);

    alices.send(json!({"type": "message", "content": "next"})).await;
    assert_eq!(bobs.expect("message").await, first);
    bobs.expect_exact(new_message(message(&id, &alice, "next"))).await;
}

#[tokio::test]
async fn only_its_sender_edits_a_message() {
    let Pair { id, alice, mut alices, mut bobs, .. } = Pair::on(GROUP).await;
    alices.send(json!({"type": "message", "content": "teh"})).await;
    let sent = bobs.expect("message").await;
    let message_id = &sent["message"]["id"];

    bobs.send(json!({"type": "edit", "message_id": message_id, "content": "mine"})).await;
    bobs.expect_exact(error("forbidden")).await;

    alices.send(json!({"type": "edit", "message_id": message_id, "content": "the"})).await;
    let mut expected = message(&id, &alice, "the");
    expected["id"] = message_id.clone();
    expected["edited_at"] = json!(TIME_OFFSET);
    let expected = json!({"type": "message", "event": "message_edited", "message": expected});
    let edited = bobs.expect_exact(expected).await;
    assert_eq!(edited["message"]["timestamp"], sent["message"]["timestamp"]);
}

#[tokio::test]
async fn its_sender_or_an_admin_deletes_a_message() {
    let Pair { causeway, id, mut alices, mut bobs, .. } = Pair::on(GROUP).await;
    let [carol] = causeway.people(["Carol"]).await;
    let mut chat = causeway.chat();
    let request = causeway_proto::chat::AddParticipantsRequest {
        conversation_id: id.clone(),
        user_ids: vec![carol.id.clone()],
        role: 0,
    };
    chat.add_participants(request).await.unwrap();
    let mut carols = causeway.client(&carol, &format!("/ws/group/{id}/")).await;

    bobs.send(json!({"type": "message", "content": "Bob's first"})).await;
    bobs.send(json!({"type": "message", "content": "Bob's second"})).await;
    let sent = carols.gather("message", 2).await;
    carols.send(json!({"type": "delete", "message_id": sent[0]["message"]["id"]})).await;
    carols.expect_exact(error("forbidden")).await;

    bobs.send(json!({"type": "delete", "message_id": sent[0]["message"]["id"]})).await;
    let deleted = |which: usize| {
        json!({"type": "message", "event": "message_deleted", "message": {
            "id": sent[which]["message"]["id"], "conversation_id": id, "conversation_type": "group",
            "deleted_at": TIME_OFFSET}})
    };
    carols.expect_exact(deleted(0)).await;
    alices.gather("message", 3).await;
    alices.send(json!({"type": "delete", "message_id": sent[1]["message"]["id"]})).await;
    carols.expect_exact(deleted(1)).await;

    carols.send(json!({"type": "history"})).await;
    let history = carols.expect("history").await;
    assert_eq!(history["messages"][0]["id"], sent[0]["message"]["id"], "it keeps its place");
    assert_eq!(history["messages"][0]["content"], "", "it loses its content");
}

#[tokio::test]
async fn a_reaction_is_added_and_removed_once() {
    let Pair { id, bob, mut alices, mut bobs, .. } = Pair::on(GROUP).await;
    alices.send(json!({"type": "message", "content": "like this"})).await;
    let sent = bobs.expect("message").await;
    alices.expect("message").await;
    let frame = |action: &str| json!({"type": "reaction", "message_id": sent["message"]["id"], "reaction": "like", "action": action});
    let expected = |action: &str| {
        json!({"type": "reaction", "message_id": sent["message"]["id"], "user_id": bob.id,
            "user_name": bob.name(), "reaction": "like", "action": action, "conversation_id": id,
            "conversation_type": "group"})
    };
    for action in ["add", "add", "remove", "remove"] {
        bobs.send(frame(action)).await;
    }
    for client in [&mut alices, &mut bobs] {
        client.expect_exact(expected("add")).await;
        client.expect_exact(expected("remove")).await;
    }
    bobs.silence().await;
}

#[tokio::test]
async fn typing_is_shown_to_the_others() {
    let Pair { id, alice, mut alices, mut bobs, .. } = Pair::on(GROUP).await;
    let expected = |is_typing: bool| {
        json!({"type": "typing", "user_id": alice.id, "user_name": alice.name(), "is_typing": is_typing,
            "conversation_id": id, "conversation_type": "group"})
    };
    alices.send(json!({"type": "typing", "is_typing": true})).await;
    bobs.expect_exact(expected(true)).await;
    alices.send(json!({"type": "typing", "is_typing": false})).await;
    bobs.expect_exact(expected(false)).await;
    alices.silence().await;
}

#[tokio::test]
async fn typing_ends_by_itself_after_six_seconds() {
    let Pair { mut alices, mut bobs, .. } = Pair::on(GROUP).await;
    alices.send(json!({"type": "typing", "is_typing": true})).await;
    assert_eq!(bobs.expect("typing").await["is_typing"], true);
    let begun = std::time::Instant::now();
    assert_eq!(bobs.expect("typing").await["is_typing"], false);
    let lasted = begun.elapsed().as_secs_f64();
    assert!((5.0..8.0).contains(&lasted), "it lasted {lasted} s");
}

#[tokio::test]
async fn typing_ends_when_the_typist_leaves() {
    let Pair { mut alices, mut bobs, .. } = Pair::on(GROUP).await;
    alices.send(json!({"type": "typing", "is_typing": true})).await;
    assert_eq!(bobs.expect("typing").await["is_typing"], true);
    let begun = std::time::Instant::now();
    alices.leave().await;
    assert_eq!(bobs.expect("typing").await["is_typing"], false);
    assert!(begun.elapsed().as_secs() < 4, "it took as long as if nobody had left");
}

#[tokio::test]
async fn a_ping_is_answered_and_the_heart_beats() {
    let Pair { mut alices, .. } = Pair::on(GROUP).await;
    alices.send(json!({"type": "ping"})).await;
    alices.expect_exact(json!({"type": "pong"})).await;
    alices.expect_exact(json!({"type": "heartbeat", "timestamp": TIME_OFFSET})).await;
}

#[tokio::test]
async fn a_new_token_is_taken_from_the_same_user_only() {
    let Pair { causeway, alice, bob, mut alices, .. } = Pair::on(GROUP).await;
    let token = causeway.new_token(&alice.id, &["--ttl", "2h"]).await;
    alices.send(json!({"type": "refresh_token", "token": token})).await;
    alices.expect_exact(json!({"type": "token_refreshed", "expires_at": TIME_OFFSET})).await;
    for token in [causeway.token(&bob.id).await, "nonsense".into()] {
        alices.send(json!({"type": "refresh_token", "token": token})).await;
        let answer = alices.expect("error").await;
        assert!(!answer.to_string().contains(&token), "the answer repeats the token");
    }
    alices.send(json!({"type": "ping"})).await;
    alices.expect_exact(json!({"type": "pong"})).await;
}
