//! What waits for plugins, and what was given up.

use serde_json::{Value, json};

use super::{john, listed};
use crate::{
    plugins::stage::{Desk, shown},
    stage::{Client, eventually},
};

/// Says something to a customer; the message's id.
async fn say(chat: &mut Client, text: &str) -> Value {
    chat.send(json!({"type": "chat_message", "content": text})).await;
    chat.gather("chat_message", 1).await[0]["message"]["id"].clone()
}

async fn becomes(chat: &mut Client, message: &Value, status: &str) {
    let told = chat.gather("message_status", 1).await.remove(0);
    assert_eq!((&told["message_id"], &told["delivery_status"]), (message, &json!(status)), "{told}");
}

#[tokio::test]
async fn what_was_given_up_is_listed_and_arrives_when_it_is_replayed() {
    let desk = Desk::open().await;
    let (mut chat, id) = desk.meets(&john(), "Hello").await;
    desk.bot.customer_blocks(&john());
    let mut messages = Vec::new();
    for text in ["Are you there?", "Then not"] {
        let message = say(&mut chat, text).await;
        becomes(&mut chat, &message, "failed").await;
        messages.push(message);
    }
    let dead =
        shown(&desk.causeway, &["outbox", "list", "--kind", "plugin/telegram", "--state", "dead"]).await;
    let dead = dead.as_array().unwrap();
    assert_eq!(dead.len(), 2);
    for item in dead {
        assert_eq!((&item["state"], &item["kind"]), (&json!("dead"), &json!("plugin/telegram")));
        assert!(item["last_error"].as_str().unwrap().contains("blocked"), "{item}");
        assert_eq!((&item["uncertain"], &item["key"]), (&json!(false), &json!(id)));
    }
    assert_eq!(listed(&desk, "telegram").await["deliveries_dead"], 2);
    let table = desk.causeway.run_well(&["outbox", "list"]).await;
    assert!(table.contains("dead") && table.contains("blocked"), "{table}");

    // One by its id while the customer still does not want it, then all.
    let first = dead[0]["id"].to_string();
    assert_eq!(desk.causeway.run_well(&["outbox", "replay", &first]).await, "1\n");
    becomes(&mut chat, &messages[0], "pending").await;
    becomes(&mut chat, &messages[0], "failed").await;
    desk.bot.customer_unblocks(&john());
    assert_eq!(desk.causeway.run_well(&["outbox", "replay", "--kind", "plugin/telegram"]).await, "2\n");
    let mut told = Vec::new();
    while told.len() < 2 {
        let status = chat.gather("message_status", 1).await.remove(0);
        if status["delivery_status"] != "pending" {
            told.push((status["message_id"].clone(), status["delivery_status"].clone()));
        }
    }
    for message in &messages {
        assert!(told.contains(&(message.clone(), json!("sent"))), "{told:?}");
    }
    let mut arrived: Vec<_> = desk.bot.sent().into_iter().map(|sent| sent.text).collect();
    arrived.sort_unstable();
    assert_eq!(arrived, ["Are you there?", "Then not"]);
    assert_eq!(shown(&desk.causeway, &["outbox", "list", "--kind", "plugin/telegram"]).await, json!([]));
    assert_eq!(desk.causeway.run_well(&["outbox", "replay", "--all"]).await, "0\n");
}

#[tokio::test]
async fn what_waits_is_listed_until_its_plugin_is_back() {
    let mut desk = Desk::with(crate::stage::Setup::default().split()).await;
    let (mut chat, _) = desk.meets(&john(), "Hello").await;
    desk.causeway.kill("telegram");
    let message = say(&mut chat, "One moment").await;
    let waiting = shown(&desk.causeway, &["outbox", "list", "--state", "waiting"]).await;
    assert_eq!((waiting.as_array().unwrap().len(), &waiting[0]["attempts"]), (1, &json!(0)));
    eventually("it is shown as away", async || listed(&desk, "telegram").await["attached"] == false).await;
    assert_eq!(listed(&desk, "telegram").await["deliveries_waiting"], 1);
    desk.causeway.start_again_without_waiting("telegram");
    becomes(&mut chat, &message, "sent").await;
    assert_eq!(desk.bot.sent()[0].text, "One moment");
}

#[tokio::test]
async fn nothing_is_replayed_that_nobody_named() {
    let desk = Desk::open().await;
    let refused = desk.causeway.run(&["outbox", "replay"]).await;
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--all"), "{refused:?}");
}
