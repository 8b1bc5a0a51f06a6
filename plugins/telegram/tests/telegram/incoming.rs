//! What customers do, as the host hears of it.

use causeway_plugin_sdk::proto::plugin::{MessageEdit, MessageReaction, inbound_event::Body};
use serde_json::json;

use crate::{
    stage::{OTHER_TOKEN, SALES, SUPPORT, Stage, polling, unknown},
    telegram::{Content, Failure, Person, Sticker},
    until::until,
};

fn anna() -> Person {
    Person::new(77, "Anna").last_name("Smith").username("anna")
}

#[tokio::test]
async fn a_text_a_reply_and_an_edit_arrive() {
    let stage = Stage::start().await;
    let first = stage.bot.customer_writes(&anna(), "Where is my parcel?");
    let event = stage.host.next_event().await;
    assert_eq!((event.account.as_str(), event.partition.as_str()), (SUPPORT, "77"));
    assert_eq!(event.provider_id, format!("update/{}", first.update_id));
    let Some(Body::CustomerMessage(message)) = event.body else { panic!("a message") };
    assert_eq!(
        (message.text.as_str(), message.message_id),
        ("Where is my parcel?", first.message_id.to_string())
    );
    let customer = message.customer.unwrap();
    assert_eq!((customer.first_name.as_str(), customer.last_name.as_str()), ("Anna", "Smith"));

    stage.bot.customer_replies(&anna(), first.message_id, "I mean this one");
    assert_eq!(stage.next_message().await.reply_to, first.message_id.to_string());

    stage.bot.customer_edits(&anna(), first.message_id, "Where is it?");
    let edit = MessageEdit {
        customer_id: "77".into(),
        message_id: first.message_id.to_string(),
        text: "Where is it?".into(),
    };
    assert_eq!(stage.host.next_event().await.body, Some(Body::MessageEdit(edit)));
}

#[tokio::test]
async fn photos_documents_voice_and_stickers_are_files() {
    let stage = Stage::start().await;
    let bytes = b"bytes".to_vec();
    let caption = "Look".to_owned();
    for (content, text, kind, name) in [
        (Content::Photo { bytes: bytes.clone(), caption }, "Look", "image", "photo.jpg"),
        (
            Content::Document {
                name: "bill.pdf".into(),
                mime_type: "application/pdf".into(),
                bytes: bytes.clone(),
                caption: String::new(),
            },
            "",
            "file",
            "bill.pdf",
        ),
        (Content::Voice { bytes: bytes.clone() }, "", "audio", "voice.ogg"),
        (Content::Audio { name: "song.mp3".into(), bytes: bytes.clone() }, "", "audio", "song.mp3"),
        (Content::Video { bytes: bytes.clone(), caption: String::new() }, "", "video", "video.mp4"),
        (Content::VideoNote { bytes: bytes.clone() }, "", "video", "video_note.mp4"),
        (Content::Animation { bytes }, "", "video", "fun.mp4"),
        (Content::Sticker { emoji: "🦊".into(), is: Sticker::Still }, "🦊", "image", "sticker.webp"),
        (Content::Sticker { emoji: "🦊".into(), is: Sticker::Animated }, "🦊", "file", "sticker.tgs"),
        (Content::Sticker { emoji: "🦊".into(), is: Sticker::Video }, "🦊", "video", "sticker.webm"),
    ] {
        stage.bot.customer_sends(&anna(), &content);
        let message = stage.next_message().await;
        let [file] = message.files.as_slice() else { panic!("one file: {message:?}") };
        assert_eq!((message.text.as_str(), file.kind.as_str(), file.name.as_str()), (text, kind, name));
        assert!(
            file.url.starts_with(&format!("{}/telegram/files/{SUPPORT}/", stage.public_url)),
            "{}",
            file.url
        );
    }
    let contact = json!({"contact": {"phone_number": "+491", "first_name": "Bo"}});
    stage.bot.customer_sends(&anna(), &Content::Other(contact));
    assert_eq!(stage.next_message().await.text, "Contact: Bo, +491");
}

