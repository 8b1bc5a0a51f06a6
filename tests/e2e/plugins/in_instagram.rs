//! Instagram customers and support people, both ways.

mod accounts;
mod webhook;

use std::time::Duration;

use serde_json::json;

use super::stage::{PETER, SHOP, Shop, content};
use crate::{
    instagram::APP_ID,
    stage::{Client, DIGITS, INTEGER, Setup, TIME, eventually},
};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// The status of the next message that gets one.
async fn status(chat: &mut Client) -> (String, String) {
    let status = chat.gather("message_status", 1).await.remove(0);
    let text = |key: &str| status[key].as_str().unwrap_or_default().to_owned();
    (text("delivery_status"), text("delivery_error"))
}

#[tokio::test]
async fn a_customer_a_conversation_and_a_message_come_into_being_by_themselves() {
    let shop = Shop::open().await;
    let mut list = shop.list().await;
    shop.instagram.customer_writes(SHOP, PETER, "Is the blue one still there? 🚤");
    let message = json!({
        "id": DIGITS, "content": "Is the blue one still there? 🚤", "type": "customer", "is_ai_response": false,
        "is_answered": false, "created_at": TIME,
        "customer": {"id": INTEGER, "first_name": "Peter", "last_name": "Chang", "source": "instagram"},
    });
    let expected = json!({"type": "new_customer_message", "conversation_id": DIGITS, "message": message});
    let told = list.expect_exact(expected).await;
    list.send(json!({"type": "get_conversations"})).await;
    let conversations = list.expect("conversations_list").await["conversations"].clone();
    assert_eq!(conversations.as_array().unwrap().len(), 1);
    let conversation = &conversations[0];
    assert_eq!(
        (&conversation["id"], &conversation["title"], &conversation["unread_count"]),
        (&told["conversation_id"], &json!("instagram - Peter Chang"), &json!(1))
    );
    let picture = format!("https://scontent.cdninstagram.com/v/{PETER}.jpg");
    assert_eq!(conversation["customer"]["profile_picture"], picture);
}

#[tokio::test]
async fn pictures_and_replies_to_stories_are_seen() {
    let shop = Shop::open().await;
    let (mut chat, _) = shop.meets(SHOP, PETER, "Hello").await;
    let cdn = "https://lookaside.fbsbx.com/ig_messaging_cdn/?asset_id=1&signature=x";
    let image = json!([{"type": "image", "payload": {"url": cdn}}]);
    shop.instagram.customer_sends(SHOP, PETER, &image);
    let shown = chat.expect("chat_message").await;
    assert_eq!(shown["message"]["attachments"][0]["url"], cdn);

    let url = "https://scontent.cdninstagram.com/v/story.mp4";
    let story = json!({"id": "17870912", "url": url});
    shop.instagram.story_reply(SHOP, PETER, &story, "Where is this?");
    let shown = chat.expect("chat_message").await;
    assert_eq!(content(&shown), "Where is this?");
    assert_eq!(shown["message"]["attachments"][0]["url"], url);
}

#[tokio::test]
async fn what_a_customer_feels_and_unsends_reaches_other_dialects() {
    let shop = Shop::open().await;
    let mut list = shop.list().await;
    let written = shop.instagram.customer_writes(SHOP, PETER, "Helo");
    let told = list.expect("new_customer_message").await;
    let id = told["conversation_id"].as_str().unwrap();
    let mut jobs = shop.causeway.client(&shop.sue, &format!("/jobs/ws/chat/{id}/")).await;

    shop.instagram.edits(SHOP, PETER, &written, "Hello", 1);
    assert_eq!(jobs.expect("message_edited").await["message"]["content"], "Hello");
    shop.instagram.customer_reacts(SHOP, PETER, &written, "love", "❤");
    let reacted = jobs.expect("message_reaction").await;
    assert_eq!((&reacted["reaction"], &reacted["action"]), (&json!("❤️"), &json!("add")));
    shop.instagram.customer_unreacts(SHOP, PETER, &written);
    let taken_back = jobs.expect("message_reaction").await;
    assert_eq!((&taken_back["reaction"], &taken_back["action"]), (&json!("❤️"), &json!("remove")));

    shop.instagram.unsends(SHOP, PETER, &written);
    let deleted = jobs.expect("message_deleted").await;
    assert_eq!(deleted["message_id"], reacted["message_id"]);
    let (_, messages) = shop.history(id).await;
    assert_eq!((messages.len(), &messages[0]["content"]), (1, &json!("")));
}

#[tokio::test]
async fn an_answer_goes_out_and_its_echo_is_not_a_second_one() {
    // Without the app's id the plugin cannot tell its own echoes; then they are told by the ids of their messages.
    for more in [format!("app_id = \"{APP_ID}\"\n"), String::new()] {
        let shop = Shop::with(Setup::default(), &more).await;
        let (mut chat, id) = shop.meets(SHOP, PETER, "Hello").await;
        chat.send(json!({"type": "chat_message", "content": "How can I help?"})).await;
        let sent = chat.expect("chat_message").await;
        assert_eq!(sent["message"]["delivery_status"], "pending");
        let expected = json!({"type": "message_status", "message_id": sent["message"]["id"],
                              "delivery_status": "sent", "delivery_error": null});
        chat.expect_exact(expected).await;
        let outside = shop.instagram.sent();
        assert_eq!((outside.len(), outside[0].customer.as_str()), (1, PETER));
        assert_eq!((outside[0].account.as_str(), outside[0].text()), (SHOP, "How can I help?"));

        shop.instagram.all_told().await;
        shop.instagram.customer_writes(SHOP, PETER, "The blue one");
        assert_eq!(content(&chat.expect("chat_message").await), "The blue one");
        assert_eq!(shop.history(&id).await.1.len(), 3);
    }
}

