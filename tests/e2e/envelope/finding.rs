//! History, threads, search and status: what only the asker gets.

use serde_json::{Value, json};

use super::{frame, message, text};
use crate::stage::{Client, Pair, Person};

const CHAT: &str = "/api/v1/ws/chat/{id}";

/// Says the lines and returns the messages' ids.
async fn say(client: &mut Client, lines: &[&str]) -> Vec<Value> {
    for line in lines {
        client.send(text(line)).await;
    }
    let frames = client.gather("new_message", lines.len()).await;
    frames.into_iter().map(|frame| frame["data"]["id"].clone()).collect()
}

fn messages(chat: &str, sender: &Person, lines: &[&str]) -> Vec<Value> {
    lines.iter().map(|line| message(chat, sender, line)).collect()
}

#[tokio::test]
async fn history_is_read_in_pages_from_the_end() {
    let Pair { id, alice, mut alices, mut bobs, .. } = Pair::on(CHAT).await;
    let ids = say(&mut alices, &["one", "two", "three"]).await;
    bobs.gather("new_message", 3).await;
    bobs.send(frame("get_history", json!({"limit": 2}))).await;
    let data = json!({"messages": messages(&id, &alice, &["two", "three"]), "has_more": true});
    bobs.expect_exact(frame("history", data)).await;
    bobs.send(frame("get_history", json!({"limit": 2, "before": ids[1]}))).await;
    let data = json!({"messages": messages(&id, &alice, &["one"]), "has_more": false});
    bobs.expect_exact(frame("history", data)).await;
}

#[tokio::test]
async fn a_thread_is_a_message_and_its_answers() {
    let Pair { id, alice, bob, mut alices, mut bobs, .. } = Pair::on(CHAT).await;
    let parent = say(&mut alices, &["question", "aside"]).await[0].clone();
    bobs.gather("new_message", 2).await;
    for content in ["answer", "better answer"] {
        let data = json!({"content": content, "message_type": "text", "parent_message_id": parent});
        bobs.send(frame("send_message", data)).await;
        bobs.expect("new_message").await;
    }
    alices.gather("new_message", 2).await;
    alices.send(frame("get_thread", json!({"message_id": parent}))).await;
    let mut replies = messages(&id, &bob, &["answer", "better answer"]);
    for reply in &mut replies {
        reply["parent_message_id"] = parent.clone();
    }
    let data = json!({"parent": message(&id, &alice, "question"), "replies": replies});
    alices.expect_exact(frame("thread", data)).await;
}

#[tokio::test]
async fn search_finds_words_in_this_chat_only() {
    let Pair { causeway, id, alice, mut alices, mut bobs, .. } = Pair::on(CHAT).await;
    let elsewhere = causeway.group([&alice]).await;
    let mut there = causeway.client(&alice, &format!("/api/v1/ws/chat/{elsewhere}")).await;
    say(&mut there, &["an umbrella elsewhere"]).await;
    let lines = ["my umbrella", "no match", "umbrella umbrella umbrella", "\"quoted\" OR (NEAR"];
    let ids = say(&mut alices, &lines).await;
    bobs.gather("new_message", 4).await;

    bobs.send(frame("search_messages", json!({"query": "umbrella"}))).await;
    let found = bobs.expect("search_results").await;
    assert_eq!(found["data"]["query"], "umbrella");
    let contents: Vec<_> =
        found["data"]["messages"].as_array().unwrap().iter().map(|found| &found["content"]).collect();
    assert_eq!(contents.len(), 2, "{found}");
    assert!(contents.contains(&&json!("my umbrella")) && contents.contains(&&json!(lines[2])));

    bobs.send(frame("search_messages", json!({"query": "umbrella", "limit": 1}))).await;
    assert_eq!(bobs.expect("search_results").await["data"]["messages"].as_array().unwrap().len(), 1);

    bobs.send(frame("search_messages", json!({"query": "\"quoted\" OR (NEAR"}))).await;
    let data = json!({"query": lines[3], "messages": [message(&id, &alice, lines[3])]});
    bobs.expect_exact(frame("search_results", data)).await;

    alices.send(frame("delete_message", json!({"message_id": ids[0]}))).await;
    bobs.expect("message_deleted").await;
    alices.send(frame("edit_message", json!({"message_id": ids[2], "content": "rain"}))).await;
    bobs.expect("message_edited").await;
    bobs.send(frame("search_messages", json!({"query": "umbrella"}))).await;
    bobs.expect_exact(frame("search_results", json!({"query": "umbrella", "messages": []}))).await;
}

#[tokio::test]
async fn the_status_says_whom_a_message_reached() {
    let Pair { causeway, bob, mut alices, mut bobs, .. } = Pair::on(CHAT).await;
    let sent = say(&mut alices, &["did you get this?"]).await[0].clone();
    bobs.expect("new_message").await;
    alices.expect("message_delivered").await;
    alices.send(frame("message_status", json!({"message_id": sent}))).await;
    let mut data =
        json!({"message_id": sent, "status": "delivered", "delivered_to": [bob.uuid()], "read_by": []});
    alices.expect_exact(frame("message_status", data.clone())).await;

    bobs.send(frame("read_receipt", json!({"message_id": sent}))).await;
    alices.expect("read_receipt").await;
    alices.send(frame("message_status", json!({"message_id": sent}))).await;
    data["status"] = json!("read");
    data["read_by"] = json!([bob.uuid()]);
    alices.expect_exact(frame("message_status", data)).await;

    let [carol] = causeway.people(["Carol"]).await;
    let alone = causeway.group([&carol]).await;
    let mut carols = causeway.client(&carol, &format!("/api/v1/ws/chat/{alone}")).await;
    let sent = say(&mut carols, &["anybody here?"]).await[0].clone();
    carols.send(frame("message_status", json!({"message_id": sent}))).await;
    let data = json!({"message_id": sent, "status": "sent", "delivered_to": [], "read_by": []});
    carols.expect_exact(frame("message_status", data)).await;
}
