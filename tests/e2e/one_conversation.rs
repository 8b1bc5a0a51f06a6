//! One conversation through several dialects at once: everybody sees the same, in the own shape.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::stage::{Causeway, Client, Person, Setup};

/// Messages that each sender sends.
const EACH: usize = 25;

/// How one dialect is spoken on a conversation: its path, how a text is sent, and where it stands in what arrives.
struct Speech {
    path: fn(&str) -> String,
    send: fn(&str) -> Value,
    kind: &'static str,
    content: fn(&Value) -> &Value,
}

const SPEECHES: [Speech; 4] = [
    Speech {
        path: |id| format!("/ws/group/{id}/"),
        send: |text| json!({"type": "message", "content": text}),
        kind: "message",
        content: |frame| &frame["message"]["content"],
    },
    Speech {
        path: |id| format!("/api/v1/ws/chat/{id}"),
        send: |text| json!({"type": "send_message", "data": {"content": text, "message_type": "text"}}),
        kind: "new_message",
        content: |frame| &frame["data"]["content"],
    },
    Speech {
        path: |id| format!("/ws/chat/{id}/"),
        send: |text| json!({"type": "chat_message", "message": text}),
        kind: "chat_message",
        content: |frame| &frame["message"]["content"],
    },
    Speech {
        path: |id| format!("/helpdesk/ws/chat/{id}/"),
        send: |text| json!({"type": "chat_message", "content": text}),
        kind: "chat_message",
        content: |frame| &frame["message"]["content"],
    },
];

/// Four people write at once, each in a dialect of their own; returns what each of them read.
async fn everybody_writes(causeway: &Causeway) -> Vec<Vec<String>> {
    let people = causeway.people(["Ann", "Ben", "Cay", "Dan"]).await;
    let id = causeway.group(&people).await;
    let mut readers = Vec::new();
    for (person, speech) in people.iter().zip(&SPEECHES) {
        let client = causeway.client(person, &(speech.path)(&id)).await;
        readers.push(write_and_read(client, person.clone(), speech));
    }
    join_all(readers).await
}

async fn write_and_read(mut client: Client, person: Person, speech: &Speech) -> Vec<String> {
    for number in 0..EACH {
        client.send((speech.send)(&format!("{} {number}", person.first_name))).await;
    }
    let frames = client.gather(speech.kind, EACH * SPEECHES.len()).await;
    frames.iter().map(|frame| (speech.content)(frame).as_str().unwrap().to_owned()).collect()
}

fn check(read: &[Vec<String>]) {
    for other in &read[1..] {
        assert_eq!(&read[0], other, "two readers saw different orders");
    }
    for name in ["Ann", "Ben", "Cay", "Dan"] {
        let own: Vec<_> = read[0].iter().filter(|text| text.starts_with(name)).collect();
        let expected: Vec<_> = (0..EACH).map(|number| format!("{name} {number}")).collect();
        assert_eq!(own, expected.iter().collect::<Vec<_>>(), "a sender's messages out of order");
    }
}

#[tokio::test]
async fn four_dialects_see_the_same_order() {
    check(&everybody_writes(&*Causeway::shared().await).await);
}

#[tokio::test]
async fn four_dialects_over_four_processes_see_the_same_order() {
    check(&everybody_writes(&Setup::default().split().start().await).await);
}

#[tokio::test]
async fn what_one_dialect_does_the_others_show() {
    let causeway = Causeway::shared().await;
    let people = causeway.people(["Ann", "Ben", "Cay"]).await;
    let id = causeway.group(&people).await;
    let mut rooms = causeway.client(&people[0], &(SPEECHES[0].path)(&id)).await;
    let mut envelope = causeway.client(&people[1], &(SPEECHES[1].path)(&id)).await;
    let mut jobs = causeway.client(&people[2], &(SPEECHES[2].path)(&id)).await;

    rooms.send(json!({"type": "message", "content": "teh", "media_url": "https://example.com/a.png"})).await;
    let in_rooms = rooms.expect("message").await["message"].clone();
    let in_envelope = envelope.expect("new_message").await["data"].clone();
    let in_jobs = jobs.expect("chat_message").await["message"].clone();
    assert_eq!(in_jobs["id"].to_string(), in_rooms["id"].as_str().unwrap());
    assert_eq!(in_envelope["attachments"][0]["url"], in_rooms["media_url"]);
    assert_eq!(in_jobs["attachments"][0]["url"], in_rooms["media_url"]);
    let in_z = in_rooms["timestamp"].as_str().unwrap().replace("+00:00", "Z");
    assert_eq!((&in_jobs["timestamp"], &in_envelope["created_at"]), (&json!(in_z), &json!(in_z)));

    envelope.send(json!({"type": "read_receipt", "data": {"message_id": in_envelope["id"]}})).await;
    assert_eq!(rooms.expect("read_receipt").await["message_id"], in_rooms["id"]);
    assert_eq!(jobs.expect("message_read").await["message_id"], in_jobs["id"]);
    envelope.expect("read_receipt").await;

    jobs.send(json!({"type": "reaction", "message_id": in_jobs["id"], "reaction": "like", "action": "add"}))
        .await;
    assert_eq!(rooms.expect("reaction").await["reaction"], "like");
    assert_eq!(envelope.expect("reaction_added").await["data"]["message_id"], in_envelope["id"]);
    jobs.expect("message_reaction").await;

    rooms.send(json!({"type": "edit", "message_id": in_rooms["id"], "content": "the"})).await;
    assert_eq!(envelope.expect("message_edited").await["data"]["content"], "the");
    assert_eq!(jobs.expect("message_edited").await["message"]["content"], "the");
    rooms.expect("message").await;
    rooms.send(json!({"type": "delete", "message_id": in_rooms["id"]})).await;
    assert_eq!(envelope.expect("message_deleted").await["data"]["id"], in_envelope["id"]);
    assert_eq!(jobs.expect("message_deleted").await["message_id"], in_jobs["id"]);
}

#[tokio::test]
async fn a_key_that_many_sockets_send_at_once_makes_one_message() {
    let causeway = Causeway::shared().await;
    let [ann, ben] = causeway.people(["Ann", "Ben"]).await;
    let path = (SPEECHES[0].path)(&causeway.group([&ann, &ben]).await);
    let mut bens = causeway.client(&ben, &path).await;
    let mut anns = Vec::new();
    for _ in 0..10 {
        anns.push(causeway.client(&ann, &path).await);
    }
    let frame = json!({"type": "message", "content": "once", "client_message_id": "key"});
    join_all(anns.iter_mut().map(|client| client.send(frame.clone()))).await;
    let first = bens.expect("message").await;
    for client in &mut anns {
        assert_eq!(client.expect("message").await, first);
    }
    bens.silence().await;
}
