//! Browsers come from where they are expected.

use crate::stage::{Causeway, Setup, with_token};

/// Which of the origins are let in.
async fn let_in<'a>(causeway: &Causeway, origins: &[&'a str]) -> Vec<&'a str> {
    let [alice] = causeway.people(["Alice"]).await;
    let id = causeway.group([&alice]).await;
    let token = causeway.token(&alice.id).await;
    let mut welcome = Vec::new();
    for origin in origins {
        let headers = [("Origin", *origin)];
        let rooms = causeway.knock("rooms", &with_token(&format!("/ws/group/{id}/"), &token), &headers).await;
        let jobs = causeway.knock("jobs", &with_token(&format!("/ws/chat/{id}/"), &token), &headers).await;
        match (rooms, jobs) {
            (Ok(_), Ok(_)) => welcome.push(*origin),
            (Err(rooms), Err(jobs)) => assert_eq!((rooms.status, jobs.status), (403, 403), "{origin}"),
            _ => panic!("{origin} is let in by one dialect and not by the other"),
        }
    }
    welcome
}

#[tokio::test]
async fn only_listed_origins_are_let_in() {
    let causeway = Setup::default()
        .set("bridge.origins", r#"["https://app.example.com"]"#)
        .set("bridge.allow_localhost_origins", false)
        .start()
        .await;
    let welcome = let_in(
        &causeway,
        &[
            "https://app.example.com",
            "http://app.example.com",
            "https://app.example.com:8443",
            "https://app.example.com.evil.test",
            "https://evil-app.example.com",
            "https://example.com",
            "http://localhost:3000",
            "null",
            "file://",
        ],
    )
    .await;
    assert_eq!(welcome, ["https://app.example.com"]);
}

#[tokio::test]
async fn in_development_any_port_of_this_machine_is_let_in() {
    let causeway = Causeway::shared().await;
    let welcome = let_in(
        &causeway,
        &[
            "http://localhost:3000",
            "http://127.0.0.1:5173",
            "https://localhost",
            "http://localhost.evil.test",
            "https://app.example.com",
        ],
    )
    .await;
    assert_eq!(welcome, ["http://localhost:3000", "http://127.0.0.1:5173", "https://localhost"]);
}