#[tokio::test]
async fn reactions_come_and_go() {
    let stage = Stage::start().await;
    let message = stage.bot.customer_writes(&anna(), "Hello").message_id;
    stage.next_message().await;
    stage.bot.customer_reacts(&anna(), message, &[], &["👍"]);
    stage.bot.customer_reacts(&anna(), message, &["👍"], &["custom:5368324170671202286"]);
    for (reaction, added) in [("👍", true), ("👍", false), ("custom:5368324170671202286", true)] {
        let (customer_id, message_id) = ("77".into(), message.to_string());
        let body = Body::MessageReaction(MessageReaction {
            customer_id,
            message_id,
            reaction: reaction.into(),
            added,
        });
        assert_eq!(stage.host.next_event().await.body, Some(body));
    }
}

#[tokio::test]
async fn what_is_not_a_customers_means_nothing() {
    let stage = Stage::start().await;
    stage.bot.group_message(-1_000_000_000_123, &anna(), "Hello all");
    assert_eq!(unknown(stage.host.next_event().await), "group message");
    stage.bot.customer_blocks(&anna());
    assert_eq!(unknown(stage.host.next_event().await), "customer blocked the bot");
    stage.bot.customer_unblocks(&anna());
    assert_eq!(unknown(stage.host.next_event().await), "customer unblocked the bot");
    stage.bot.raises("telepathy", json!({"strength": 7}));
    assert_eq!(unknown(stage.host.next_event().await), "telepathy");
}

#[tokio::test]
async fn what_cannot_be_read_stops_nothing() {
    let stage = Stage::start().await;
    stage.bot.raises("message", json!({"text": ["not", "a", "message"]}));
    stage.bot.raises_raw(r#"{"update_id": 700000090, "message": 7}"#);
    stage.bot.customer_writes(&anna(), "Still there?");
    for _ in 0..2 {
        let event = stage.host.next_event().await;
        assert!(matches!(event.body, Some(Body::Malformed(_))), "{event:?}");
    }
    assert_eq!(stage.next_message().await.text, "Still there?");
    // The offset moves past them.
    until("nothing is pending", || stage.bot.pending() == 0).await;
}

#[tokio::test]
async fn what_telegram_repeats_is_heard_once() {
    let stage = Stage::start().await;
    stage.bot.customer_writes(&anna(), "Once");
    assert_eq!(stage.next_message().await.text, "Once");
    stage.bot.repeat_last();
    stage.nothing_comes().await;
    stage.bot.customer_writes(&anna(), "Twice");
    assert_eq!(stage.next_message().await.text, "Twice");
}

#[tokio::test]
async fn what_was_not_settled_comes_again_after_a_restart() {
    let stage = Stage::start().await;
    stage.bot.customer_writes(&anna(), "Before");
    assert_eq!(stage.next_message().await.text, "Before");
    let (telegram, bot) = stage.stop().await;
    bot.customer_writes(&anna(), "Meanwhile");
    let stage = Stage::between(telegram, bot, |_| {}).await;
    let mut texts = vec![stage.next_message().await.text];
    if texts == ["Before"] {
        // Its settlement was not told to Telegram; the host of this test is new, and takes it again.
        texts = vec![stage.next_message().await.text];
    }
    assert_eq!(texts, ["Meanwhile"]);
}

#[tokio::test]
async fn several_bots_keep_their_customers_apart() {
    let telegram = crate::telegram::Telegram::start().await;
    let bots = [telegram.add_bot(crate::stage::TOKEN, SUPPORT), telegram.add_bot(OTHER_TOKEN, SALES)];
    let stage =
        Stage::between(telegram, bots[0].clone(), |settings| settings.bots.push(polling(SALES, OTHER_TOKEN)))
            .await;
    for (bot, account) in bots.iter().zip([SUPPORT, SALES]) {
        bot.customer_writes(&anna(), account);
        let event = stage.host.next_event().await;
        assert_eq!(event.account, account);
        let body = crate::stage::text_body(account, "");
        let report = stage.host.deliver(crate::stage::delivery(account, &anna(), body)).await;
        crate::stage::sent(&report);
        assert_eq!(bot.sent().iter().map(|sent| sent.text.as_str()).collect::<Vec<_>>(), [account]);
    }
}

#[tokio::test]
async fn a_thousand_updates_come_in_order_though_telegram_stumbles() {
    let stage = Stage::start().await;
    stage.bot.fail_next_polls(1, Failure::Status(500, None));
    for number in 0..1000 {
        stage.bot.customer_writes(&anna(), &number.to_string());
    }
    for number in 0..1000 {
        assert_eq!(stage.next_message().await.text, number.to_string());
    }
}
