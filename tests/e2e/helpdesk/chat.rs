//! The socket on one support conversation.

use causeway_proto::chat::{Author, DeliveryStatus, ReportDeliveryStatusRequest};
use serde_json::{Value, json};

use super::{Desk, error, without_delivery};
use crate::stage::{Seen, TIME, pattern::difference};

#[tokio::test]
async fn an_answer_reaches_everyone_on_the_conversation() {
    let desk = Desk::open().await;
    let mut sues = desk.chat().await;
    let mut other = desk.chat().await;
    sues.send(json!({"type": "chat_message", "content": "Hello, how can I help you?"})).await;
    let expected =
        json!({"type": "chat_message", "message": desk.message("support", "Hello, how can I help you?")});
    for client in [&mut sues, &mut other] {
        let frame = without_delivery(client.expect("chat_message").await);
        assert_eq!(difference(&expected, &frame), None, "{frame}");
    }
}

#[tokio::test]
async fn what_the_customer_writes_arrives_and_counts_as_answered_later() {
    let desk = Desk::open().await;
    let mut sues = desk.chat().await;
    desk.customer_writes("It does not work").await;
    let expected = json!({"type": "chat_message", "message": desk.message("customer", "It does not work")});
    sues.expect_exact(expected).await;
    sues.send(json!({"type": "chat_message", "content": "Is it plugged in?"})).await;
    sues.expect("chat_message").await;

    let path = format!("/helpdesk/ws/chat/{}/", desk.id);
    let mut late = desk.causeway.client(&desk.sue, &path).await;
    let recent = late.expect("recent_messages").await;
    let mut asked = desk.message("customer", "It does not work");
    asked["is_answered"] = json!(true);
    assert_eq!(difference(&asked, &recent["messages"][0]), None, "{recent}");
    assert_eq!(recent["messages"][1]["content"], "Is it plugged in?");
    assert_eq!(recent.as_object().unwrap().len(), 2, "{recent}");
}

#[tokio::test]
async fn machines_and_campaigns_are_told_apart() {
    let desk = Desk::open().await;
    let mut sues = desk.chat().await;
    for (author, kind) in [(Author::Ai, "AI"), (Author::Marketing, "marketing")] {
        desk.say(&desk.sue, author, "Dear customer").await;
        let frame = without_delivery(sues.expect("chat_message").await);
        let expected = json!({"type": "chat_message", "message": desk.message(kind, "Dear customer")});
        assert_eq!(difference(&expected, &frame), None, "{frame}");
    }
}

#[tokio::test]
async fn no_more_than_fifty_messages_come_on_connect() {
    let desk = Desk::open().await;
    for number in 0..55 {
        desk.customer_writes(&format!("line {number}")).await;
    }
    let path = format!("/helpdesk/ws/chat/{}/", desk.id);
    let recent = desk.causeway.client(&desk.sue, &path).await.expect("recent_messages").await;
    let messages = recent["messages"].as_array().unwrap();
    assert_eq!(messages.len(), 50);
    assert_eq!((&messages[0]["content"], &messages[49]["content"]), (&json!("line 5"), &json!("line 54")));
}

#[tokio::test]
async fn typing_is_shown_to_the_others() {
    let desk = Desk::open().await;
    let [tom] = desk.causeway.people(["Tom"]).await;
    let request = causeway_proto::chat::AddParticipantsRequest {
        conversation_id: desk.id.clone(),
        user_ids: vec![tom.id.clone()],
        role: 0,
    };
    desk.causeway.chat().add_participants(request).await.unwrap();
    let mut sues = desk.chat().await;
    let mut toms = desk.causeway.client(&tom, &format!("/helpdesk/ws/chat/{}", desk.id)).await;
    toms.expect("recent_messages").await;
    toms.send(json!({"type": "typing", "is_typing": true})).await;
    let expected = json!({"type": "typing_indicator", "user_id": tom.number(), "username": tom.username(),
        "is_typing": true});
    sues.expect_exact(expected).await;
    toms.silence().await;
}

