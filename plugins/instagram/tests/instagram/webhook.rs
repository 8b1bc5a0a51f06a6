//! Who may call the webhook, and what is made of what is hard to read.

use causeway_plugin_sdk::{proto::plugin::inbound_event::Body, webhook::sign_hmac_sha256};
use serde_json::{Value, json};

use crate::{
    stage::{PETER, SHOP, Stage},
    stand_in::{APP_SECRET, Signature},
    until::until,
};

fn item(mid: &str, text: &str) -> Value {
    json!({
        "sender": {"id": PETER}, "recipient": {"id": SHOP}, "timestamp": 1_569_262_485_349_i64,
        "message": {"mid": mid, "text": text},
    })
}

fn notification(items: Value) -> Value {
    json!({"object": "instagram", "entry": [{"id": SHOP, "time": 1_569_262_486_134_i64, "messaging": items}]})
}

#[tokio::test]
async fn the_challenge_is_answered_to_whoever_knows_the_verify_token() {
    let stage = Stage::start().await;
    let refused = stage.instagram.subscribe(&stage.callback, "guess").await;
    assert_eq!(refused, Err((403, String::new())));
    assert_eq!(stage.instagram.subscribe(&stage.callback, "").await, Err((403, String::new())));
    let unsubscribe = format!("{}?hub.mode=unsubscribe&hub.verify_token=verify-hunter3", stage.callback);
    assert_eq!(reqwest::get(unsubscribe).await.unwrap().status(), 403);
    assert_eq!(reqwest::get(&stage.callback).await.unwrap().status(), 403);
}

#[tokio::test]
async fn only_what_is_signed_over_its_raw_bytes_is_taken() {
    let stage = Stage::start().await;
    // Spaces that no serializer would write again, and a letter that is escaped in one form and not in the other.
    let raw = notification(json!([item("m1", "Grüße")])).to_string().replace(",\"", " , \"");
    let rewritten = serde_json::from_str::<Value>(&raw).unwrap().to_string();
    let of_rewritten = format!("sha256={}", sign_hmac_sha256(APP_SECRET.as_bytes(), rewritten.as_bytes()));
    let of_raw = sign_hmac_sha256(APP_SECRET.as_bytes(), raw.as_bytes());
    for signature in [
        Signature::Wrong,
        Signature::Missing,
        Signature::Is(of_rewritten),
        Signature::Is(of_raw.clone()),
        Signature::Is(format!("sha1={of_raw}")),
        Signature::Is("sha256=".to_owned()),
    ] {
        assert_eq!(stage.instagram.raw_webhook(raw.clone(), signature.clone()).await, 401, "{signature:?}");
    }
    assert_eq!(stage.instagram.raw_webhook(raw, Signature::Right).await, 200);
    assert_eq!(stage.next_message().await.text, "Grüße");
    assert_eq!(stage.rest().await, []);
}

#[tokio::test]
async fn a_notification_of_more_than_a_mebibyte_is_refused() {
    let stage = Stage::start().await;
    let long = vec![b' '; (1 << 20) + 1];
    assert_eq!(stage.instagram.raw_webhook(long, Signature::Right).await, 413);
}

#[tokio::test]
async fn what_is_told_again_is_one_event() {
    let stage = Stage::start().await;
    stage.instagram.repeat_each(2);
    let mid = stage.instagram.customer_writes(SHOP, PETER, "Hello");
    stage.instagram.all_told().await;
    let event = stage.host.next_event().await;
    assert_eq!(event.provider_id, format!("mid/{mid}"));
    assert_eq!(stage.rest().await, []);
}

#[tokio::test]
async fn what_is_told_the_wrong_way_round_is_all_taken() {
    let stage = Stage::start().await;
    stage.instagram.hold();
    let mid = stage.instagram.customer_writes(SHOP, PETER, "Helo");
    stage.instagram.edits(SHOP, PETER, &mid, "Hello", 1);
    stage.instagram.unsends(SHOP, PETER, &mid);
    stage.instagram.release(true);
    stage.instagram.all_told().await;
    assert!(matches!(stage.next().await, Body::MessageDeletion(deletion) if deletion.message_id == mid));
    assert!(matches!(stage.next().await, Body::MessageEdit(edit) if edit.text == "Hello"));
    assert_eq!(stage.next_message().await.text, "Helo");
}

