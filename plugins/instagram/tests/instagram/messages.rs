//! What customers write, and what others write to them.

use std::time::Duration;

use causeway_plugin_sdk::proto::plugin::{Customer, CustomerMessage, inbound_event::Body};
use serde_json::{Value, json};

use crate::{
    stage::{PETER, SHOP, Stage},
    stand_in::{Failure, Signature},
};

/// Kind and address of each file.
fn files(message: &CustomerMessage) -> Vec<(&str, &str)> {
    message.files.iter().map(|file| (file.kind.as_str(), file.url.as_str())).collect()
}

#[tokio::test]
async fn a_text_comes_with_its_author() {
    let stage = Stage::start().await;
    let mid = stage.instagram.customer_writes(SHOP, PETER, "Is the blue one still there? 🚤");
    let event = stage.host.next_event().await;
    assert_eq!((event.account.as_str(), event.partition.as_str()), ("shop", PETER));
    assert_eq!(event.provider_id, format!("mid/{mid}"));
    assert!(event.time.is_some());
    let peter = Customer {
        id: PETER.to_owned(),
        first_name: "Peter".to_owned(),
        last_name: "Chang".to_owned(),
        username: "peter_chang_live".to_owned(),
        profile_picture: format!("https://scontent.cdninstagram.com/v/{PETER}.jpg"),
    };
    let message = CustomerMessage {
        customer: Some(peter),
        message_id: mid,
        text: "Is the blue one still there? 🚤".to_owned(),
        ..CustomerMessage::default()
    };
    assert_eq!(event.body, Some(Body::CustomerMessage(message)));
}

#[tokio::test]
async fn a_profile_is_asked_for_once() {
    let stage = Stage::start().await;
    for text in ["one", "two", "three"] {
        stage.instagram.customer_writes(SHOP, PETER, text);
        assert_eq!(stage.next_message().await.customer.unwrap().first_name, "Peter");
    }
    let asked = stage.instagram.requests().into_iter().filter(|request| request.url.contains(PETER));
    assert_eq!(asked.count(), 1);
}

#[tokio::test]
async fn a_message_does_not_wait_long_for_a_profile_and_a_later_one_brings_it() {
    let stage = Stage::with(|settings| settings.profile_cache = Duration::ZERO).await;
    for failure in [Failure::Hang, Failure::Status(500), Failure::Close] {
        stage.instagram.fail_profiles(Some(failure));
        stage.instagram.customer_writes(SHOP, PETER, "Hello");
        let message = stage.host.event_within(Duration::from_secs(3)).await.unwrap().body;
        let Some(Body::CustomerMessage(message)) = message else { panic!("{message:?}") };
        assert_eq!(message.customer, Some(Customer { id: PETER.to_owned(), ..Customer::default() }));
    }
    stage.instagram.fail_profiles(None);
    stage.instagram.customer_writes(SHOP, PETER, "Hello?");
    assert_eq!(stage.next_message().await.customer.unwrap().last_name, "Chang");
}

#[tokio::test]
async fn attachments_are_files_and_what_is_shared_is_a_link() {
    let stage = Stage::start().await;
    let cdn = "https://lookaside.fbsbx.com/ig_messaging_cdn/?asset_id=1";
    let reel = "https://www.instagram.com/reel/C0ffee/";
    let attachment = |kind: &str, url: &str| json!({"type": kind, "payload": {"url": url}});
    let many = json!([
        attachment("image", cdn),
        attachment("video", cdn),
        attachment("audio", cdn),
        attachment("file", cdn),
        attachment("ig_reel", cdn),
        attachment("share", reel),
    ]);
    stage.instagram.customer_sends(SHOP, PETER, &many);
    let message = stage.next_message().await;
    assert_eq!(files(&message), ["image", "video", "audio", "file", "video"].map(|kind| (kind, cdn)));
    assert_eq!(message.text, reel);
}

#[tokio::test]
async fn a_story_reply_has_the_story() {
    let stage = Stage::start().await;
    let story = json!({"id": "17870912", "url": "https://scontent.cdninstagram.com/v/story.mp4"});
    stage.instagram.story_reply(SHOP, PETER, &story, "Where is this?");
    let message = stage.next_message().await;
    assert_eq!(message.text, "Where is this?");
    assert_eq!(files(&message), [("video", "https://scontent.cdninstagram.com/v/story.mp4")]);
    assert_eq!(serde_json::from_str::<Value>(&message.metadata).unwrap(), json!({"story": story}));
    assert_eq!(message.reply_to, "");
}

