//! Whom notices are for: everybody, one user, a list of users.

use serde_json::json;

use super::campus::{Campus, notice};
use crate::stage::INTEGER;

#[tokio::test]
async fn everybody_is_told_in_every_dialect_and_finds_it_in_the_list() {
    let campus = Campus::open().await;
    let mut sockets = campus.sockets().await;
    let mut jobs = campus.jobs(&campus.cid).await;
    campus.publishes(json!({"id": 1, "title": "Snow", "everybody": true})).await;
    let mut seen = notice("Snow", json!({"notice_id": 1}));
    sockets.college_sees(&seen).await;
    sockets.cid.expect_exact(seen.clone()).await;

    seen.as_object_mut().unwrap().remove("type");
    seen["id"] = INTEGER.into();
    seen["is_read"] = false.into();
    let shown = jobs.expect_exact(json!({"type": "notification", "notification": seen})).await;
    jobs.send(json!({"type": "get_notifications"})).await;
    let listed = json!({"type": "notifications", "notifications": [shown["notification"]], "unread_count": 1,
                        "has_more": false});
    jobs.expect_exact(listed).await;
}

#[tokio::test]
async fn one_user_is_told_and_nobody_else() {
    let campus = Campus::open().await;
    let mut sockets = campus.sockets().await;
    campus.publishes(json!({"id": 1, "title": "Your fees", "user_id": campus.ann.person.number()})).await;
    sockets.ann.expect_exact(notice("Your fees", json!({"notice_id": 1}))).await;
    campus.nothing_but(&mut sockets, "the end").await;
    assert_eq!(campus.list(&campus.ann).await, ["the end", "Your fees"]);
    assert_eq!(campus.list(&campus.ben).await, ["the end"]);
}

#[tokio::test]
async fn a_list_of_users_is_told_one_by_one() {
    let campus = Campus::open().await;
    let mut sockets = campus.sockets().await;
    let (ann, cid) = (&campus.ann.person.id, campus.cid.person.number());
    let elected = |title: &str| json!({"id": 1, "title": title, "user_ids": [ann, cid, ann]});
    campus.publishes(elected("You are elected")).await;
    assert_eq!(campus.says(elected("You are elected")).await.1["outcome"], "duplicate");
    campus.publishes(elected("You are elected again")).await;
    for socket in [&mut sockets.ann, &mut sockets.cid] {
        socket.expect_exact(notice("You are elected", json!({"notice_id": 1}))).await;
        socket.expect_exact(notice("You are elected again", json!({"notice_id": 1}))).await;
    }
    campus.nothing_but(&mut sockets, "the end").await;
    assert_eq!(campus.list(&campus.cid).await, ["the end", "You are elected again"]);
    assert_eq!(campus.list(&campus.ben).await, ["the end"]);
}
