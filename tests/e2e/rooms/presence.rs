//! Who is online.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::stage::{Causeway, Pair, Seen, TIME_OFFSET};

#[tokio::test]
async fn coming_and_going_is_shown_to_the_others() {
    let Pair { bob, mut alices, bobs, .. } = Pair::on("/ws/group/{id}/").await;
    let presence = |status: &str| {
        json!({"type": "presence", "user_id": bob.id, "user_name": bob.name(), "status": status,
            "last_seen": TIME_OFFSET})
    };
    alices.expect_exact(presence("online")).await;
    bobs.leave().await;
    let left = Instant::now();
    alices.expect_exact(presence("offline")).await;
    let after = left.elapsed().as_secs_f64();
    assert!((4.0..8.0).contains(&after), "offline after {after} s");
}

#[tokio::test]
async fn whoever_connects_learns_who_is_online() {
    let Pair { alice, mut bobs, .. } = Pair::on("/ws/group/{id}/").await;
    let expected = json!({"type": "presence", "user_id": alice.id, "user_name": alice.name(),
        "status": "online", "last_seen": TIME_OFFSET});
    bobs.expect_exact(expected).await;
}

#[tokio::test]
async fn a_page_that_is_loaded_again_does_not_flicker() {
    let Pair { causeway, id, bob, mut alices, bobs, .. } = Pair::on("/ws/group/{id}/").await;
    bobs.leave().await;
    let _bobs = causeway.client(&bob, &format!("/ws/group/{id}/")).await;
    let end = Instant::now() + Duration::from_secs(7);
    while let Seen::Frame(frame) = alices.next(end.saturating_duration_since(Instant::now())).await {
        let offline = frame["user_id"] == bob.id.as_str() && frame["status"] == "offline";
        assert!(!offline, "Bob is offline though he has a socket");
    }
}

#[tokio::test]
async fn in_a_large_room_nobody_is_told_who_is_online() {
    let causeway = Causeway::shared().await;
    let [alice, bob] = causeway.people(["Alice", "Bob"]).await;
    let mut people = vec![alice.clone(), bob.clone()];
    for _ in 0..40 {
        people.extend(causeway.people(["Ann", "Ben", "Cay", "Dan", "Eve"]).await);
    }
    let path = format!("/ws/group/{}/", causeway.group(&people).await);
    let mut alices = causeway.client(&alice, &path).await;
    let mut bobs = causeway.client(&bob, &path).await;
    bobs.send(json!({"type": "message", "content": "hello"})).await;
    loop {
        let Seen::Frame(frame) = alices.next(Duration::from_secs(5)).await else { panic!("no message") };
        assert_ne!(frame["type"], "presence");
        if frame["type"] == "message" {
            break;
        }
    }
}
