//! Telegram customers and support people, both ways.

use serde_json::json;

use super::stage::{BOT, Desk, content, fetch};
use crate::{
    stage::{DIGITS, INTEGER, TIME, eventually},
    telegram::{Content, Failure, Person},
};

fn john() -> Person {
    Person::new(7_001, "John").last_name("Doe").username("johnny")
}

#[tokio::test]
async fn a_customer_a_conversation_and_a_message_come_into_being_by_themselves() {
    let desk = Desk::open().await;
    let mut list = desk.list().await;
    desk.bot.customer_writes(&john(), "Is anybody there?");
    let message = json!({
        "id": DIGITS, "content": "Is anybody there?", "type": "customer", "is_ai_response": false,
        "is_answered": false, "created_at": TIME,
        "customer": {"id": INTEGER, "first_name": "John", "last_name": "Doe", "source": "telegram"},
    });
    let expected = json!({"type": "new_customer_message", "conversation_id": DIGITS, "message": message});
    let told = list.expect_exact(expected).await;
    list.send(json!({"type": "get_conversations"})).await;
    let shown = list.expect("conversations_list").await;
    assert_eq!(shown["conversations"][0]["id"], told["conversation_id"]);
    assert_eq!(shown["conversations"][0]["title"], "telegram - John Doe");
    assert_eq!(shown["conversations"][0]["unread_count"], 1);
}

#[tokio::test]
async fn an_answer_goes_out_and_its_status_comes_back() {
    let desk = Desk::open().await;
    let (mut chat, _) = desk.meets(&john(), "Hello").await;
    chat.send(json!({"type": "chat_message", "content": "How can I help?"})).await;
    let sent = chat.expect("chat_message").await;
    assert_eq!((content(&sent), &sent["message"]["delivery_status"]), ("How can I help?", &json!("pending")));
    let status = json!({"type": "message_status", "message_id": sent["message"]["id"],
                        "delivery_status": "sent", "delivery_error": null});
    chat.expect_exact(status).await;
    let outside = desk.bot.sent();
    assert_eq!((outside.len(), outside[0].chat_id, outside[0].text.as_str()), (1, 7_001, "How can I help?"));
}

#[tokio::test]
async fn edits_replies_and_files_of_customers_are_seen() {
    let desk = Desk::open().await;
    let (mut chat, _) = desk.meets(&john(), "Helo").await;
    chat.send(json!({"type": "chat_message", "content": "Yes?"})).await;
    chat.gather("message_status", 1).await;
    let ours = desk.bot.sent()[0].message_id;
    desk.bot.customer_replies(&john(), ours, "My parcel");
    assert_eq!(content(&chat.expect("chat_message").await), "My parcel");

    let picture = b"not really a picture".to_vec();
    desk.bot.customer_sends(&john(), &Content::Photo { bytes: picture.clone(), caption: "Broken".into() });
    let shown = chat.expect("chat_message").await;
    assert_eq!(content(&shown), "Broken");
    let url = shown["message"]["attachments"][0]["url"].as_str().unwrap().to_owned();
    assert!(!url.contains("AAHdqTcv"), "the bot's token is in no link");
    assert_eq!(fetch(&url).await, (200, picture));
    let (refused, _) = fetch(&url.replace("signature=", "signature=0")).await;
    assert_eq!(refused, 401);
}

#[tokio::test]
async fn what_a_customer_changes_and_feels_reaches_other_dialects() {
    let desk = Desk::open().await;
    let mut list = desk.list().await;
    let written = desk.bot.customer_writes(&john(), "Helo");
    let told = list.expect("new_customer_message").await;
    let path = format!("/jobs/ws/chat/{}/", told["conversation_id"].as_str().unwrap());
    let mut jobs = desk.causeway.client(&desk.sue, &path).await;
    desk.bot.customer_edits(&john(), written.message_id, "Hello");
    let edited = jobs.expect("message_edited").await;
    assert_eq!(edited["message"]["content"], "Hello");
    desk.bot.customer_reacts(&john(), written.message_id, &[], &["👍"]);
    let reacted = jobs.expect("message_reaction").await;
    assert_eq!((&reacted["reaction"], &reacted["action"]), (&json!("👍"), &json!("add")));
    desk.bot.customer_reacts(&john(), written.message_id, &["👍"], &[]);
    assert_eq!(jobs.expect("message_reaction").await["action"], "remove");

    // And what people of ours change reaches Telegram.
    jobs.send(json!({"type": "chat_message", "message": "Wellcome"})).await;
    let ours = jobs.expect("chat_message").await["message"]["id"].clone();
    desk.bot.has_sent(1, std::time::Duration::from_secs(10)).await;
    jobs.send(json!({"type": "edit_message", "message_id": ours, "message": "Welcome"})).await;
    eventually("the edit is out", async || desk.bot.sent()[0].text == "Welcome").await;
    jobs.send(json!({"type": "delete_message", "message_id": ours})).await;
    eventually("it is taken back", async || desk.bot.sent()[0].is_deleted).await;
}