#[tokio::test]
async fn an_item_that_cannot_be_read_costs_nobody_else() {
    let stage = Stage::start().await;
    let bad = json!({"sender": {"id": PETER}, "recipient": {"id": SHOP}, "message": {"mid": 7}});
    let other = json!({"id": SHOP, "time": 1, "messaging": [item("m3", "three")]});
    let mut body = notification(json!([item("m1", "one"), bad, item("m2", "two")]));
    body["entry"].as_array_mut().unwrap().extend([json!("nonsense"), other]);
    for _ in 0..2 {
        assert_eq!(stage.instagram.raw_webhook(body.to_string(), Signature::Right).await, 200);
    }
    assert_eq!(stage.next_message().await.text, "one");
    let event = stage.host.next_event().await;
    assert_eq!(event.account, "shop");
    let Some(Body::Malformed(malformed)) = event.body else { panic!("{event:?}") };
    assert_eq!(malformed.payload, bad.to_string().into_bytes());
    assert_eq!(stage.next_message().await.text, "two");
    assert!(matches!(stage.next().await, Body::Malformed(malformed) if malformed.payload == b"\"nonsense\""));
    assert_eq!(stage.next_message().await.text, "three");
    assert_eq!(stage.rest().await, []);
}

#[tokio::test]
async fn a_body_that_is_not_json_is_kept_and_not_asked_for_again() {
    let stage = Stage::start().await;
    assert_eq!(stage.instagram.raw_webhook("nonsense", Signature::Right).await, 200);
    let event = stage.host.next_event().await;
    assert!(event.provider_id.starts_with("malformed/"), "{event:?}");
    assert!(matches!(event.body, Some(Body::Malformed(malformed)) if malformed.payload == b"nonsense"));
}

#[tokio::test]
async fn what_means_nothing_here_is_named() {
    let stage = Stage::start().await;
    let mut elsewhere = notification(json!([item("m1", "one")]));
    elsewhere["entry"][0]["id"] = "17841400000000002".into();
    let optin =
        json!({"sender": {"id": PETER}, "recipient": {"id": SHOP}, "timestamp": 1, "optin": {"ref": "x"}});
    let entry = json!({"id": SHOP, "time": 1, "changes": [{"field": "comments", "value": {"id": "9"}}]});
    for (body, kind) in [
        (elsewhere, "account that is not configured"),
        (notification(json!([optin])), "optin"),
        (json!({"object": "instagram", "entry": [entry]}), "comments"),
        (json!({"object": "page", "entry": []}), "page"),
    ] {
        assert_eq!(stage.instagram.raw_webhook(body.to_string(), Signature::Right).await, 200);
        assert!(matches!(stage.next().await, Body::Unknown(unknown) if unknown.kind == kind), "{kind}");
    }
}

#[tokio::test]
async fn test_notifications_of_the_dashboard_are_read() {
    let stage = Stage::start().await;
    // As the dashboard sends it, with times in seconds and as text.
    let value = json!({
        "sender": {"id": "12334"}, "recipient": {"id": "23245"}, "timestamp": "1527459824",
        "message": {"mid": "random_mid", "text": "random_text"},
    });
    let entry =
        json!({"id": SHOP, "time": 1_527_459_824, "changes": [{"field": "messages", "value": value}]});
    let body = json!({"object": "instagram", "entry": [entry]});
    assert_eq!(stage.instagram.raw_webhook(body.to_string(), Signature::Right).await, 200);
    let event = stage.host.next_event().await;
    assert_eq!(event.time.map(|time| (time.seconds, time.nanos)), Some((1_527_459_824, 0)));
    assert_eq!((event.partition.as_str(), event.provider_id.as_str()), ("12334", "mid/random_mid"));
}

#[tokio::test]
async fn a_plugin_that_stops_asks_for_the_notification_again() {
    let Stage { instagram, host, stop, .. } = Stage::start().await;
    host.attached().await;
    // Nobody settles anything any more.
    drop(host);
    let told = instagram.raw_webhook(notification(json!([item("m1", "one")])).to_string(), Signature::Right);
    let stopped = async {
        // Who wrote is asked when the notification is in the plugin's hands.
        let is_asked = || instagram.requests().iter().any(|request| request.url.contains(PETER));
        until("the profile is asked for", is_asked).await;
        stop.cancel();
    };
    let (status, ()) = tokio::join!(told, stopped);
    assert_eq!(status, 503);
}
