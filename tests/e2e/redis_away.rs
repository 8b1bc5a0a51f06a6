//! Redis is speed: with it all goes on as without it, and goes on when it dies, hangs, forgets, and comes back.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    redis::Redis,
    stage::{Causeway, Client, Setup, eventually, http},
};

async fn on(redis: &Redis) -> Causeway {
    Setup::default().split().set("redis.url", redis.url()).start().await
}

/// Says something, and waits until both have seen it.
async fn say(content: &str, from: &mut Client, to: &mut Client) {
    from.send(json!({"type": "message", "content": content})).await;
    for client in [from, to] {
        let seen = client.expect("message").await;
        assert_eq!(seen["message"]["content"], content);
    }
}

#[tokio::test]
async fn people_talk_on_while_redis_dies_hangs_forgets_and_comes_back() {
    let Some(mut redis) = Redis::start() else { return };
    let causeway = on(&redis).await;
    let [alice, bob] = causeway.people(["Alice", "Bob"]).await;
    let path = format!("/ws/group/{}/", causeway.group([&alice, &bob]).await);
    let mut alices = causeway.client(&alice, &path).await;
    let mut bobs = causeway.client(&bob, &path).await;
    say("with it", &mut alices, &mut bobs).await;
    redis.kill();
    say("it is dead", &mut bobs, &mut alices).await;
    redis.resume();
    say("it is back", &mut alices, &mut bobs).await;
    redis.flush();
    say("it is empty", &mut bobs, &mut alices).await;
    redis.pause();
    say("it hangs", &mut alices, &mut bobs).await;
    redis.unpause();
    say("it goes on", &mut bobs, &mut alices).await;
}

#[tokio::test]
async fn what_goes_over_redis_is_counted() {
    let Some(redis) = Redis::start() else { return };
    let causeway = Setup::default().set("redis.url", redis.url()).start().await;
    let [alice, bob] = causeway.people(["Alice", "Bob"]).await;
    let path = format!("/ws/group/{}/", causeway.group([&alice, &bob]).await);
    let mut alices = causeway.client(&alice, &path).await;
    let mut bobs = causeway.client(&bob, &path).await;
    say("counted", &mut alices, &mut bobs).await;
    eventually("what was published came back, and is for nobody else", async || {
        let metrics = http::get(causeway.at.admin, "/metrics", &[]).await.unwrap().body;
        let value = |name: &str| {
            let line =
                metrics.lines().find_map(|line| line.strip_prefix("causeway_bus_")?.strip_prefix(name));
            line.and_then(|value| value.trim().parse::<u64>().ok())
                .unwrap_or_else(|| panic!("no {name}: {metrics}"))
        };
        value("well") == 1
            && value("published_total") > 0
            && value("received_total{what=\"echo\"}") > 0
            && value("received_total{what=\"unwanted\"}") == 0
    })
    .await;
}

#[tokio::test]
async fn a_redis_that_is_not_there_is_waited_for_and_then_named() {
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let started = Instant::now();
    let output = Command::new(env!("CARGO_BIN_EXE_causeway"))
        .args(["presence", "--listen", "127.0.0.1:0"])
        .env("CAUSEWAY_DATA_DIR", home.path().join("data"))
        .env("CAUSEWAY_REDIS__URL", "redis://:hunter2@127.0.0.1:1/")
        .env("CAUSEWAY_REDIS__START_TIMEOUT", "1s")
        .current_dir(home.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(started.elapsed() >= Duration::from_secs(1));
    let said = String::from_utf8_lossy(&output.stderr);
    for part in ["waiting for Redis", "redis.url", "redis://127.0.0.1:1", "refused"] {
        assert!(said.contains(part), "no {part} in {said}");
    }
    assert!(!said.contains("hunter2"), "{said}");
}
