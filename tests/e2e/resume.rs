//! Coming back with `since`: nothing lost, nothing twice, and told when history is gone.

use std::time::Duration;

use serde_json::{Value, json};

use crate::stage::{Causeway, Client, Pair, Person, STRING, Seen, causeway::Guest, client::PATIENCE};

const GROUP: &str = "/ws/group/{id}/";

fn text(content: impl ToString) -> Value {
    json!({"type": "message", "content": content.to_string()})
}

fn event_id(frame: &Value) -> String {
    frame["event_id"].as_str().unwrap_or_else(|| panic!("no event id: {frame}")).to_owned()
}

fn contents(frames: &[Value]) -> Vec<&str> {
    frames.iter().map(|frame| frame["message"]["content"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn without_since_no_frame_has_an_event_id() {
    let Pair { mut alices, mut bobs, .. } = Pair::on(GROUP).await;
    alices.send(text("plain")).await;
    assert_eq!(bobs.expect("message").await.get("event_id"), None);
}

#[tokio::test]
async fn whoever_comes_back_gets_what_was_missed_and_then_goes_on() {
    let Pair { causeway, id, bob, mut alices, .. } = Pair::on(GROUP).await;
    let path = format!("/ws/group/{id}/");
    let mut bobs = causeway.client_since(&bob, &path, "").await;
    alices.send(text("seen")).await;
    let last = event_id(&bobs.expect("message").await);
    bobs.leave().await;

    let message_id = alices.expect("message").await["message"]["id"].clone();
    alices.send(text("missed")).await;
    alices.send(json!({"type": "edit", "message_id": message_id, "content": "edited"})).await;
    alices
        .send(json!({"type": "reaction", "message_id": message_id, "reaction": "like", "action": "add"}))
        .await;
    alices.send(json!({"type": "delete", "message_id": message_id})).await;
    alices.gather("message", 3).await;

    let mut bobs = causeway.client_since(&bob, &path, &last).await;
    alices.send(text("live")).await;
    let kinds = ["message", "message", "reaction", "message", "message"];
    let mut frames = Vec::new();
    for kind in kinds {
        let frame = bobs.expect(kind).await;
        event_id(&frame);
        frames.push(frame);
    }
    assert_eq!(frames[0]["message"]["content"], "missed");
    assert_eq!(frames[1]["event"], "message_edited");
    assert_eq!(frames[3]["event"], "message_deleted");
    assert_eq!(frames[4]["message"]["content"], "live");
}

#[tokio::test]
async fn passing_frames_have_no_event_id() {
    let Pair { causeway, id, bob, mut alices, .. } = Pair::on(GROUP).await;
    let mut bobs = causeway.client_since(&bob, &format!("/ws/group/{id}/"), "").await;
    alices.send(json!({"type": "typing", "is_typing": true})).await;
    assert_eq!(bobs.expect("typing").await.get("event_id"), None);
    bobs.send(json!({"type": "ping"})).await;
    bobs.expect_exact(json!({"type": "pong"})).await;
}

#[tokio::test]
async fn at_the_seam_nothing_is_lost_and_nothing_comes_twice() {
    let Pair { causeway, id, bob, alices, .. } = Pair::on(GROUP).await;
    let path = format!("/ws/group/{id}/");
    let count = 160;
    let writer = tokio::spawn(write_slowly(alices, count));
    let mut since = String::new();
    let mut read: Vec<String> = Vec::new();
    let mut stay = 1;
    while read.last().is_none_or(|last| *last != (count - 1).to_string()) {
        let mut bobs = causeway.client_since(&bob, &path, &since).await;
        for _ in 0..stay {
            let Seen::Frame(frame) = bobs.next(PATIENCE).await else { panic!("nothing after {read:?}") };
            if frame["type"] == "message" {
                since = event_id(&frame);
                read.push(frame["message"]["content"].as_str().unwrap().to_owned());
            }
        }
        stay = stay % 7 + 2;
    }
    writer.await.unwrap();
    let first: usize = read[0].parse().unwrap();
    let expected: Vec<_> = (first..count).map(|number| number.to_string()).collect();
    assert_eq!(read, expected);
}

/// Not faster than the limit on frames allows.
async fn write_slowly(mut client: Client, count: usize) {
    for number in 0..count {
        client.send(text(number)).await;
        tokio::time::sleep(Duration::from_millis(if number < 30 { 1 } else { 52 })).await;
    }
    client.gather("message", count).await;
}

#[tokio::test]
async fn an_event_id_of_one_dialect_serves_in_another() {
    let Pair { causeway, id, bob, mut alices, .. } = Pair::on(GROUP).await;
    let mut bobs = causeway.client_since(&bob, &format!("/ws/group/{id}/"), "").await;
    alices.send(text("one")).await;
    let last = event_id(&bobs.expect("message").await);
    alices.send(text("two")).await;
    alices.gather("message", 2).await;
    for (path, kind) in [
        (format!("/api/v1/ws/chat/{id}"), "new_message"),
        (format!("/ws/chat/{id}/"), "chat_message"),
        (format!("/rooms/ws/group/{id}/"), "message"),
    ] {
        let mut client = causeway.client_since(&bob, &path, &last).await;
        let frame = client.expect(kind).await;
        assert!(frame.to_string().contains("\"two\""), "{frame}");
        event_id(&frame);
    }
}

/// Bob comes with an event id that must not be taken; he is told so, and lives on.
async fn history_is_lost(pair: &mut Pair, since: &str) {
    let path = format!("/ws/group/{}/", pair.id);
    let mut bobs = pair.causeway.client_since(&pair.bob, &path, since).await;
    bobs.expect_exact(json!({"type": "error", "code": "history_lost", "message": STRING})).await;
    pair.alices.send(text(format!("after {since}"))).await;
    let mut frame = bobs.expect("message").await;
    // Through another bridge, what was said just before he came may still be on its way.
    while frame["message"]["content"] != format!("after {since}") {
        frame = bobs.expect("message").await;
    }
    event_id(&frame);
}

#[tokio::test]
async fn an_event_id_that_nobody_gave_out_is_history_lost() {
    let mut pair = Pair::on(GROUP).await;
    let path = format!("/ws/group/{}/", pair.id);
    let mut bobs = pair.causeway.client_since(&pair.bob, &path, "").await;
    pair.alices.send(text("first")).await;
    let good = event_id(&bobs.expect("message").await);

    let elsewhere = pair.causeway.group([&pair.bob]).await;
    let mut there = pair.causeway.client_since(&pair.bob, &format!("/ws/group/{elsewhere}/"), "").await;
    there.send(text("elsewhere")).await;
    let foreign = event_id(&there.expect("message").await);

    let mut flipped = good.clone().into_bytes();
    let last = flipped.last_mut().unwrap();
    *last = if *last == b'A' { b'B' } else { b'A' };
    let flipped = String::from_utf8(flipped).unwrap();
    for since in ["1", "nonsense", "%00", "99999999999999999999", &good[..good.len() / 2], &flipped, &foreign]
    {
        history_is_lost(&mut pair, since).await;
    }
    let forgery = "x".repeat(3_000);
    history_is_lost(&mut pair, &forgery[..200]).await;
}

#[tokio::test]
async fn an_event_id_of_a_future_that_never_was_is_history_lost() {
    let [mut longer, mut shorter] = [Causeway::start().await, Causeway::start().await];
    let mut since = String::new();
    for (causeway, messages) in [(&mut longer, 5), (&mut shorter, 2)] {
        causeway.run_well(&["user", "put", "1"]).await;
        let create = ["conversation", "create", "--kind", "group", "--id", "7", "--participant", "1"];
        causeway.run_well(&create).await;
        let alice = Person { id: "1".into(), first_name: "Alice".into() };
        let mut alices = causeway.client_since(&alice, "/ws/group/7/", &since).await;
        if !since.is_empty() {
            alices.expect_exact(json!({"type": "error", "code": "history_lost", "message": STRING})).await;
        }
        for number in 0..messages {
            alices.send(text(number)).await;
            since = event_id(&alices.expect("message").await);
        }
    }
}

async fn personal_scene() -> (Guest, [Person; 2]) {
    let causeway = Causeway::shared().await;
    let people = causeway.people(["Alice", "Bob"]).await;
    (causeway, people)
}

#[tokio::test]
async fn direct_messages_and_notices_are_caught_up_with_too() {
    let (causeway, [alice, bob]) = personal_scene().await;
    let mut alices = causeway.client(&alice, "/ws/chat/").await;
    let mut bobs = causeway.client_since(&bob, "/ws/chat/", "").await;
    let mut notices = causeway.client_since(&bob, "/ws/notifications/", "").await;
    alices.send(json!({"receiver_id": bob.number(), "message": "seen"})).await;
    let last = event_id(&bobs.expect("chat_message").await);
    causeway.notify(&bob, "seen").await;
    let mut last_notice = String::new();
    while last_notice.is_empty() {
        let notice = notices.expect("notify").await;
        if notice["title"] == "seen" {
            last_notice = event_id(&notice);
        }
    }
    bobs.leave().await;
    notices.leave().await;
    alices.expect("message_sent").await;
    alices.send(json!({"receiver_id": bob.number(), "message": "missed"})).await;
    alices.expect("message_sent").await;
    causeway.notify(&bob, "missed").await;

    let mut bobs = causeway.client_since(&bob, "/ws/chat/", &last).await;
    assert_eq!(bobs.expect("chat_message").await["message"], "missed");
    let mut notices = causeway.client_since(&bob, "/ws/notifications/", &last_notice).await;
    let mut titles = Vec::new();
    while titles.last().is_none_or(|title| title != "missed") {
        titles.push(notices.expect("notify").await["title"].as_str().unwrap().to_owned());
    }
    assert!(!titles.contains(&"seen".to_owned()), "{titles:?}");
}

#[tokio::test]
async fn many_missed_messages_come_in_order() {
    let Pair { causeway, id, alice, bob, mut alices, .. } = Pair::on(GROUP).await;
    let path = format!("/ws/group/{id}/");
    let mut bobs = causeway.client_since(&bob, &path, "").await;
    alices.send(text("start")).await;
    let last = event_id(&bobs.expect("message").await);
    bobs.leave().await;
    for round in 0..6 {
        let messages = (0..200).map(|number| causeway_proto::chat::SendMessageRequest {
            conversation_id: id.clone(),
            sender_id: alice.id.clone(),
            content: (round * 200 + number).to_string(),
            ..Default::default()
        });
        let request = causeway_proto::chat::SendMessagesRequest { messages: messages.collect() };
        causeway.chat().send_messages(request).await.unwrap();
    }
    let mut bobs = causeway.client_since(&bob, &path, &last).await;
    let frames = bobs.gather("message", 1_200).await;
    let expected: Vec<_> = (0..1_200).map(|number| number.to_string()).collect();
    assert_eq!(contents(&frames), expected);
}