#[tokio::test]
async fn who_blocked_the_bot_is_not_reached_and_support_is_told() {
    let desk = Desk::open().await;
    let (mut chat, _) = desk.meets(&john(), "Hello").await;
    desk.bot.block(john().id);
    chat.send(json!({"type": "chat_message", "content": "Still there?"})).await;
    let status = chat.gather("message_status", 1).await.remove(0);
    assert_eq!(status["delivery_status"], "failed");
    assert!(status["delivery_error"].as_str().unwrap().contains("blocked"), "{status}");
}

#[tokio::test]
async fn a_closed_conversation_opens_when_its_customer_writes() {
    let desk = Desk::open().await;
    let (mut chat, id) = desk.meets(&john(), "Hello").await;
    let mut list = desk.list().await;
    chat.send(json!({"type": "set_status", "status": "closed"})).await;
    assert_eq!(list.expect("conversation_updated").await["conversation"]["status"], "closed");
    desk.bot.customer_writes(&john(), "One more thing");
    let opened = list.expect("conversation_updated").await;
    assert_eq!(
        (&opened["conversation"]["id"], &opened["conversation"]["status"]),
        (&json!(id), &json!("active"))
    );
    list.expect("new_customer_message").await;
}

#[tokio::test]
async fn a_long_answer_goes_out_in_parts_and_a_rate_limit_only_delays_it() {
    let desk = Desk::open().await;
    let (mut chat, _) = desk.meets(&john(), "Hello").await;
    let long = "All work and no play makes Jack a dull boy. ".repeat(200);
    desk.bot.fail_next(1, Failure::Status(429, Some(1)));
    chat.send(json!({"type": "chat_message", "content": long})).await;
    let status = chat.gather("message_status", 1).await.remove(0);
    assert_eq!(status["delivery_status"], "sent");
    let outside = desk.bot.sent();
    assert!(outside.len() == 3 && outside.iter().all(|part| part.text.chars().count() <= 4_096));
    let together: String = outside.iter().map(|part| part.text.as_str()).collect();
    assert_eq!(together.split_whitespace().count(), long.split_whitespace().count());
}

#[tokio::test]
async fn typing_of_support_is_shown_in_telegram() {
    let desk = Desk::open().await;
    let (mut chat, _) = desk.meets(&john(), "Hello").await;
    chat.send(json!({"type": "typing", "is_typing": true})).await;
    eventually("Telegram shows it", async || desk.bot.actions().contains(&(john().id, "typing".into())))
        .await;
}

#[tokio::test]
async fn what_telegram_repeats_is_seen_once_and_what_cannot_be_read_stops_nothing() {
    let desk = Desk::open().await;
    let (mut chat, _) = desk.meets(&john(), "Hello").await;
    desk.bot.repeat_last();
    desk.bot.raises_raw(r#"{"update_id": 900000001, "message": {"message_id": "seven"}}"#);
    desk.bot.raises("purchased_paid_media", json!({"from": john().user(), "paid_media_payload": "x"}));
    desk.bot.customer_writes(&john(), "Next");
    assert_eq!(content(&chat.expect("chat_message").await), "Next");
    let listed = desk.causeway.run_well(&["plugin", "list", "--json"]).await;
    let plugins: serde_json::Value = serde_json::from_str(&listed).unwrap();
    assert_eq!((&plugins[0]["name"], &plugins[0]["set_aside"]), (&json!("telegram"), &json!(1)));
    assert_eq!(plugins[0]["accounts"][0]["account"], BOT);
}
