//! Notify and Broadcast.

use std::time::Duration;

use causeway_notification::Settings;
use causeway_proto::{
    id,
    notification::{BroadcastRequest, Content, NotifyRequest},
    time::{Clock, to_micros},
};

use crate::running::{Running, saying, titles, wrong_field};

const DAY: i64 = 24 * 60 * 60 * 1_000_000;

fn to(user: &str, title: &str) -> NotifyRequest {
    NotifyRequest { user_id: user.into(), content: Some(saying(title)), ..NotifyRequest::default() }
}

#[tokio::test]
async fn a_notification_is_answered_as_stored() {
    let clock = Clock::manual(1_700_000_000_000_000);
    let mut service = Running::with(Settings::default(), clock).await;
    let content = Content {
        title: "Hi".into(),
        message: "There".into(),
        notification_type: "alert".into(),
        data: r#"{"a":1}"#.into(),
    };
    let request = NotifyRequest { content: Some(content), ..to("alice", "") };
    let answer = service.client.notify(request).await.unwrap().into_inner();
    assert!(!answer.duplicate);
    let made = answer.notification.unwrap();
    assert!(made.id > 0 && !made.is_read);
    assert_eq!((made.user_id.as_str(), made.audience.as_str()), ("alice", ""));
    assert_eq!((made.title.as_str(), made.message.as_str()), ("Hi", "There"));
    assert_eq!((made.notification_type.as_str(), made.data.as_str()), ("alert", r#"{"a":1}"#));
    assert_eq!(to_micros(made.timestamp.as_ref().unwrap()), 1_700_000_000_000_000);
    assert_eq!(service.published("user/alice").await, [format!("Hi ({})", made.id)]);
    assert_eq!(service.list("alice", &[]).await.notifications, [made]);
}

#[tokio::test]
async fn the_same_key_within_a_day_gets_the_first_result() {
    let clock = Clock::manual(DAY);
    let mut service = Running::with(Settings::default(), clock.clone()).await;
    let keyed = |user: &str, title: &str| NotifyRequest { idempotency_key: "k".into(), ..to(user, title) };
    let first = service.client.notify(keyed("alice", "one")).await.unwrap().into_inner();
    clock.set(2 * DAY - 1);
    let again = service.client.notify(keyed("alice", "two")).await.unwrap().into_inner();
    assert!(again.duplicate);
    assert_eq!(again.notification, first.notification);

    let bob = service.client.notify(keyed("bob", "one")).await.unwrap().into_inner();
    assert!(!bob.duplicate, "somebody else's notification is another one");

    clock.set(2 * DAY);
    let later = service.client.notify(keyed("alice", "three")).await.unwrap().into_inner();
    assert!(!later.duplicate);
    assert_eq!(titles(&service.list("alice", &[]).await), ["three", "one"]);
    assert_eq!(service.published("user/alice").await.len(), 2);
}

#[tokio::test]
async fn an_unread_one_with_the_same_collapse_key_is_updated_in_place() {
    let clock = Clock::manual(DAY);
    let mut service = Running::with(Settings::default(), clock.clone()).await;
    let collapsing =
        |title: &str| NotifyRequest { collapse_key: "conversation/7".into(), ..to("alice", title) };
    let first = service.client.notify(collapsing("one")).await.unwrap().into_inner().notification.unwrap();
    service.notify("alice", "other").await;
    clock.set(DAY + 5);
    let second = service.client.notify(collapsing("two")).await.unwrap().into_inner().notification.unwrap();
    assert_eq!(second.id, first.id);
    assert_eq!(to_micros(second.timestamp.as_ref().unwrap()), DAY + 5);
    assert_eq!(titles(&service.list("alice", &[]).await), ["other", "two"]);
    let published = service.published("user/alice").await;
    assert_eq!(published[2], format!("two ({})", first.id), "it is published again: {published:?}");

    service.mark("alice", &[], Some(first.id)).await.unwrap();
    let third = service.client.notify(collapsing("three")).await.unwrap().into_inner().notification.unwrap();
    assert_ne!(third.id, first.id, "what was read stays as it was read");
    assert_eq!(titles(&service.list("alice", &[]).await), ["three", "other", "two"]);
    assert_eq!(service.list("alice", &[]).await.unread_count, 2);
}

#[tokio::test]
async fn a_user_is_found_by_every_form_of_the_id() {
    let mut service = Running::start().await;
    service.notify("7", "for the number").await;
    service.notify(&id::to_uuid("7").to_string(), "for its UUID").await;
    assert_eq!(service.list("7", &[]).await.notifications.len(), 2);

    service.notify("alice", "for the name").await;
    let made = service.notify(&id::to_uuid("alice").to_string(), "for its UUID").await;
    assert_eq!(made.user_id, "alice");
    assert_eq!(service.list("alice", &[]).await.notifications.len(), 2);
}

#[tokio::test]
async fn a_broadcast_is_repeated_for_no_key_twice() {
    let mut service = Running::start().await;
    let request = BroadcastRequest {
        audience: "college:5".into(),
        content: Some(saying("closed")),
        idempotency_key: "k".into(),
    };
    let first = service.client.broadcast(request.clone()).await.unwrap().into_inner();
    let again = service.client.broadcast(request).await.unwrap().into_inner();
    assert!(!first.duplicate && again.duplicate);
    assert_eq!(first.notification, again.notification);
    assert_eq!(first.notification.unwrap().audience, "college:5");
    assert_eq!(service.list("alice", &["college:5"]).await.notifications.len(), 1);
    assert_eq!(service.published("audience/college:5").await.len(), 1);
}

#[tokio::test]
async fn a_wrong_field_is_named_and_nothing_is_stored() {
    let mut service = Running::start().await;
    let long = "x".repeat(201);
    for (request, field) in [
        (to("", "t"), "user_id"),
        (to("a/b", "t"), "user_id"),
        (to("alice", ""), "content.title"),
        (NotifyRequest { content: None, ..to("alice", "t") }, "content"),
        (NotifyRequest { idempotency_key: long.clone(), ..to("alice", "t") }, "idempotency_key"),
        (NotifyRequest { collapse_key: long.clone(), ..to("alice", "t") }, "collapse_key"),
        (
            NotifyRequest {
                content: Some(Content { data: "[1]".into(), ..saying("t") }),
                ..to("alice", "t")
            },
            "content.data",
        ),
    ] {
        let refusal = service.client.notify(request).await.unwrap_err();
        assert_eq!(wrong_field(&refusal), field);
    }
    let nobody = BroadcastRequest { content: Some(saying("t")), ..BroadcastRequest::default() };
    assert_eq!(wrong_field(&service.client.broadcast(nobody).await.unwrap_err()), "audience");
    assert_eq!(service.list("alice", &[]).await.notifications, []);
    assert_eq!(service.published("user/alice").await, [""; 0]);
}

#[tokio::test]
async fn what_was_answered_is_there_after_a_restart() {
    let mut service = Running::start().await;
    service.notify("alice", "kept").await;
    let settings = Settings { idempotency: Duration::from_secs(60), ..Settings::default() };
    let mut service = service.restart(settings).await;
    assert_eq!(titles(&service.list("alice", &[]).await), ["kept"]);
}