#[tokio::test]
async fn reading_reads_everything() {
    let desk = Desk::open().await;
    desk.customer_writes("one").await;
    desk.customer_writes("two").await;
    let mut sues = desk.chat().await;
    let mut list = desk.causeway.client(&desk.sue, "/helpdesk/ws/conversations").await;
    assert_eq!(list.expect("conversations_list").await["conversations"][0]["unread_count"], 2);
    sues.send(json!({"type": "mark_read"})).await;
    sues.expect_exact(json!({"type": "messages_read", "user_id": desk.sue.number(), "read_at": TIME})).await;
    list.send(json!({"type": "refresh_conversations"})).await;
    assert_eq!(list.expect("conversations_list").await["conversations"][0]["unread_count"], 0);
}

#[tokio::test]
async fn the_channel_reports_how_far_an_answer_got() {
    let desk = Desk::open().await;
    let mut sues = desk.chat().await;
    let got_through = [
        (DeliveryStatus::Sent, Some(("sent", Value::Null)), ""),
        (DeliveryStatus::Delivered, Some(("delivered", Value::Null)), ""),
        (DeliveryStatus::Sent, None, ""),
        (DeliveryStatus::Read, Some(("read", Value::Null)), ""),
    ];
    let got_lost = [(DeliveryStatus::Failed, Some(("failed", json!("blocked"))), "blocked")];
    for reports in [&got_through[..], &got_lost] {
        sues.send(json!({"type": "chat_message", "content": "Is it plugged in?"})).await;
        let id = sues.expect("chat_message").await["message"]["id"].clone();
        let message_id: u64 = id.as_str().unwrap().parse().unwrap();
        for (status, told, error) in reports {
            let (status, error) = ((*status).into(), (*error).to_owned());
            let report = ReportDeliveryStatusRequest { message_id, status, error };
            desk.causeway.chat().report_delivery_status(report).await.unwrap();
            if let Some((status, error)) = told {
                let expected = json!({"type": "message_status", "message_id": id, "delivery_status": status,
                    "delivery_error": error});
                sues.expect_exact(expected).await;
            }
        }
    }
}

#[tokio::test]
async fn files_go_with_an_answer_and_a_key_keeps_it_single() {
    let desk = Desk::open().await;
    let mut sues = desk.chat().await;
    let attachments = json!([{"url": "https://example.com/manual.pdf"}]);
    let frame = json!({"type": "chat_message", "content": "", "attachments": attachments,
        "client_message_id": "manual"});
    sues.send(frame.clone()).await;
    sues.send(frame).await;
    let first = sues.expect("chat_message").await;
    assert_eq!(first["message"]["attachments"], attachments);
    assert_eq!(first["message"]["client_message_id"], "manual");
    assert_eq!(sues.expect("chat_message").await["message"]["id"], first["message"]["id"]);
    let Seen::Nothing = sues.next(std::time::Duration::from_millis(300)).await else { panic!("a third") };
}

#[tokio::test]
async fn a_bad_frame_is_answered_and_changes_nothing() {
    let desk = Desk::open().await;
    let mut sues = desk.chat().await;
    for text in ["{", "[]", "nothing"] {
        sues.send_text(text).await;
        sues.expect_exact(json!({"error": "Invalid JSON format"})).await;
    }
    for frame in [json!({}), json!({"type": "sing"}), json!({"type": "get_conversations"})] {
        sues.send(frame).await;
        sues.expect_exact(error("unknown_type")).await;
    }
    for (field, frame) in [
        ("content", json!({"type": "chat_message"})),
        ("content", json!({"type": "chat_message", "content": ""})),
        ("is_typing", json!({"type": "typing", "is_typing": 1})),
        ("attachments", json!({"type": "chat_message", "content": "a", "attachments": [7]})),
    ] {
        sues.send(frame.clone()).await;
        let answer = sues.expect_exact(error("invalid_field")).await;
        assert!(answer["error"].as_str().unwrap().contains(field), "{frame} was answered {answer}");
    }
    sues.send(json!({"type": "ping"})).await;
    sues.expect_exact(json!({"type": "pong"})).await;
    let token = desk.causeway.new_token(&desk.sue.id, &["--ttl", "2h"]).await;
    sues.send(json!({"type": "refresh_token", "token": token})).await;
    sues.expect_exact(json!({"type": "token_refreshed", "expires_at": TIME})).await;
}
