//! PostgreSQL in place of the files: what they held is brought there, and everything goes on.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{
    postgres::Postgres,
    stage::{Causeway, Client, Seen, Setup, replicas::Replicas},
};

const SOON: Duration = Duration::from_secs(20);

fn text(content: &str) -> Value {
    json!({"type": "message", "content": content})
}

#[tokio::test]
async fn what_the_files_held_is_brought_there_and_goes_on() {
    let Some(server) = Postgres::start() else { return };
    let url = server.database("causeway");
    let mut files = Causeway::start().await;
    let [alice, bob] = files.people(["Alice", "Bob"]).await;
    let path = format!("/ws/group/{}/", files.group([&alice, &bob]).await);
    let mut alices = files.client(&alice, &path).await;
    let mut bobs = files.client_since(&bob, &path, "").await;
    alices.send(text("in the file")).await;
    let seen = bobs.expect("message").await["event_id"].as_str().unwrap().to_owned();
    alices.send(text("unseen")).await;
    alices.gather("message", 2).await;
    drop((alices, bobs));

    let refused = files.run(&["migrate"]).await;
    assert!(String::from_utf8_lossy(&refused.stderr).contains("store.url"), "no PostgreSQL is named");
    files.rewrite(&format!("store.url = {url:?}\n"));
    let refused = files.run(&["migrate"]).await;
    assert!(String::from_utf8_lossy(&refused.stderr).contains("is in use"), "it still runs");
    files.terminate("up");
    files.exit("up").await;
    for _ in 0..2 {
        let brought = files.run_well(&["migrate"]).await;
        assert!(brought.contains("chat") && brought.contains("notification"), "{brought}");
        assert!(brought.trim_end().ends_with("rows are the same on both sides"), "{brought}");
    }

    files.start_again().await;
    let mut bobs = files.client_since(&bob, &path, &seen).await;
    assert_eq!(bobs.expect("message").await["message"]["content"], "unseen");
    let mut alices = files.client(&alice, &path).await;
    alices.send(text("in the database")).await;
    assert_eq!(bobs.expect("message").await["message"]["content"], "in the database");
    let refused = files.run(&["migrate", "--json"]).await;
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("that no transfer has brought, and they would be lost"), "{said}");
}

#[tokio::test]
async fn while_the_database_is_away_senders_hear_so_and_sockets_stay() {
    let Some(mut server) = Postgres::start() else { return };
    let causeway = Setup::default().set("store.url", server.database("causeway")).start().await;
    let [alice, bob] = causeway.people(["Alice", "Bob"]).await;
    let path = format!("/ws/group/{}/", causeway.group([&alice, &bob]).await);
    let mut alices = causeway.client(&alice, &path).await;
    let mut bobs = causeway.client(&bob, &path).await;
    server.stop();
    let asked = Instant::now();
    alices.send(text("meanwhile")).await;
    let refused = alices.expect("error").await;
    assert_eq!(refused["code"], "unavailable", "{refused}");
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    server.resume();
    let until = Instant::now() + SOON;
    loop {
        alices.send(text("after")).await;
        match alices.next(SOON).await {
            Seen::Frame(frame) if frame["type"] == "message" => break,
            Seen::Frame(frame) => assert!(Instant::now() < until, "{frame}"),
            Seen::Closed(code, why) => panic!("closed with {code}: {why}"),
            Seen::Nothing => panic!("no answer"),
        }
    }
    assert_eq!(bobs.expect("message").await["message"]["content"], "after");
}

#[tokio::test]
async fn a_database_that_is_not_there_is_waited_for_with_a_reason_and_then_it_ends() {
    let causeway = Causeway::shared().await;
    let mut command = causeway.command(&["notification", "--listen", "127.0.0.1:0"]);
    command.env("CAUSEWAY_STORE__URL", "postgres://causeway:hunter2@127.0.0.1:1/causeway");
    command.env("CAUSEWAY_STORE__START_TIMEOUT", "1s");
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("waiting for the PostgreSQL database causeway at 127.0.0.1"), "{said}");
    assert!(said.contains("(store.url) cannot be reached: ") && !said.contains("hunter2"), "{said}");
}

/// Sends until it is answered; a message that is sent again has the same key, and is stored once.
async fn say(client: &mut Client, content: &str) {
    let until = Instant::now() + SOON;
    loop {
        client.send(json!({"type": "message", "content": content, "client_message_id": content})).await;
        match client.next(SOON).await {
            Seen::Frame(frame) if frame["message"]["content"] == content => return,
            Seen::Frame(frame) => assert!(Instant::now() < until, "{frame}"),
            Seen::Closed(code, why) => panic!("closed with {code}: {why}"),
            Seen::Nothing => panic!("no answer"),
        }
    }
}

#[tokio::test]
async fn of_two_of_each_service_one_may_die() {
    if !Replicas::are_possible() {
        return;
    }
    let mut causeway = Setup::default().replicas().start().await;
    let [alice, bob] = causeway.people(["Alice", "Bob"]).await;
    let path = format!("/ws/group/{}/", causeway.group([&alice, &bob]).await);
    let mut alices = causeway.client(&alice, &path).await;
    let mut bobs = causeway.client_since(&bob, &path, "").await;
    let mut expected = Vec::new();
    for part in ["chat", "chat-2", "notification", "presence-2"] {
        causeway.kill(part);
        expected.push(format!("without {part}"));
        say(&mut alices, &expected[expected.len() - 1]).await;
        causeway.start_again().await;
        expected.push(format!("with {part}"));
        say(&mut alices, &expected[expected.len() - 1]).await;
    }
    let seen = bobs.gather("message", expected.len()).await;
    let seen: Vec<_> = seen.iter().map(|frame| frame["message"]["content"].as_str().unwrap()).collect();
    assert_eq!(seen, expected);
}
