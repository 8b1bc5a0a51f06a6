//! When a service is away, the sockets stay, senders hear so, and everything is caught up with.

use std::time::Duration;

use serde_json::{Value, json};

use crate::stage::{Causeway, Client, Person, STRING, Seen, Setup, eventually, http};

fn text(content: &str) -> Value {
    json!({"type": "message", "content": content})
}

/// Sends under a key until it is taken, as a frontend does that hears `unavailable`.
async fn send_until_taken(client: &mut Client, content: &str) {
    for _ in 0..100 {
        client.send(json!({"type": "message", "content": content, "client_message_id": content})).await;
        loop {
            match client.next(Duration::from_secs(5)).await {
                Seen::Frame(frame) if frame["type"] == "message" => return,
                Seen::Frame(frame) if frame["code"] == "unavailable" => break,
                Seen::Frame(_) => {}
                other => panic!("{other:?}"),
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{content} is never taken");
}

struct Scene {
    causeway: Causeway,
    id: String,
    alice: Person,
    bob: Person,
    alices: Client,
    bobs: Client,
}

async fn scene() -> Scene {
    let causeway = Setup::default().split().start().await;
    let [alice, bob] = causeway.people(["Alice", "Bob"]).await;
    let id = causeway.group([&alice, &bob]).await;
    let path = format!("/ws/group/{id}/");
    let alices = causeway.client(&alice, &path).await;
    let bobs = causeway.client_since(&bob, &path, "").await;
    Scene { causeway, id, alice, bob, alices, bobs }
}

#[tokio::test]
async fn without_chat_sockets_stay_and_sends_are_unavailable() {
    let Scene { mut causeway, id, alice, bob, mut alices, mut bobs } = scene().await;
    let mut envelope = causeway.client(&alice, &format!("/api/v1/ws/chat/{id}")).await;
    let mut jobs = causeway.client(&alice, &format!("/ws/chat/{id}/")).await;
    let mut helpdesk = causeway.client(&alice, &format!("/helpdesk/ws/chat/{id}/")).await;
    let mut campus = causeway.client(&alice, "/ws/chat/").await;
    helpdesk.expect("recent_messages").await;
    alices.send(text("before")).await;
    bobs.expect("message").await;
    alices.expect("message").await;
    // Commands are carried out in order: once this one is, the answer to the one before has come, too.
    alices.send(json!({"type": "history"})).await;
    alices.expect("history").await;
    causeway.kill("chat");

    alices.send(text("meanwhile")).await;
    alices.expect_exact(json!({"type": "error", "code": "unavailable", "message": STRING})).await;
    envelope.gather("new_message", 1).await;
    envelope.send(json!({"type": "send_message", "data": {"content": "a", "message_type": "text"}})).await;
    assert_eq!(envelope.expect("error").await["data"]["code"], "unavailable");
    jobs.gather("chat_message", 1).await;
    jobs.send(json!({"type": "chat_message", "message": "a"})).await;
    assert_eq!(jobs.expect("error").await["code"], "unavailable");
    helpdesk.gather("chat_message", 1).await;
    helpdesk.send(json!({"type": "chat_message", "content": "a"})).await;
    helpdesk.expect_exact(json!({"error": STRING, "code": "unavailable"})).await;
    campus.send(json!({"receiver_id": bob.number(), "message": "a"})).await;
    let sorry = json!({"type": "error", "error": "An error occurred while processing your message"});
    campus.expect_exact(sorry).await;
    alices.send(json!({"type": "ping"})).await;
    alices.expect("pong").await;

    causeway.start_again().await;
    send_until_taken(&mut alices, "afterwards").await;
    assert_eq!(bobs.expect("message").await["message"]["content"], "afterwards", "and nothing else");
    assert!(jobs.gather("chat_message", 1).await[0].to_string().contains("afterwards"));
}

#[tokio::test]
async fn what_happened_while_the_bridge_could_not_hear_is_caught_up_with() {
    let Scene { mut causeway, id, alice, mut alices, mut bobs, .. } = scene().await;
    for round in 0..5 {
        causeway.kill("chat");
        causeway.start_again_without_waiting("chat");
        let mut expected = Vec::new();
        for number in 0..20 {
            let content = format!("{round}/{number}");
            let request = causeway_proto::chat::SendMessageRequest {
                conversation_id: id.clone(),
                sender_id: alice.id.clone(),
                content: content.clone(),
                client_message_id: content.clone(),
                ..Default::default()
            };
            eventually("chat takes the message", async || {
                causeway.chat().send_message(request.clone()).await.is_ok()
            })
            .await;
            expected.push(content);
        }
        for client in [&mut alices, &mut bobs] {
            let frames = client.gather("message", 20).await;
            let contents: Vec<_> = frames.iter().map(|frame| frame["message"]["content"].clone()).collect();
            assert_eq!(contents, expected);
        }
    }
}

#[tokio::test]
async fn the_bridge_is_not_ready_without_chat_and_names_it() {
    let Scene { mut causeway, .. } = scene().await;
    causeway.kill("chat");
    let bridge = causeway.at.bridge;
    eventually("the bridge is not ready", async || {
        http::get(bridge, "/readyz", &[])
            .await
            .is_ok_and(|answer| answer.status == 503 && answer.body.contains("chat"))
    })
    .await;
    assert_eq!(causeway.get("/healthz", &[]).await.status, 200, "it lives all the same");
    causeway.start_again().await;
}

#[tokio::test]
async fn without_notification_and_presence_messages_still_travel() {
    let Scene { mut causeway, bob, mut alices, mut bobs, .. } = scene().await;
    let mut notices = causeway.client(&bob, &format!("/ws/notifications/{}/", bob.id)).await;
    causeway.kill("notification");
    causeway.kill("presence");
    alices.send(text("still here")).await;
    bobs.expect("message").await;
    alices.expect("message").await;
    notices.send(json!({"type": "get_notifications"})).await;
    assert_eq!(notices.expect("error").await["code"], "unavailable");

    causeway.start_again().await;
    causeway.notify(&bob, "back").await;
    while notices.expect("notification").await["notification"]["title"] != "back" {}
    alices.send(json!({"type": "typing", "is_typing": true})).await;
    bobs.expect("typing").await;
}

#[tokio::test]
async fn a_bridge_that_dies_loses_nothing_for_who_comes_back() {
    let Scene { mut causeway, id, bob, mut alices, mut bobs, .. } = scene().await;
    alices.send(text("seen")).await;
    let since = bobs.expect("message").await["event_id"].as_str().unwrap().to_owned();
    alices.send(text("missed")).await;
    alices.gather("message", 2).await;
    causeway.kill("bridge");
    causeway.start_again().await;
    let mut bobs = causeway.client_since(&bob, &format!("/ws/group/{id}/"), &since).await;
    assert_eq!(bobs.expect("message").await["message"]["content"], "missed");
}

#[tokio::test]
async fn an_absent_participant_is_notified_once_notification_is_back() {
    let Scene { mut causeway, bob, mut alices, bobs, .. } = scene().await;
    bobs.leave().await;
    causeway.kill("notification");
    alices.send(text("are you there?")).await;
    alices.expect("message").await;
    causeway.start_again().await;
    let mut notices = causeway.client(&bob, &format!("/ws/notifications/{}/", bob.id)).await;
    eventually("the notification is there", async || {
        notices.send(json!({"type": "get_notifications"})).await;
        notices.gather("notifications", 1).await[0]["unread_count"] == 1
    })
    .await;
}
