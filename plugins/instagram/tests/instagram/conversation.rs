//! What happens to messages later.

use causeway_plugin_sdk::proto::plugin::{
    DeliveryState, MessageDeletion, MessageEdit, MessageReaction, MessageReceipt, inbound_event::Body,
};
use serde_json::json;

use crate::stage::{PETER, SHOP, Stage};

fn reaction(mid: &str, reaction: &str, added: bool) -> Body {
    let [customer_id, message_id, reaction] = [PETER, mid, reaction].map(str::to_owned);
    Body::MessageReaction(MessageReaction { customer_id, message_id, reaction, added })
}

/// Whatever the customer gave to the message is gone.
fn nothing(mid: &str) -> Body {
    reaction(mid, "", false)
}

#[tokio::test]
async fn a_reaction_comes_and_goes() {
    let stage = Stage::start().await;
    stage.instagram.customer_reacts(SHOP, PETER, "m1", "love", "❤");
    stage.instagram.customer_unreacts(SHOP, PETER, "m1");
    assert_eq!(stage.next().await, nothing("m1"));
    let event = stage.host.next_event().await;
    assert!(event.provider_id.starts_with(&format!("reaction/m1/{PETER}/react/❤️/")), "{event:?}");
    assert_eq!(event.body, Some(reaction("m1", "❤️", true)));
    assert_eq!(stage.next().await, nothing("m1"));
}

#[tokio::test]
async fn a_reaction_takes_the_place_of_another() {
    let stage = Stage::start().await;
    for (name, emoji) in [("like", "👍"), ("wow", "😮")] {
        stage.instagram.customer_reacts(SHOP, PETER, "m1", name, emoji);
        assert_eq!(stage.next().await, nothing("m1"));
        assert_eq!(stage.next().await, reaction("m1", emoji, true));
        // Two reactions of one customer to one message never have the same millisecond.
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn a_message_is_unsent() {
    let stage = Stage::start().await;
    let mid = stage.instagram.customer_writes(SHOP, PETER, "Oops");
    stage.instagram.unsends(SHOP, PETER, &mid);
    stage.next_message().await;
    let event = stage.host.next_event().await;
    assert_eq!((&event.provider_id, event.partition.as_str()), (&format!("deleted/{mid}"), PETER));
    let deletion = MessageDeletion { customer_id: PETER.to_owned(), message_id: mid };
    assert_eq!(event.body, Some(Body::MessageDeletion(deletion)));
}

#[tokio::test]
async fn each_edit_is_an_event_and_the_zeroth_is_none() {
    let stage = Stage::start().await;
    stage.instagram.edits(SHOP, PETER, "m1", "Helo", 0);
    assert!(matches!(stage.next().await, Body::Unknown(_)));
    for (number, text) in [(1, "Hello"), (2, "Hello!")] {
        stage.instagram.edits(SHOP, PETER, "m1", text, number);
        let event = stage.host.next_event().await;
        assert_eq!(event.provider_id, format!("edit/m1/{number}"));
        let [customer_id, message_id, text] = [PETER, "m1", text].map(str::to_owned);
        let edit = MessageEdit { customer_id, message_id, text };
        assert_eq!(event.body, Some(Body::MessageEdit(edit)));
    }
}

#[tokio::test]
async fn reading_and_delivery_are_receipts() {
    let stage = Stage::start().await;
    stage.instagram.reads(SHOP, PETER, "m2");
    let event = stage.host.next_event().await;
    assert_eq!(event.provider_id, format!("read/m2/{PETER}"));
    let receipt = |state: DeliveryState, ids: &[&str], through| {
        Some(Body::MessageReceipt(MessageReceipt {
            customer_id: PETER.to_owned(),
            state: state.into(),
            message_ids: ids.iter().copied().map(str::to_owned).collect(),
            through,
        }))
    };
    assert_eq!(event.body, receipt(DeliveryState::Read, &["m2"], None));

    stage.instagram.delivers(SHOP, PETER, &["m1".to_owned(), "m2".to_owned()]);
    let event = stage.host.next_event().await;
    assert!(event.provider_id.starts_with("delivery/"), "{event:?}");
    let Some(Body::MessageReceipt(found)) = &event.body else { panic!("{event:?}") };
    assert!(found.through.is_some());
    assert_eq!(event.body, receipt(DeliveryState::Delivered, &["m1", "m2"], found.through));

    stage.instagram.happens(SHOP, PETER, "read", json!({"watermark": 1_458_668_856_253_i64}));
    let Body::MessageReceipt(read) = stage.next().await else { panic!("a receipt") };
    assert_eq!(read.through.map(|time| time.seconds), Some(1_458_668_856));
}
