//! ListNotifications and MarkRead.

use causeway_proto::notification::{ListNotificationsRequest, MarkReadRequest};
use tonic::Code;

use crate::running::{Running, titles, wrong_field};

#[tokio::test]
async fn an_inbox_holds_the_users_own_and_those_of_the_given_audiences() {
    let mut service = Running::start().await;
    service.notify("alice", "own").await;
    service.broadcast("college:5", "college").await;
    service.broadcast("staff", "staff").await;
    service.notify("bob", "somebody else's").await;
    assert_eq!(titles(&service.list("alice", &["college:5", "college:5"]).await), ["college", "own"]);
    assert_eq!(titles(&service.list("alice", &[]).await), ["own"]);
    assert_eq!(titles(&service.list("carol", &["staff"]).await), ["staff"]);
    assert_eq!(titles(&service.list("nobody", &[]).await), [""; 0]);
}

#[tokio::test]
async fn pages_go_from_newest_to_oldest_without_a_gap() {
    let mut service = Running::start().await;
    for number in 0..7 {
        match number % 2 {
            0 => service.notify("alice", &number.to_string()).await,
            _ => service.broadcast("staff", &number.to_string()).await,
        };
    }
    let page = |before| ListNotificationsRequest {
        user_id: "alice".into(),
        audiences: vec!["staff".into()],
        before,
        limit: 3,
        ..ListNotificationsRequest::default()
    };
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let listed = service.client.list_notifications(page(before)).await.unwrap().into_inner();
        assert_eq!(listed.unread_count, 7, "the count is over all pages");
        seen.extend(listed.notifications.iter().map(|one| one.title.clone()));
        before = listed.notifications.last().map(|one| one.id);
        if !listed.has_more {
            break;
        }
    }
    assert_eq!(seen, ["6", "5", "4", "3", "2", "1", "0"]);
}

#[tokio::test]
async fn a_page_is_50_unless_said_and_never_above_100() {
    let mut service = Running::start().await;
    for number in 0..102 {
        service.broadcast("staff", &number.to_string()).await;
    }
    for (limit, expected) in [(0, 50), (7, 7), (100, 100), (5_000, 100)] {
        let request = ListNotificationsRequest {
            user_id: "alice".into(),
            audiences: vec!["staff".into()],
            limit,
            ..ListNotificationsRequest::default()
        };
        let listed = service.client.list_notifications(request).await.unwrap().into_inner();
        assert_eq!((listed.notifications.len(), listed.has_more), (expected, true));
    }
}

#[tokio::test]
async fn reading_one_leaves_the_others_unread() {
    let mut service = Running::start().await;
    let mut ids = Vec::new();
    for title in ["a", "b", "c"] {
        ids.push(service.notify("alice", title).await.id);
    }
    assert!(service.mark("alice", &[], Some(ids[1])).await.unwrap());
    assert!(!service.mark("alice", &[], Some(ids[1])).await.unwrap(), "it was read already");
    let listed = service.list("alice", &[]).await;
    let read: Vec<bool> = listed.notifications.iter().map(|one| one.is_read).collect();
    assert_eq!(read, [false, true, false]);
    assert_eq!(listed.unread_count, 2);

    let unread = ListNotificationsRequest {
        user_id: "alice".into(),
        unread_only: true,
        ..ListNotificationsRequest::default()
    };
    let listed = service.client.list_notifications(unread).await.unwrap().into_inner();
    assert_eq!(titles(&listed), ["c", "a"]);
    assert_eq!(service.published("user/alice").await[3..], [format!("read {}", ids[1])]);
}

#[tokio::test]
async fn reading_a_broadcast_is_ones_own_matter() {
    let mut service = Running::start().await;
    let id = service.broadcast("staff", "news").await.id;
    assert!(service.mark("alice", &["staff"], Some(id)).await.unwrap());
    assert_eq!(service.list("alice", &["staff"]).await.unread_count, 0);
    assert_eq!(service.list("bob", &["staff"]).await.unread_count, 1);
    assert_eq!(service.published("user/alice").await, [format!("read {id}")]);
    assert_eq!(service.published("audience/staff").await.len(), 1);
}

#[tokio::test]
async fn reading_all_reads_all_until_something_new_comes() {
    let mut service = Running::start().await;
    service.notify("alice", "own").await;
    service.broadcast("staff", "first").await;
    service.broadcast("other", "not in it").await;
    assert!(service.mark("alice", &["staff"], None).await.unwrap());
    assert!(!service.mark("alice", &["staff"], None).await.unwrap());
    let listed = service.list("alice", &["staff"]).await;
    assert_eq!(listed.unread_count, 0);
    assert!(listed.notifications.iter().all(|one| one.is_read));
    assert_eq!(service.published("user/alice").await[1..], ["read all"]);
    service.broadcast("staff", "second").await;
    assert_eq!(service.list("alice", &["staff", "other"]).await.unread_count, 2);
}

#[tokio::test]
async fn what_is_not_in_the_inbox_is_not_found() {
    let mut service = Running::start().await;
    let bobs = service.notify("bob", "private").await.id;
    let staff = service.broadcast("staff", "news").await.id;
    for id in [bobs, staff, 0, staff + 1, u64::MAX] {
        let refusal = service.mark("alice", &["others"], Some(id)).await.unwrap_err();
        assert_eq!(refusal.code(), Code::NotFound, "{id}");
    }
    assert_eq!(service.list("bob", &["staff"]).await.unread_count, 2);
}

#[tokio::test]
async fn a_wrong_field_is_named() {
    let mut service = Running::start().await;
    let nobody = ListNotificationsRequest::default();
    assert_eq!(wrong_field(&service.client.list_notifications(nobody).await.unwrap_err()), "user_id");
    let audiences = vec!["a".to_owned(); 101];
    let many = MarkReadRequest { user_id: "alice".into(), audiences, notification_id: None };
    assert_eq!(wrong_field(&service.client.mark_read(many).await.unwrap_err()), "audiences");
    let odd =
        MarkReadRequest { user_id: "alice".into(), audiences: vec!["a\n".into()], notification_id: None };
    assert_eq!(wrong_field(&service.client.mark_read(odd).await.unwrap_err()), "audiences");
}
