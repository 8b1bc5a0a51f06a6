//! What operators look at.

use serde_json::json;

use crate::stage::{Causeway, Pair, Setup, http};

#[tokio::test]
async fn health_and_readiness_are_told_over_http() {
    let causeway = Causeway::shared().await;
    assert_eq!(causeway.get("/healthz", &[]).await.status, 200);
    let ready = causeway.get("/readyz", &[]).await;
    assert_eq!(ready.status, 200, "{ready:?}");
}

#[tokio::test]
async fn metrics_are_on_the_admin_listener_only() {
    let Pair { causeway, mut alices, .. } = Pair::on("/ws/group/{id}/").await;
    alices.send(json!({"type": "message", "content": "count me"})).await;
    alices.expect("message").await;
    let metrics = causeway.metrics().await;
    let told: Vec<_> = metrics.lines().filter(|line| line.starts_with("# HELP")).collect();
    for about in ["connections", "frames_in", "frames_out", "call_seconds", "waiting", "events"] {
        assert!(told.iter().any(|line| line.contains(about)), "nothing about {about} in {told:#?}");
    }
    assert!(metrics.lines().any(|line| line.contains("frames") && line.contains("rooms")), "{told:#?}");
    assert!(metrics.ends_with("# EOF\n"), "it is cut off");
    assert_eq!(causeway.get("/metrics", &[]).await.status, 404, "not on the public listener");
}

#[tokio::test]
async fn logs_can_be_json() {
    let causeway = Setup::default().set("log.format", "json").set("log.level", "info").start().await;
    let is_entry = |line: &&str| line.starts_with('{');
    crate::stage::eventually("an entry is printed", async || {
        causeway.printed().lines().any(|line| is_entry(&line))
    })
    .await;
    for line in causeway.printed().lines().filter(is_entry) {
        let entry: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(entry["level"].is_string() && entry["timestamp"].is_string(), "{line}");
    }
}

#[tokio::test]
async fn the_admin_listener_says_that_it_lives() {
    let causeway = Causeway::shared().await;
    let answer = http::get(causeway.at.admin, "/healthz", &[]).await.unwrap();
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn the_admin_listener_of_services_says_whether_they_are_ready() {
    let causeway = Setup::default().start().await;
    let status = async || http::get(causeway.at.admin, "/readyz", &[]).await.map(|answer| answer.status);
    assert_eq!(status().await.ok(), Some(200));
    causeway.terminate(crate::stage::causeway::UP);
    crate::stage::eventually("it is not ready, or gone", async || status().await.ok() != Some(200)).await;
}
