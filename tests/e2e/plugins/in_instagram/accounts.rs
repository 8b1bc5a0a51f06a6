//! How accounts are, as an operator sees it.

use std::time::Duration;

use serde_json::{Value, json};

use super::status;
use crate::{
    instagram::{Failure, Refusal},
    plugins::stage::{OUTLET, PETER, SHOP, Shop, account, shown},
    stage::eventually,
};

/// State and advice of an account, as `causeway plugin list` shows them.
async fn report(shop: &Shop, instagram_id: &str) -> (String, String) {
    let plugins = shown(&shop.causeway, &["plugin", "list"]).await;
    let accounts = plugins[0]["accounts"].as_array().unwrap();
    let of = |report: &&Value| report["account"] == account(instagram_id);
    let report = accounts.iter().find(of).unwrap_or(&Value::Null);
    let text = |key: &str| report[key].as_str().unwrap_or_default().to_owned();
    (text("state"), text("advice"))
}

async fn becomes(shop: &Shop, instagram_id: &str, state: &str) -> String {
    eventually(state, async || report(shop, instagram_id).await.0 == state).await;
    report(shop, instagram_id).await.1
}

#[tokio::test]
async fn a_token_that_has_expired_is_not_mistaken_for_a_rate_limit() {
    let shop = Shop::open().await;
    for id in [SHOP, OUTLET] {
        assert_eq!(becomes(&shop, id, "connected").await, "");
    }
    let (mut chat, _) = shop.meets(SHOP, PETER, "Hello").await;
    let (mut other, _) = shop.meets(OUTLET, "77", "Hello there").await;

    shop.instagram.expire_token(SHOP);
    chat.send(json!({"type": "chat_message", "content": "How can I help?"})).await;
    let advice = becomes(&shop, SHOP, "bad-credentials").await;
    assert!(advice.contains("expired") && advice.contains("make a new one"), "{advice}");

    shop.instagram.fail_next(Failure::Refusal(Refusal::rate_limited(OUTLET, 19)));
    other.send(json!({"type": "chat_message", "content": "How can I help you?"})).await;
    let advice = becomes(&shop, OUTLET, "reconnecting").await;
    assert!(advice.contains("rate limited until"), "{advice}");
    assert_eq!(report(&shop, SHOP).await.0, "bad-credentials", "each account is by itself");

    // Nothing is given up: what will pass waits, and what a person has to do too.
    let plugins = shown(&shop.causeway, &["plugin", "list"]).await;
    assert_eq!((&plugins[0]["deliveries_waiting"], &plugins[0]["deliveries_dead"]), (&json!(2), &json!(0)));
}

#[tokio::test]
async fn a_rate_limit_only_delays_an_answer() {
    let shop = Shop::open().await;
    let (mut chat, _) = shop.meets(SHOP, PETER, "Hello").await;
    shop.instagram.rate_limit(1, Duration::from_secs(1));
    for text in ["one", "two"] {
        chat.send(json!({"type": "chat_message", "content": text})).await;
    }
    for _ in 0..2 {
        assert_eq!(status(&mut chat).await.0, "sent");
    }
    let sent = shop.instagram.sent();
    assert_eq!(sent.iter().map(|sent| sent.text()).collect::<Vec<_>>(), ["one", "two"]);
    assert_eq!(becomes(&shop, SHOP, "connected").await, "");
}
