//! Notifications for those who are not there.

use causeway_chat::{OnMessage, Settings};
use causeway_proto::chat::{PutUserRequest, SendMessagesRequest};

use crate::stage::{Stage, eventually, text};

async fn room(on_message: OnMessage) -> Stage {
    let stage = Stage::with(Settings { on_message, ..Settings::default() }).await;
    let alice =
        PutUserRequest { id: "alice".into(), name: Some("Alice A".into()), ..PutUserRequest::default() };
    stage.directory().put_user(alice).await.unwrap();
    stage.users(&["bob", "carol"]).await;
    stage.group("7", &["alice", "bob", "carol"]).await;
    stage
}

fn recipients(stage: &Stage) -> Vec<String> {
    let mut ids: Vec<String> = stage.notifications.notified().into_iter().map(|it| it.user_id).collect();
    ids.sort();
    ids
}

#[tokio::test]
async fn whoever_has_no_socket_on_the_conversation_is_notified() {
    let stage = room(OnMessage::Away).await;
    stage.presence.set("7", &["bob"]);
    let sent = stage.say("alice", "7", "hi").await;
    eventually(|| recipients(&stage) == ["carol"]).await;
    let notice = stage.notifications.notified().remove(0);
    let content = notice.content.unwrap();
    assert_eq!((content.title.as_str(), content.notification_type.as_str()), ("New Message", "message"));
    assert_eq!(content.message, "You have a new message from Alice A");
    assert_eq!(
        content.data,
        format!(r#"{{"conversation_id":7,"message_id":{},"sender_id":"alice"}}"#, sent.id)
    );
    assert_eq!(notice.collapse_key, "conversation/7");
}

#[tokio::test]
async fn always_means_those_who_are_there_too() {
    let stage = room(OnMessage::Always).await;
    stage.presence.set("7", &["bob", "carol"]);
    stage.say("alice", "7", "hi").await;
    eventually(|| recipients(&stage) == ["bob", "carol"]).await;
    assert_eq!(stage.presence.asked(), 0);
}

#[tokio::test]
async fn never_means_nobody() {
    let stage = room(OnMessage::Never).await;
    stage.say("alice", "7", "hi").await;
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert!(recipients(&stage).is_empty());
}

#[tokio::test]
async fn messages_that_wait_together_make_one_notification_for_each() {
    let stage = room(OnMessage::Away).await;
    let messages = vec![text("alice", "7", "1"), text("bob", "7", "2"), text("alice", "7", "3")];
    stage.chat().send_messages(SendMessagesRequest { messages }).await.unwrap();
    eventually(|| recipients(&stage) == ["alice", "bob", "carol"]).await;
    assert_eq!(stage.presence.asked(), 1);
}

#[tokio::test]
async fn what_is_owed_waits_until_notification_is_back() {
    let stage = room(OnMessage::Away).await;
    stage.notifications.set_away(true);
    stage.say("alice", "7", "hi").await;
    eventually(|| stage.presence.asked() > 0).await;
    stage.notifications.set_away(false);
    // The clock stands still here, and the outbox goes by it.
    stage.pass(std::time::Duration::from_secs(60));
    stage.say("alice", "7", "there?").await;
    eventually(|| recipients(&stage).len() >= 2).await;
}
