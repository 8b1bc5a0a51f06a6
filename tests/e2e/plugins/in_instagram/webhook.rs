//! Who may call the webhook, and what comes of what is told again, late, or unreadably.

use serde_json::{Value, json};

use crate::{
    instagram::Signature,
    plugins::stage::{PETER, SHOP, Shop, VERIFY_TOKEN, content, shown},
    stage::Setup,
};

/// A notification that Peter wrote, as Meta sends it.
fn notification(mid: &str, text: &str) -> String {
    let item = json!({"sender": {"id": PETER}, "recipient": {"id": SHOP}, "timestamp": 1_767_225_600_000_i64,
                      "message": {"mid": mid, "text": text}});
    json!({"object": "instagram", "entry": [{"id": SHOP, "time": 1_767_225_600_000_i64, "messaging": [item]}]})
        .to_string()
}

fn contents(messages: &[Value]) -> Vec<&str> {
    messages.iter().map(|message| message["content"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_webhook_is_subscribed_by_whoever_knows_the_verify_token() {
    let shop = Shop::with(Setup::default().split(), "").await;
    assert_eq!(shop.subscribe("a guess").await, Err((403, String::new())));
    assert_eq!(shop.subscribe("").await, Err((403, String::new())));
    assert_eq!(shop.subscribe(VERIFY_TOKEN).await, Ok(()));
}

#[tokio::test]
async fn what_is_not_signed_by_meta_is_refused_and_not_stored() {
    let shop = Shop::open().await;
    let mut list = shop.list().await;
    let body = notification("m1", "I am not Peter");
    for signature in [Signature::Wrong, Signature::Missing, Signature::Is("sha256=00".to_owned())] {
        assert_eq!(shop.instagram.raw_webhook(body.clone(), signature).await, 401);
    }
    assert_eq!(shop.instagram.raw_webhook(notification("m2", "I am Peter"), Signature::Right).await, 200);
    let told = list.expect("new_customer_message").await;
    let (_, messages) = shop.history(told["conversation_id"].as_str().unwrap()).await;
    assert_eq!(contents(&messages), ["I am Peter"]);
    let refused = r#"causeway_plugin_webhook_refused_total{plugin="instagram",reason="signature"} 3"#;
    let metrics = shop.causeway.metrics().await;
    assert!(metrics.contains(refused), "{metrics}");
    assert!(!shop.causeway.printed().contains("I am not Peter"), "a refused body is not logged");
}

#[tokio::test]
async fn what_is_told_again_or_the_wrong_way_round_is_seen_once() {
    let shop = Shop::open().await;
    let (mut chat, id) = shop.meets(SHOP, PETER, "zero").await;
    shop.instagram.repeat_each(2);
    shop.instagram.hold();
    for text in ["one", "two", "three"] {
        shop.instagram.customer_writes(SHOP, PETER, text);
    }
    shop.instagram.release(true);
    let mut seen = Vec::new();
    for frame in chat.gather("chat_message", 3).await {
        seen.push(content(&frame).to_owned());
    }
    seen.sort_unstable();
    assert_eq!(seen, ["one", "three", "two"]);
    shop.instagram.all_told().await;
    shop.instagram.customer_writes(SHOP, PETER, "four");
    assert_eq!(content(&chat.expect("chat_message").await), "four");
    assert_eq!(shop.history(&id).await.1.len(), 5);
}

#[tokio::test]
async fn what_was_unsent_before_it_was_told_is_not_seen() {
    let shop = Shop::open().await;
    let (mut chat, id) = shop.meets(SHOP, PETER, "Hello").await;
    shop.instagram.hold();
    let corrected = shop.instagram.customer_writes(SHOP, PETER, "Helo again");
    shop.instagram.edits(SHOP, PETER, &corrected, "Hello again", 1);
    let secret = shop.instagram.customer_writes(SHOP, PETER, "My secret");
    shop.instagram.unsends(SHOP, PETER, &secret);
    shop.instagram.release(true);
    shop.instagram.all_told().await;
    shop.instagram.customer_writes(SHOP, PETER, "The end");
    while content(&chat.gather("chat_message", 1).await[0]) != "The end" {}
    let (_, messages) = shop.history(&id).await;
    let mut seen: Vec<_> = contents(&messages).into_iter().filter(|content| !content.is_empty()).collect();
    seen.sort_unstable();
    assert_eq!(seen, ["Hello", "Hello again", "The end"]);
}

#[tokio::test]
async fn what_cannot_be_read_is_kept_for_a_person_and_stops_nothing() {
    let shop = Shop::open().await;
    let (mut chat, _) = shop.meets(SHOP, PETER, "Hello").await;
    let bad = notification("m1", "?").replace(r#""m1""#, "7");
    for _ in 0..2 {
        assert_eq!(shop.instagram.raw_webhook(bad.clone(), Signature::Right).await, 200);
    }
    assert_eq!(shop.instagram.raw_webhook("nonsense", Signature::Right).await, 200);
    shop.instagram.happens(SHOP, PETER, "something_new", json!({"what": "?"}));
    shop.instagram.customer_writes(SHOP, PETER, "Next");
    assert_eq!(content(&chat.expect("chat_message").await), "Next");
    let plugins = shown(&shop.causeway, &["plugin", "list"]).await;
    assert_eq!((&plugins[0]["name"], &plugins[0]["set_aside"]), (&json!("instagram"), &json!(2)));
}
