//! Updates that are brought.

use causeway_plugin_sdk::proto::plugin::inbound_event::Body;
use reqwest::StatusCode;
use serde_json::json;

use crate::{
    stage::{SUPPORT, Stage, WEBHOOK_SECRET},
    telegram::{Order, Person},
};

const SECRET: &str = "X-Telegram-Bot-Api-Secret-Token";

async fn post(stage: &Stage, account: &str, secret: Option<&str>, body: String) -> StatusCode {
    let request =
        reqwest::Client::new().post(format!("{}/telegram/webhook/{account}", stage.public_url)).body(body);
    let request = secret.into_iter().fold(request, |request, secret| request.header(SECRET, secret));
    request.send().await.unwrap().status()
}

fn update(id: u64) -> String {
    let person = Person::new(77, "Anna");
    let message =
        json!({"message_id": 1, "date": 1, "chat": person.chat(), "from": person.user(), "text": "Hello"});
    json!({"update_id": id, "message": message}).to_string()
}

#[tokio::test]
async fn updates_are_brought_to_where_telegram_was_told() {
    let stage = Stage::with_webhook().await;
    assert_eq!(stage.bot.webhook(), Some(format!("{}/telegram/webhook/{SUPPORT}", stage.public_url)));
    stage.bot.customer_writes(&Person::new(77, "Anna"), "Hello");
    assert_eq!(stage.next_message().await.text, "Hello");
    stage.bot.customer_reacts(&Person::new(77, "Anna"), 1, &[], &["👍"]);
    assert!(matches!(stage.host.next_event().await.body, Some(Body::MessageReaction(_))));
    // Answered, and so not brought again.
    stage.nothing_comes().await;
    assert_eq!(stage.bot.pending(), 0);
}

#[tokio::test]
async fn only_who_knows_the_secret_is_heard() {
    let stage = Stage::with_webhook().await;
    for wrong in [None, Some(""), Some("open_sesame-4"), Some("OPEN_SESAME-42")] {
        assert_eq!(post(&stage, SUPPORT, wrong, update(1)).await, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(post(&stage, "stranger", Some(WEBHOOK_SECRET), update(1)).await, StatusCode::NOT_FOUND);
    stage.nothing_comes().await;
    assert_eq!(post(&stage, SUPPORT, Some(WEBHOOK_SECRET), update(1)).await, StatusCode::OK);
    assert_eq!(stage.next_message().await.text, "Hello");
    assert_eq!(post(&stage, SUPPORT, Some(WEBHOOK_SECRET), update(1)).await, StatusCode::OK);
    stage.nothing_comes().await;
}

#[tokio::test]
async fn a_bot_that_asks_for_its_updates_is_brought_none() {
    let stage = Stage::start().await;
    assert_eq!(post(&stage, SUPPORT, Some(WEBHOOK_SECRET), update(1)).await, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_cannot_be_read_is_answered_once_and_for_all() {
    let stage = Stage::with_webhook().await;
    for body in ["{", "", "\u{0}", r#"{"update_id":1,"message":{}}"#] {
        assert_eq!(post(&stage, SUPPORT, Some(WEBHOOK_SECRET), body.to_owned()).await, StatusCode::OK);
        assert!(matches!(stage.host.next_event().await.body, Some(Body::Malformed(_))));
    }
    let large = " ".repeat((1 << 20) + 1);
    assert_eq!(post(&stage, SUPPORT, Some(WEBHOOK_SECRET), large).await, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn updates_out_of_order_are_all_heard() {
    let stage = Stage::with_webhook().await;
    stage.bot.hold();
    for id in 1..=20 {
        stage.bot.customer_writes(&Person::new(id, "Somebody"), &id.to_string());
    }
    stage.bot.release(Order::Shuffled(7));
    let mut heard = Vec::new();
    for _ in 1..=20 {
        heard.push(stage.next_message().await.text.parse::<i64>().unwrap());
    }
    heard.sort_unstable();
    assert_eq!(heard, (1..=20).collect::<Vec<_>>());
}
