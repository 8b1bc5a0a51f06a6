//! Getting in, and being refused before the upgrade.

use serde_json::json;

use crate::stage::{Causeway, Pair, Person, STRING, Setup, TIME_OFFSET, with_token};

/// Alice in a group, Bob not, and the two of them in private.
struct Scene {
    causeway: crate::stage::causeway::Guest,
    group: String,
    private: String,
    alice: Person,
    bob: Person,
}

async fn scene() -> Scene {
    let causeway = Causeway::shared().await;
    let [alice, bob] = causeway.people(["Alice", "Bob"]).await;
    let group = causeway.group([&alice]).await;
    let private = causeway.one_to_one(&alice, &bob).await;
    Scene { causeway, group, private, alice, bob }
}

#[tokio::test]
async fn without_a_good_token_it_is_forbidden() {
    let Scene { causeway, group, alice, bob, .. } = scene().await;
    let path = format!("/ws/group/{group}/");
    let expired = causeway.expired_token(&alice.id);
    let strangers = causeway.token(&bob.id).await;
    let forged = format!("{}x", causeway.token(&alice.id).await);
    for refused in [
        causeway.refused(&path).await,
        causeway.refused(&with_token(&path, "")).await,
        causeway.refused(&with_token(&path, "nonsense")).await,
        causeway.refused(&with_token(&path, &forged)).await,
        causeway.refused(&with_token(&path, &expired)).await,
        causeway.refused(&with_token(&path, &strangers)).await,
    ] {
        assert_eq!(refused.status, 403, "{refused:?}");
        let body: serde_json::Value = serde_json::from_str(&refused.body).unwrap();
        assert_eq!(crate::stage::pattern::difference(&json!({"detail": STRING}), &body), None, "{body}");
    }
}

#[tokio::test]
async fn what_is_not_there_or_of_another_kind_is_not_found() {
    let Scene { causeway, group, private, alice, .. } = scene().await;
    let token = causeway.token(&alice.id).await;
    for path in [
        "/ws/group/no-such/".to_owned(),
        "/ws/one-to-one/no-such/".to_owned(),
        "/ws/conversation/no-such/".to_owned(),
        format!("/ws/one-to-one/{group}/"),
        format!("/ws/group/{private}/"),
        "/ws/no/such/path/".to_owned(),
        "/".to_owned(),
    ] {
        assert_eq!(causeway.refused(&with_token(&path, &token)).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_trailing_slash_and_a_prefix_make_no_difference() {
    let Scene { causeway, group, private, alice, .. } = scene().await;
    for path in [
        format!("/ws/group/{group}"),
        format!("/rooms/ws/group/{group}/"),
        format!("/rooms/ws/group/{group}"),
        format!("/ws/one-to-one/{private}"),
        format!("/rooms/ws/one-to-one/{private}/"),
    ] {
        let mut client = causeway.client(&alice, &path).await;
        client.send(json!({"type": "ping"})).await;
        client.expect("pong").await;
    }
}

#[tokio::test]
async fn the_old_path_serves_either_kind_and_says_that_it_is_old() {
    let Scene { causeway, group, private, alice, .. } = scene().await;
    let token = causeway.token(&alice.id).await;
    for (id, successor) in [(&group, "/ws/group/"), (&private, "/ws/one-to-one/")] {
        let path = with_token(&format!("/ws/conversation/{id}/"), &token);
        let (mut client, headers) = causeway.knock("Alice", &path, &[]).await.unwrap();
        assert_eq!(headers["deprecation"], "true");
        let link = headers["link"].to_str().unwrap();
        assert!(link.contains(&format!("{successor}{id}")), "{link}");
        assert!(link.contains("successor-version"), "{link}");
        assert!(!link.contains(&token));
        client.send(json!({"type": "message", "content": "by the old path"})).await;
        client.expect("message").await;
    }
}

#[tokio::test]
async fn the_old_path_can_be_turned_off() {
    let causeway = Setup::default().set("bridge.deprecated_conversation_path", false).start().await;
    let [alice] = causeway.people(["Alice"]).await;
    let group = causeway.group([&alice]).await;
    let token = causeway.token(&alice.id).await;
    let refused = causeway.refused(&with_token(&format!("/ws/conversation/{group}/"), &token)).await;
    assert_eq!(refused.status, 410);
}

#[tokio::test]
async fn a_frontend_asks_over_http_which_path_to_take() {
    let Pair { causeway, id, alice, bob, .. } = Pair::on("/ws/group/{id}/").await;
    let token = causeway.token(&alice.id).await;
    let bearer = format!("Bearer {token}");
    let path = format!("/api/conversations/{id}/");
    for answer in [
        causeway.get(&with_token(&path, &token), &[]).await,
        causeway.get(&path, &[("Authorization", &bearer)]).await,
        causeway.get(&format!("/rooms{path}"), &[("Authorization", &bearer)]).await,
    ] {
        assert_eq!(answer.status, 200, "{answer:?}");
        let body = answer.json();
        assert_eq!((&body["id"], &body["type"]), (&json!(id), &json!("group")));
        assert_eq!(body["name"], "Friends");
        let difference = crate::stage::pattern::difference(&json!(TIME_OFFSET), &body["created_at"]);
        assert_eq!(difference, None);
        let participants = body["participants"].to_string();
        assert!(participants.contains(&alice.id) && participants.contains(&bob.id), "{participants}");
    }
}

#[tokio::test]
async fn over_http_a_stranger_is_refused_as_on_the_socket() {
    let Scene { causeway, group, private, alice, bob } = scene().await;
    let path = format!("/api/conversations/{group}/");
    let anonymous = causeway.get(&path, &[]).await;
    assert_eq!(anonymous.status, 401);
    assert!(anonymous.header("WWW-Authenticate").unwrap().starts_with("Bearer"));
    assert_eq!(causeway.get(&with_token(&path, "nonsense"), &[]).await.status, 401);
    let strangers = causeway.token(&bob.id).await;
    assert_eq!(causeway.get(&with_token(&path, &strangers), &[]).await.status, 403);
    let token = causeway.token(&alice.id).await;
    assert_eq!(causeway.get(&with_token("/api/conversations/no-such/", &token), &[]).await.status, 404);
    let private = causeway.get(&with_token(&format!("/api/conversations/{private}"), &token), &[]).await;
    assert_eq!(private.json()["type"], "one_to_one");
}
