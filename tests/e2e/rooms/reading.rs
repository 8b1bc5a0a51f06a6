//! Receipts and history.

use serde_json::{Value, json};

use super::error;
use crate::stage::{Client, Pair, TIME_OFFSET};

const GROUP: &str = "/ws/group/{id}/";

/// Sends some messages and returns their ids once they have come back.
async fn write(client: &mut Client, count: usize) -> Vec<Value> {
    for number in 0..count {
        client.send(json!({"type": "message", "content": format!("line {number}")})).await;
    }
    let frames = client.gather("message", count).await;
    frames.into_iter().map(|frame| frame["message"]["id"].clone()).collect()
}

#[tokio::test]
async fn a_receipt_reaches_everyone_in_the_room() {
    let Pair { id, bob, mut alices, mut bobs, .. } = Pair::on(GROUP).await;
    let ids = write(&mut alices, 1).await;
    bobs.expect("message").await;
    bobs.send(json!({"type": "read", "message_id": ids[0]})).await;
    let expected = json!({"type": "read_receipt", "message_id": ids[0], "user_id": bob.id,
        "user_name": bob.name(), "read_at": TIME_OFFSET, "conversation_id": id, "conversation_type": "group"});
    alices.expect_exact(expected.clone()).await;
    bobs.expect_exact(expected).await;
}

#[tokio::test]
async fn what_is_read_already_changes_nothing() {
    let Pair { mut alices, mut bobs, .. } = Pair::on(GROUP).await;
    let ids = write(&mut alices, 3).await;
    bobs.gather("message", 3).await;
    bobs.send(json!({"type": "read", "message_id": ids[1]})).await;
    assert_eq!(alices.expect("read_receipt").await["message_id"], ids[1]);
    bobs.send(json!({"type": "read", "message_id": ids[1]})).await;
    bobs.send(json!({"type": "read", "message_id": ids[0]})).await;
    alices.silence().await;
    bobs.send(json!({"type": "read", "message_id": ids[2]})).await;
    assert_eq!(alices.expect("read_receipt").await["message_id"], ids[2]);
}

#[tokio::test]
async fn a_burst_of_receipts_is_merged_into_the_latest() {
    let Pair { mut alices, mut bobs, .. } = Pair::on(GROUP).await;
    let ids = write(&mut alices, 15).await;
    bobs.gather("message", 15).await;
    for id in &ids {
        bobs.send(json!({"type": "read", "message_id": id})).await;
    }
    let mut receipts = 0;
    loop {
        receipts += 1;
        if alices.expect("read_receipt").await["message_id"] == ids[14] {
            break;
        }
    }
    assert!(receipts <= 3, "{receipts} receipts for 15 messages");
    alices.silence().await;
}

#[tokio::test]
async fn a_receipt_for_what_is_not_there_is_an_error() {
    let Pair { mut alices, .. } = Pair::on(GROUP).await;
    alices.send(json!({"type": "read", "message_id": "900719925474"})).await;
    alices.expect_exact(error("not_found")).await;
}

#[tokio::test]
async fn history_is_read_in_pages_from_the_end() {
    let Pair { mut alices, mut bobs, .. } = Pair::on(GROUP).await;
    let ids = write(&mut alices, 7).await;
    bobs.gather("message", 7).await;
    let mut before = None;
    let mut seen: Vec<Value> = Vec::new();
    for (length, has_more) in [(3, true), (3, true), (1, false)] {
        let mut frame = json!({"type": "history", "limit": 3});
        if let Some(before) = before {
            frame["before"] = before;
        }
        bobs.send(frame).await;
        let page = bobs.expect("history").await;
        let messages = page["messages"].as_array().unwrap();
        assert_eq!(messages.len(), length);
        assert_eq!(page["has_more"], has_more);
        before = Some(messages[0]["id"].clone());
        seen.splice(0..0, messages.iter().map(|message| message["id"].clone()));
    }
    assert_eq!(seen, ids, "oldest first, each once");
    alices.silence().await;
}

#[tokio::test]
async fn history_says_who_reacted_and_who_has_read() {
    let Pair { id, alice, bob, mut alices, mut bobs, .. } = Pair::on(GROUP).await;
    let ids = write(&mut alices, 1).await;
    bobs.expect("message").await;
    for client in [&mut alices, &mut bobs] {
        let frame = json!({"type": "reaction", "message_id": ids[0], "reaction": "like", "action": "add"});
        client.send(frame).await;
        client.gather("reaction", 1).await;
    }
    bobs.send(json!({"type": "read", "message_id": ids[0]})).await;
    alices.gather("read_receipt", 1).await;
    alices.send(json!({"type": "history"})).await;
    let mut message = super::message(&id, &alice, "line 0");
    message["reactions"] = json!({"like": [alice.id, bob.id]});
    message["read_by"] = json!([bob.id]);
    alices.expect_exact(json!({"type": "history", "messages": [message], "has_more": false})).await;
}

#[tokio::test]
async fn a_limit_above_a_hundred_means_a_hundred() {
    let Pair { causeway, id, alice, mut alices, .. } = Pair::on(GROUP).await;
    let messages = (0..101).map(|number| causeway_proto::chat::SendMessageRequest {
        conversation_id: id.clone(),
        sender_id: alice.id.clone(),
        content: format!("line {number}"),
        ..Default::default()
    });
    let request = causeway_proto::chat::SendMessagesRequest { messages: messages.collect() };
    causeway.chat().send_messages(request).await.unwrap();
    alices.gather("message", 101).await;
    alices.send(json!({"type": "history", "limit": 5_000})).await;
    let page = alices.expect("history").await;
    assert_eq!(page["messages"].as_array().unwrap().len(), 100);
    assert_eq!(page["has_more"], true);
}
