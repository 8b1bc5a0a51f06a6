//! Whoever is not there gets a notification of what was said.

use serde_json::json;

use crate::stage::{Causeway, INTEGER, Person, Setup, TIME, eventually};

async fn notices(causeway: &Causeway, who: &Person) -> crate::stage::Client {
    causeway.client(who, &format!("/ws/notifications/{}/", who.id)).await
}

#[tokio::test]
async fn an_absent_participant_is_notified_once_until_it_is_read() {
    let causeway = Causeway::shared().await;
    let [alice, bob] = causeway.people(["Alice", "Bob"]).await;
    let id = causeway.group([&alice, &bob]).await;
    let mut room = causeway.client(&alice, &format!("/ws/group/{id}/")).await;
    let mut bobs = notices(&causeway, &bob).await;
    room.send(json!({"type": "message", "content": "are you there?"})).await;
    let expected = json!({"type": "notification", "notification": {
        "id": INTEGER, "title": "New Message", "message": "You have a new message from Alice Doe",
        "notification_type": "message", "timestamp": TIME, "is_read": false,
        "data": {"conversation_id": INTEGER, "sender_id": INTEGER, "message_id": INTEGER}}});
    let first = bobs.expect_exact(expected).await["notification"].clone();
    assert_eq!(first["data"]["conversation_id"].to_string(), id);
    assert_eq!(first["data"]["sender_id"].to_string(), alice.id);

    room.send(json!({"type": "message", "content": "hello?"})).await;
    let second = bobs.expect("notification").await["notification"].clone();
    assert_eq!(second["id"], first["id"], "the unread one is updated");
    assert_ne!(second["data"]["message_id"], first["data"]["message_id"]);
    bobs.send(json!({"type": "get_notifications"})).await;
    assert_eq!(bobs.expect("notifications").await["unread_count"], 1);

    bobs.send(json!({"type": "mark_read", "notification_id": second["id"]})).await;
    bobs.expect("notification_read").await;
    room.send(json!({"type": "message", "content": "??"})).await;
    let third = bobs.expect("notification").await["notification"].clone();
    assert_ne!(third["id"], first["id"], "what was read is left alone");
}

#[tokio::test]
async fn a_present_participant_is_left_alone() {
    let causeway = Causeway::shared().await;
    let [alice, bob, carol] = causeway.people(["Alice", "Bob", "Carol"]).await;
    let id = causeway.group([&alice, &bob, &carol]).await;
    let mut room = causeway.client(&alice, &format!("/ws/group/{id}/")).await;
    let _present = causeway.client(&bob, &format!("/ws/chat/{id}/")).await;
    let mut bobs = notices(&causeway, &bob).await;
    let mut carols = notices(&causeway, &carol).await;
    let mut alices = notices(&causeway, &alice).await;
    room.send(json!({"type": "message", "content": "hi"})).await;
    carols.expect("notification").await;
    for present in [&mut bobs, &mut alices] {
        present.send(json!({"type": "get_notifications"})).await;
        assert_eq!(present.expect("notifications").await["notifications"], json!([]));
    }
}

#[tokio::test]
async fn support_conversations_notify_nobody() {
    let causeway = Causeway::shared().await;
    let [sue, bob] = causeway.people(["Sue", "Bob"]).await;
    let customer = causeway.customer("John").await;
    let support = causeway.support(&customer, [&sue]).await;
    let group = causeway.group([&sue, &bob]).await;
    let mut sues = notices(&causeway, &sue).await;
    causeway.run_well(&["send", "--conversation", &support, "--as", &customer.id, "Help!"]).await;
    causeway.run_well(&["send", "--conversation", &group, "--as", &bob.id, "Hi!"]).await;
    let notification = sues.expect("notification").await;
    assert_eq!(notification["notification"]["data"]["conversation_id"].to_string(), group);
}

/// Alice writes to Bob, who is on the conversation, and to Carol, who is not; says who is notified.
async fn who_is_notified(on_message: &str) -> (usize, usize) {
    let causeway = Setup::default().set("notification.on_message", on_message).start().await;
    let [alice, bob, carol] = causeway.people(["Alice", "Bob", "Carol"]).await;
    let id = causeway.group([&alice, &bob, &carol]).await;
    let mut room = causeway.client(&alice, &format!("/ws/group/{id}/")).await;
    let mut present = causeway.client(&bob, &format!("/ws/group/{id}/")).await;
    room.send(json!({"type": "message", "content": "hi"})).await;
    present.expect("message").await;
    if on_message == "always" {
        eventually("both are notified", async || count(&causeway, &carol).await == 1).await;
    } else {
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    (count(&causeway, &bob).await, count(&causeway, &carol).await)
}

async fn count(causeway: &Causeway, who: &Person) -> usize {
    let request = causeway_proto::notification::ListNotificationsRequest {
        user_id: who.id.clone(),
        ..Default::default()
    };
    let listed = causeway.notifications().list_notifications(request).await.unwrap();
    listed.into_inner().notifications.len()
}

#[tokio::test]
async fn it_can_be_always() {
    assert_eq!(who_is_notified("always").await, (1, 1));
}

#[tokio::test]
async fn it_can_be_never() {
    assert_eq!(who_is_notified("never").await, (0, 0));
}