#[tokio::test]
async fn a_reply_names_what_it_answers() {
    let stage = Stage::start().await;
    let first = stage.instagram.customer_writes(SHOP, PETER, "one");
    stage.instagram.customer_replies(SHOP, PETER, &first, "I mean two");
    stage.next_message().await;
    assert_eq!(stage.next_message().await.reply_to, first);
}

#[tokio::test]
async fn buttons_say_what_stands_on_them() {
    let stage = Stage::start().await;
    let mid = stage.instagram.customer_presses(SHOP, PETER, "Opening hours", "HOURS");
    let message = stage.next_message().await;
    assert_eq!((message.text.as_str(), &message.message_id), ("Opening hours", &mid));
    let metadata: Value = serde_json::from_str(&message.metadata).unwrap();
    assert_eq!(metadata, json!({"postback": {"title": "Opening hours", "payload": "HOURS"}}));
    assert_eq!(message.customer.unwrap().first_name, "Peter");

    let quick = json!({"mid": "m2", "text": "Yes", "quick_reply": {"payload": "YES"}});
    stage.instagram.happens(SHOP, PETER, "message", quick);
    let message = stage.next_message().await;
    assert_eq!(
        (message.text.as_str(), message.metadata.as_str()),
        ("Yes", r#"{"quick_reply":{"payload":"YES"}}"#)
    );
}

#[tokio::test]
async fn what_instagram_does_not_pass_on_is_not_passed_over() {
    let stage = Stage::start().await;
    stage.instagram.customer_sends_unsupported(SHOP, PETER);
    let message = stage.next_message().await;
    assert!(message.text.contains("does not pass on"), "{message:?}");
    assert_eq!(message.metadata, r#"{"is_unsupported":true}"#);
}

#[tokio::test]
async fn what_is_sent_elsewhere_is_ours_and_what_we_sent_is_not_told_twice() {
    let stage = Stage::start().await;
    stage.peter_wrote(Duration::ZERO);
    stage.say("From here").await;
    let echo = stage.host.next_event().await;
    assert!(matches!(&echo.body, Some(Body::Unknown(unknown)) if unknown.kind == "own echo"), "{echo:?}");
    for app in [None, Some(7)] {
        let mid = stage.instagram.sends_elsewhere(SHOP, PETER, "From a phone", app);
        let event = stage.host.next_event().await;
        assert_eq!((event.provider_id, event.partition.as_str()), (format!("mid/{mid}"), PETER));
        let Some(Body::OwnMessage(own)) = event.body else { panic!("{:?}", event.body) };
        assert_eq!((own.text.as_str(), own.message_id), ("From a phone", mid));
        assert_eq!(own.customer.unwrap().first_name, "Peter");
    }
}

#[tokio::test]
async fn without_an_app_id_every_echo_is_for_the_host_to_tell() {
    let stage = Stage::with(|settings| settings.accounts[0].app_id = None).await;
    stage.peter_wrote(Duration::ZERO);
    let report = stage.say("From here").await;
    let Body::OwnMessage(own) = stage.next().await else { panic!("an own message") };
    assert_eq!(own.message_id, report.provider_message_id);
}

#[tokio::test]
async fn messages_of_two_customers_in_one_notification_each_have_their_author() {
    let stage = Stage::start().await;
    stage.instagram.add_customer("77", "Ada Lovelace", "ada");
    for customer in [PETER, "77"] {
        stage.instagram.customer_wrote_ago(SHOP, customer, Duration::ZERO);
    }
    let item = |mid: &str, from: &str| {
        json!({"sender": {"id": from}, "recipient": {"id": SHOP}, "timestamp": 1_569_262_485_349_i64,
            "message": {"mid": mid, "text": mid}})
    };
    let entries: Vec<_> = [item("m1", PETER), item("m2", "77")]
        .into_iter()
        .map(|item| json!({"id": SHOP, "time": 1, "messaging": [item]}))
        .collect();
    let body = json!({"object": "instagram", "entry": entries}).to_string();
    assert_eq!(stage.instagram.raw_webhook(body, Signature::Right).await, 200);
    let mut names = Vec::new();
    for _ in 0..2 {
        names.push(stage.next_message().await.customer.unwrap().last_name);
    }
    names.sort();
    assert_eq!(names, ["Chang", "Lovelace"]);
}
