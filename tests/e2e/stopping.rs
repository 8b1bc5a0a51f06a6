//! Stopping in order, and forced.

use std::time::{Duration, Instant};

use serde_json::json;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus};

use crate::stage::{Causeway, Setup, causeway::UP, eventually, http, setup::PARTS};

#[tokio::test]
async fn on_sigterm_every_socket_is_told_to_come_back() {
    let mut causeway = Setup::default().set("bridge.drain", "1s").start().await;
    let [alice] = causeway.people(["Alice"]).await;
    let id = causeway.group([&alice]).await;
    let mut clients = Vec::new();
    for path in [
        format!("/ws/group/{id}/"),
        format!("/api/v1/ws/chat/{id}"),
        format!("/ws/chat/{id}/"),
        format!("/helpdesk/ws/chat/{id}/"),
        "/ws/chat/".to_owned(),
    ] {
        clients.push(causeway.client(&alice, &path).await);
    }
    causeway.terminate(UP);
    for mut client in clients {
        let reason = client.expect_close(1012).await;
        let wait = reason.strip_prefix("restarting; retry-after-ms=").and_then(|wait| wait.parse().ok());
        assert!(wait.is_some_and(|wait: u64| wait < 2_000), "{reason}");
    }
    assert_eq!(causeway.exit(UP).await.code(), Some(0), "{}", causeway.printed());
}

async fn stops_being_ready(causeway: &Causeway) {
    eventually("it is not ready", async || match http::get(causeway.at.bridge, "/readyz", &[]).await {
        Ok(answer) if answer.status == 200 => false,
        Ok(answer) => answer.status == 503,
        Err(_) => true,
    })
    .await;
}

#[tokio::test]
async fn it_is_not_ready_at_first_and_still_takes_sockets_for_as_long_as_it_is_told_to() {
    let setup = Setup::default().set("bridge.drain", "1s").set("stop.lead", "4s");
    let mut causeway = setup.start().await;
    let [alice, bob] = causeway.people(["Alice", "Bob"]).await;
    let path = format!("/ws/group/{}/", causeway.group([&alice, &bob]).await);
    let mut alices = causeway.client(&alice, &path).await;
    causeway.token(&bob.id).await;
    causeway.terminate(UP);
    let signalled = Instant::now();
    stops_being_ready(&causeway).await;
    let mut bobs = causeway.client(&bob, &path).await;
    bobs.send(json!({"type": "message", "content": "as if nothing were"})).await;
    for client in [&mut alices, &mut bobs] {
        client.expect("message").await;
        client.expect_close(1012).await;
    }
    assert!(signalled.elapsed() >= Duration::from_secs(4), "nobody is closed before that");
    drop((alices, bobs));
    assert_eq!(causeway.exit(UP).await.code(), Some(0));
}

#[tokio::test]
async fn a_service_says_that_it_leaves_and_goes_on_taking_calls() {
    let mut causeway = Setup::default().split().set("stop.lead", "3s").start().await;
    let mut health = causeway.health("chat");
    let mut status = async || {
        let request = HealthCheckRequest { service: "causeway.chat.v1.Chat".into() };
        health.check(request).await.map(|response| response.into_inner().status())
    };
    assert_eq!(status().await.unwrap(), ServingStatus::Serving);
    causeway.terminate("chat");
    eventually("it says no", async || status().await.is_ok_and(|is| is == ServingStatus::NotServing)).await;
    let [alice] = causeway.people(["Alice"]).await;
    causeway.group([&alice]).await;
    assert_eq!(causeway.exit("chat").await.code(), Some(0));
}

#[tokio::test]
async fn at_the_hard_limit_it_ends_and_says_what_was_under_way() {
    let setup =
        Setup::default().set("bridge.drain", "100ms").set("stop.lead", "0s").set("stop.timeout", "1s");
    let mut causeway = setup.start().await;
    let [alice] = causeway.people(["Alice"]).await;
    // Nobody reads it, so that its close frame is not answered.
    let _deaf = causeway.client(&alice, "/ws/chat/").await;
    causeway.terminate(UP);
    let begun = Instant::now();
    assert_eq!(causeway.exit(UP).await.code(), Some(1));
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    let printed = causeway.printed();
    assert!(printed.contains("not over within 1s (stop.timeout); still under way: sockets"), "{printed}");
}

