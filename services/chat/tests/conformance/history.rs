//! Pages, threads, and whom a message reached.

use causeway_proto::chat::{
    DeliveryStatus, GetMessageStatusRequest, GetMessageStatusResponse, GetThreadRequest, ListMessagesRequest,
    MarkReadRequest, ReportDeliveredRequest, SendMessageRequest,
};
use tonic::Code;

use crate::stage::{Stage, code, strings, text};

async fn room() -> Stage {
    let stage = Stage::of(&["alice", "bob", "carol", "mallory"]).await;
    stage.group("room", &["alice", "bob", "carol"]).await;
    stage.group("other", &["alice"]).await;
    stage
}

fn page(before: Option<u64>, limit: u32) -> ListMessagesRequest {
    ListMessagesRequest { conversation_id: "room".into(), user_id: "bob".into(), before, limit }
}

#[tokio::test]
async fn pages_end_before_a_message_and_say_whether_there_are_older_ones() {
    let stage = room().await;
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(stage.say("alice", "room", &number.to_string()).await.id);
        stage.say("alice", "other", "elsewhere").await;
    }
    let read = |request: ListMessagesRequest| {
        let mut chat = stage.chat();
        async move {
            let page = chat.list_messages(request).await.unwrap().into_inner();
            (page.messages.into_iter().map(|message| message.id).collect::<Vec<_>>(), page.has_more)
        }
    };
    assert_eq!(read(page(None, 2)).await, (ids[3..].to_vec(), true));
    assert_eq!(read(page(Some(ids[3]), 2)).await, (ids[1..3].to_vec(), true));
    assert_eq!(read(page(Some(ids[1]), 2)).await, (ids[..1].to_vec(), false));
    assert_eq!(read(page(Some(ids[0]), 2)).await, (Vec::new(), false));
    assert_eq!(read(page(None, 0)).await, (ids.clone(), false));
    assert_eq!(read(page(None, 5)).await, (ids, false), "exactly all");
}

#[tokio::test]
async fn a_page_has_at_most_a_hundred_messages_and_fifty_by_default() {
    let stage = room().await;
    for _ in 0..101 {
        stage.say("alice", "room", "x").await;
    }
    for (limit, length) in [(0, 50), (100, 100), (1_000, 100)] {
        let answer = stage.chat().list_messages(page(None, limit)).await.unwrap().into_inner();
        assert_eq!((answer.messages.len(), answer.has_more), (length, true), "{limit}");
    }
}

#[tokio::test]
async fn a_page_begins_nowhere_but_in_its_conversation() {
    let stage = room().await;
    let elsewhere = stage.say("alice", "other", "hi").await.id;
    for before in [0, 4_711, u64::MAX, elsewhere] {
        assert_eq!(code(stage.chat().list_messages(page(Some(before), 1)).await), Code::NotFound);
    }
    let mallory = ListMessagesRequest { user_id: "mallory".into(), ..page(None, 1) };
    assert_eq!(code(stage.chat().list_messages(mallory).await), Code::NotFound);
}

#[tokio::test]
async fn large_messages_make_short_pages() {
    let stage = room().await;
    let large = "ü".repeat(16_384);
    for _ in 0..100 {
        stage.say("alice", "room", &large).await;
    }
    let answer = stage.chat().list_messages(page(None, 100)).await.unwrap().into_inner();
    assert!(answer.has_more);
    assert!((1..100).contains(&answer.messages.len()), "{}", answer.messages.len());
}

#[tokio::test]
async fn history_names_readers_other_than_the_sender() {
    let stage = room().await;
    let first = stage.say("alice", "room", "one").await.id;
    stage.say("alice", "room", "two").await;
    for (user, message_id) in [("alice", None), ("bob", Some(first)), ("carol", None)] {
        let read = MarkReadRequest { conversation_id: "room".into(), user_id: user.into(), message_id };
        stage.chat().mark_read(read).await.unwrap();
    }
    let messages = stage.chat().list_messages(page(None, 10)).await.unwrap().into_inner().messages;
    assert_eq!(messages[0].read_by, strings(&["bob", "carol"]));
    assert_eq!(messages[1].read_by, strings(&["carol"]));
}

#[tokio::test]
async fn a_thread_is_a_message_and_its_answers() {
    let stage = room().await;
    let parent = stage.say("alice", "room", "question").await;
    stage.say("bob", "room", "by the way").await;
    for number in 0..3 {
        let reply_to = Some(parent.id);
        stage.send(SendMessageRequest { reply_to, ..text("bob", "room", &number.to_string()) }).await;
    }
    let thread = |message_id: u64, user: &str| {
        let request =
            GetThreadRequest { message_id, conversation_id: "room".into(), user_id: user.to_owned() };
        let mut chat = stage.chat();
        async move { chat.get_thread(request).await }
    };
    let found = thread(parent.id, "carol").await.unwrap().into_inner();
    assert_eq!(found.parent, Some(parent.clone()));
    let contents: Vec<String> = found.replies.into_iter().map(|reply| reply.content).collect();
    assert_eq!(contents, strings(&["0", "1", "2"]));
    assert_eq!(code(thread(4_711, "carol").await), Code::NotFound);
    assert_eq!(code(thread(parent.id, "mallory").await), Code::NotFound);
}

#[tokio::test]
async fn a_status_tells_whom_a_message_reached_and_who_read_it() {
    let stage = room().await;
    let message_id = stage.say("alice", "room", "hi").await.id;
    let status = |user: &str| {
        let request =
            GetMessageStatusRequest { message_id, conversation_id: "room".into(), user_id: user.to_owned() };
        let mut chat = stage.chat();
        async move { chat.get_message_status(request).await }
    };
    let answer = |status: DeliveryStatus, delivered_to: &[&str], read_by: &[&str]| GetMessageStatusResponse {
        status: status.into(),
        delivered_to: strings(delivered_to),
        read_by: strings(read_by),
    };
    assert_eq!(status("alice").await.unwrap().into_inner(), answer(DeliveryStatus::Sent, &[], &[]));
    let conversation_id = "room".to_owned();
    let delivered = ReportDeliveredRequest { conversation_id, user_id: "carol".into(), message_id };
    stage.chat().report_delivered(delivered).await.unwrap();
    let reached = answer(DeliveryStatus::Delivered, &["carol"], &[]);
    assert_eq!(status("alice").await.unwrap().into_inner(), reached);
    for user in ["alice", "bob"] {
        let read = MarkReadRequest {
            conversation_id: "room".into(),
            user_id: user.into(),
            message_id: Some(message_id),
        };
        stage.chat().mark_read(read).await.unwrap();
    }
    let read = answer(DeliveryStatus::Read, &["bob", "carol"], &["bob"]);
    assert_eq!(status("").await.unwrap().into_inner(), read);
    assert_eq!(code(status("mallory").await), Code::NotFound);
}
