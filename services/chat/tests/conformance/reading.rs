//! Receipts: reading, unread counts, deliveries.

use causeway_chat::Settings;
use causeway_proto::{
    chat::{
        DeleteMessageRequest, GetConversationRequest, MarkReadRequest, MessagesDelivered,
        ReportDeliveredRequest,
    },
    event::event::Body,
};
use tonic::Code;

use crate::stage::{Stage, code};

async fn room() -> Stage {
    let stage = Stage::of(&["alice", "bob", "carol", "mallory"]).await;
    stage.group("room", &["alice", "bob", "carol"]).await;
    stage
}

fn read(user: &str, message_id: Option<u64>) -> MarkReadRequest {
    MarkReadRequest { conversation_id: "room".into(), user_id: user.to_owned(), message_id }
}

fn delivered(user: &str, message_id: u64) -> ReportDeliveredRequest {
    ReportDeliveredRequest { conversation_id: "room".into(), user_id: user.to_owned(), message_id }
}

async fn unread(stage: &Stage, user: &str) -> u32 {
    let request = GetConversationRequest { conversation_id: "room".into(), viewer_id: user.to_owned() };
    stage.chat().get_conversation(request).await.unwrap().into_inner().conversation.unwrap().unread_count
}

#[tokio::test]
async fn reading_a_message_reads_all_before_it() {
    let stage = room().await;
    let mut ids = Vec::new();
    for sender in ["alice", "bob", "alice", "carol"] {
        ids.push(stage.say(sender, "room", "hi").await.id);
    }
    assert_eq!((unread(&stage, "bob").await, unread(&stage, "alice").await), (3, 2));
    let answer = stage.chat().mark_read(read("bob", Some(ids[2]))).await.unwrap().into_inner();
    assert_eq!((answer.changed, answer.read_at), (true, Some(stage.clock.now())));
    assert_eq!(unread(&stage, "bob").await, 1);
    let Body::MessagesRead(told) = stage.last_event("conversation/room").await else { panic!("another") };
    assert_eq!((told.message_id, told.user.unwrap().id.as_str()), (ids[2], "bob"));
}

#[tokio::test]
async fn what_is_read_already_changes_nothing_and_is_not_told() {
    let stage = room().await;
    let first = stage.say("alice", "room", "one").await.id;
    let second = stage.say("alice", "room", "two").await.id;
    let done = stage.chat().mark_read(read("bob", Some(second))).await.unwrap().into_inner();
    stage.pass(std::time::Duration::from_secs(1));
    for again in [Some(second), Some(first), None] {
        let answer = stage.chat().mark_read(read("bob", again)).await.unwrap().into_inner();
        assert_eq!((answer.changed, answer.read_at), (false, done.read_at), "{again:?}");
    }
    assert_eq!(stage.events("conversation/room").await.len(), 3);
}

#[tokio::test]
async fn everything_can_be_read_at_once_even_nothing() {
    let stage = room().await;
    assert!(!stage.chat().mark_read(read("bob", None)).await.unwrap().into_inner().changed);
    stage.say("alice", "room", "one").await;
    let last = stage.say("alice", "room", "two").await.id;
    assert!(stage.chat().mark_read(read("bob", None)).await.unwrap().into_inner().changed);
    let Body::MessagesRead(told) = stage.last_event("conversation/room").await else { panic!("another") };
    assert_eq!(told.message_id, last);
    assert_eq!(unread(&stage, "bob").await, 0);
}

#[tokio::test]
async fn what_is_deleted_need_not_be_read() {
    let stage = room().await;
    let message_id = stage.say("alice", "room", "oops").await.id;
    let delete = DeleteMessageRequest { message_id, conversation_id: "room".into(), user_id: "alice".into() };
    stage.chat().delete_message(delete).await.unwrap();
    assert_eq!(unread(&stage, "bob").await, 0);
}

#[tokio::test]
async fn what_is_not_there_cannot_be_read() {
    let stage = room().await;
    stage.say("alice", "room", "hi").await;
    for id in [0, 4_711, u64::MAX] {
        assert_eq!(code(stage.chat().mark_read(read("bob", Some(id))).await), Code::NotFound, "{id}");
        assert_eq!(code(stage.chat().report_delivered(delivered("bob", id)).await), Code::NotFound, "{id}");
    }
    assert_eq!(code(stage.chat().mark_read(read("mallory", None)).await), Code::NotFound);
    assert_eq!(code(stage.chat().report_delivered(delivered("mallory", 1)).await), Code::NotFound);
}

async fn reports(stage: &Stage) -> Vec<MessagesDelivered> {
    let events = stage.events("conversation/room").await.into_iter();
    let reports = events.filter_map(|event| match event {
        Body::MessagesDelivered(report) => Some(report),
        _ => None,
    });
    reports.collect()
}

#[tokio::test]
async fn a_message_is_reported_once_for_each_recipient_and_to_its_sender() {
    let stage = room().await;
    let mut ids = Vec::new();
    for sender in ["alice", "carol", "alice", "bob"] {
        ids.push(stage.say(sender, "room", "hi").await.id);
    }
    for message_id in [ids[2], ids[0], ids[2], ids[3]] {
        stage.chat().report_delivered(delivered("bob", message_id)).await.unwrap();
    }
    let told: Vec<(String, String, Vec<u64>)> =
        reports(&stage).await.into_iter().map(|it| (it.user_id, it.sender_id, it.message_ids)).collect();
    let expected = [("bob", "alice", vec![ids[0], ids[2]]), ("bob", "carol", vec![ids[1]])];
    assert_eq!(told, expected.map(|(user, sender, ids)| (user.to_owned(), sender.to_owned(), ids)));

    stage.chat().report_delivered(delivered("carol", ids[3])).await.unwrap();
    assert_eq!(reports(&stage).await.len(), 4, "for carol, those of alice and of bob");
}

#[tokio::test]
async fn reading_does_not_swallow_the_report_of_delivery() {
    let stage = room().await;
    let message_id = stage.say("alice", "room", "hi").await.id;
    stage.chat().mark_read(read("bob", None)).await.unwrap();
    stage.chat().report_delivered(delivered("bob", message_id)).await.unwrap();
    assert_eq!(reports(&stage).await.len(), 1);
}

#[tokio::test]
async fn large_conversations_get_no_delivery_reports() {
    let stage = Stage::with(Settings { delivery_limit: 2, ..Settings::default() }).await;
    stage.users(&["alice", "bob", "carol"]).await;
    stage.group("room", &["alice", "bob", "carol"]).await;
    let message_id = stage.say("alice", "room", "hi").await.id;
    stage.chat().report_delivered(delivered("bob", message_id)).await.unwrap();
    assert!(reports(&stage).await.is_empty());
}