#[tokio::test]
async fn it_is_not_ready_before_it_stops_and_takes_no_new_sockets() {
    let mut causeway = Setup::default().set("bridge.drain", "3s").set("stop.lead", "0s").start().await;
    let [alice, bob] = causeway.people(["Alice", "Bob"]).await;
    let id = causeway.group([&alice, &bob]).await;
    let mut stays = causeway.client(&alice, &format!("/ws/group/{id}/")).await;
    let token = causeway.token(&bob.id).await;
    causeway.terminate(UP);
    stops_being_ready(&causeway).await;
    let path = format!("/ws/group/{id}/?token={token}");
    let opened = http::get(causeway.at.bridge, &path, &[("Upgrade", "websocket")]).await;
    assert!(opened.is_err() || opened.is_ok_and(|answer| answer.status != 101));
    stays.expect_close(1012).await;
    drop(stays);
    assert_eq!(causeway.exit(UP).await.code(), Some(0));
}

#[tokio::test]
async fn what_was_sent_before_the_signal_is_stored() {
    let mut causeway =
        Setup::default().set("bridge.drain", "1s").set("bridge.rate.frames_per_second", 0).start().await;
    let [alice] = causeway.people(["Alice"]).await;
    let path = format!("/ws/group/{}/", causeway.group([&alice]).await);
    let mut alices = causeway.client(&alice, &path).await;
    for number in 0..50 {
        alices.send(json!({"type": "message", "content": number.to_string()})).await;
    }
    alices.gather("message", 20).await;
    causeway.terminate(UP);
    alices.expect_close(1012).await;
    drop(alices);
    causeway.exit(UP).await;
    causeway.start_again().await;
    let mut alices = causeway.client(&alice, &path).await;
    alices.send(json!({"type": "history"})).await;
    let stored = alices.expect("history").await["messages"].as_array().unwrap().len();
    assert!(stored >= 20, "{stored} of 20 echoed messages");
}

#[tokio::test]
async fn a_second_signal_forces() {
    let mut causeway = Setup::default().set("bridge.drain", "30s").start().await;
    let [alice] = causeway.people(["Alice"]).await;
    let _stays = causeway.client(&alice, "/ws/chat/").await;
    causeway.terminate(UP);
    stops_being_ready(&causeway).await;
    causeway.terminate(UP);
    let begun = Instant::now();
    causeway.exit(UP).await;
    assert!(begun.elapsed() < Duration::from_secs(5), "it drains for as long as it likes");
}

#[tokio::test]
async fn each_of_four_processes_stops_in_order() {
    let mut causeway = Setup::default().split().set("bridge.drain", "1s").start().await;
    for part in PARTS.iter().rev() {
        causeway.terminate(part);
        assert_eq!(causeway.exit(part).await.code(), Some(0), "{part}: {}", causeway.printed());
    }
}

#[tokio::test]
async fn a_start_on_what_a_stop_left_goes_on_where_it_was() {
    let mut causeway: Causeway = Setup::default().set("bridge.drain", "200ms").start().await;
    let [alice] = causeway.people(["Alice"]).await;
    let path = format!("/ws/group/{}/", causeway.group([&alice]).await);
    let mut alices = causeway.client_since(&alice, &path, "").await;
    alices.send(json!({"type": "message", "content": "before"})).await;
    let since = alices.expect("message").await["event_id"].as_str().unwrap().to_owned();
    causeway.terminate(UP);
    alices.expect_close(1012).await;
    drop(alices);
    causeway.exit(UP).await;
    causeway.start_again().await;
    let mut alices = causeway.client_since(&alice, &path, &since).await;
    alices.send(json!({"type": "message", "content": "after"})).await;
    assert_eq!(alices.expect("message").await["message"]["content"], "after");
}