#[tokio::test]
async fn what_is_sent_by_phone_is_ours_once_and_answers_the_customer() {
    let shop = Shop::open().await;
    let (mut chat, id) = shop.meets(SHOP, PETER, "Hello").await;
    shop.instagram.repeat_each(2);
    shop.instagram.sends_elsewhere(SHOP, PETER, "From my phone", None);
    let ours = chat.expect("chat_message").await;
    assert_eq!((content(&ours), &ours["message"]["type"]), ("From my phone", &json!("support")));
    shop.instagram.all_told().await;
    shop.instagram.customer_writes(SHOP, PETER, "Thanks");
    assert_eq!(content(&chat.expect("chat_message").await), "Thanks");

    let (_, messages) = shop.history(&id).await;
    let answered: Vec<_> =
        messages.iter().map(|message| (&message["content"], &message["is_answered"])).collect();
    let [hello, phone, thanks] = answered[..] else { panic!("{messages:?}") };
    assert_eq!((hello.0, hello.1), (&json!("Hello"), &json!(true)));
    assert_eq!((phone.0, thanks.0, thanks.1), (&json!("From my phone"), &json!("Thanks"), &json!(false)));
    assert_eq!(shop.instagram.sent(), [], "it is there already");
}

#[tokio::test]
async fn delivered_and_read_come_back_and_nothing_goes_backwards() {
    let shop = Shop::open().await;
    let (mut chat, _) = shop.meets(SHOP, PETER, "Hello").await;
    chat.send(json!({"type": "chat_message", "content": "How can I help?"})).await;
    assert_eq!(status(&mut chat).await.0, "sent");
    let mid = shop.instagram.sent()[0].mid.clone();
    shop.instagram.delivers(SHOP, PETER, std::slice::from_ref(&mid));
    assert_eq!(status(&mut chat).await.0, "delivered");
    shop.instagram.reads(SHOP, PETER, &mid);
    assert_eq!(status(&mut chat).await.0, "read");
    shop.instagram.delivers(SHOP, PETER, &[mid]);
    shop.instagram.all_told().await;
    shop.instagram.customer_writes(SHOP, PETER, "I see");
    assert_eq!(content(&chat.expect("chat_message").await), "I see");
}

#[tokio::test]
async fn a_long_answer_goes_out_in_parts_of_a_thousand_bytes() {
    let shop = Shop::open().await;
    let (mut chat, _) = shop.meets(SHOP, PETER, "Hello").await;
    let long = "Grüße aus Köln, wo es schön ist. ".repeat(80);
    let long = long.trim_end();
    chat.send(json!({"type": "chat_message", "content": long})).await;
    assert_eq!(status(&mut chat).await.0, "sent");
    let outside = shop.instagram.sent();
    assert_eq!(outside.len(), long.len().div_ceil(1_000));
    assert!(outside.iter().all(|part| part.text().len() <= 1_000));
    let together: Vec<_> = outside.iter().flat_map(|part| part.text().split_whitespace()).collect();
    assert_eq!(together, long.split_whitespace().collect::<Vec<_>>());
}

#[tokio::test]
async fn a_day_after_the_customer_wrote_an_answer_fails_with_a_reason() {
    let shop = Shop::open().await;
    let mut list = shop.list().await;
    shop.instagram.customer_wrote(SHOP, PETER, "Hello", 25 * HOUR);
    let told = list.expect("new_customer_message").await;
    let (mut chat, _) = shop.history(told["conversation_id"].as_str().unwrap()).await;
    chat.send(json!({"type": "chat_message", "content": "Sorry, we were away"})).await;
    let (failed, reason) = status(&mut chat).await;
    assert_eq!(failed, "failed");
    assert!(reason.contains("24 hours"), "{reason}");
    assert_eq!(shop.instagram.sent(), []);

    // When the customer writes again, the time begins anew.
    shop.instagram.customer_writes(SHOP, PETER, "Never mind");
    assert_eq!(content(&chat.expect("chat_message").await), "Never mind");
    chat.send(json!({"type": "chat_message", "content": "Are you sure?"})).await;
    assert_eq!(status(&mut chat).await.0, "sent");
}

#[tokio::test]
async fn a_person_may_answer_for_seven_days_where_meta_allows_it() {
    let shop = Shop::with(Setup::default(), "human_agent = true\n").await;
    let mut list = shop.list().await;
    shop.instagram.customer_wrote(SHOP, PETER, "Hello", 25 * HOUR);
    let told = list.expect("new_customer_message").await;
    let (mut chat, _) = shop.history(told["conversation_id"].as_str().unwrap()).await;
    chat.send(json!({"type": "chat_message", "content": "Sorry, we were away"})).await;
    assert_eq!(status(&mut chat).await.0, "sent");
    let sent = shop.instagram.sent().remove(0);
    assert_eq!((sent.text(), &sent.body["tag"]), ("Sorry, we were away", &json!("HUMAN_AGENT")));
}

#[tokio::test]
async fn typing_of_support_is_shown_in_instagram() {
    let shop = Shop::open().await;
    let (mut chat, _) = shop.meets(SHOP, PETER, "Hello").await;
    chat.send(json!({"type": "typing", "is_typing": true})).await;
    let shown =
        async || shop.instagram.typing().iter().any(|typing| typing.customer == PETER && typing.is_on);
    eventually("Instagram shows it", shown).await;
}
