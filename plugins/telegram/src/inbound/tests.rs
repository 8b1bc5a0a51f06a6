//! Updates as Telegram sends them, and what they say.

use causeway_plugin_sdk::proto::plugin::{CustomerMessage, File, MessageEdit, MessageReaction};
use serde_json::json;

use super::*;
use crate::Settings;

fn read(update: &Value) -> Vec<InboundEvent> {
    read_raw(update.to_string().as_bytes())
}

fn read_raw(update: &[u8]) -> Vec<InboundEvent> {
    let links = Links::new(&Settings::new(
        "https://hooks.example",
        crate::Secret::new("sixteen bytes or").unwrap(),
        Vec::new(),
    ));
    Reader { account: "bot", links: &links }.read(update)
}

fn one(update: &Value) -> InboundEvent {
    let mut events = read(update);
    assert_eq!(events.len(), 1, "{events:?}");
    events.remove(0)
}

/// A message in a private chat, with these fields besides.
fn message(fields: &Value) -> Value {
    let mut message = json!({
        "message_id": 5, "date": 1_748_605_170,
        "chat": {"id": 77, "type": "private", "first_name": "Anna", "username": "anna"},
        "from": {"id": 77, "is_bot": false, "first_name": "Anna", "last_name": "Smith", "username": "anna"},
    });
    for (key, value) in fields.as_object().unwrap() {
        message[key] = value.clone();
    }
    message
}

fn written(fields: &Value) -> CustomerMessage {
    match one(&json!({"update_id": 9, "message": message(fields)})).body {
        Some(Body::CustomerMessage(message)) => message,
        other => panic!("{other:?}"),
    }
}

fn unknown_kind(update: &Value) -> String {
    match one(update).body {
        Some(Body::Unknown(Unknown { kind })) => kind,
        other => panic!("{other:?}"),
    }
}

fn file(fields: &Value) -> File {
    let files = written(fields).files;
    assert_eq!(files.len(), 1, "{files:?}");
    files.into_iter().next().unwrap()
}

#[test]
fn a_text_has_its_customer_and_its_place() {
    let event = one(&json!({"update_id": 9, "message": message(&json!({"text": "Hello"}))}));
    assert_eq!((event.account.as_str(), event.provider_id.as_str()), ("bot", "update/9"));
    assert_eq!((event.partition.as_str(), event.time.unwrap().seconds), ("77", 1_748_605_170));
    let Some(Body::CustomerMessage(message)) = event.body else { panic!("a message") };
    assert_eq!((message.message_id.as_str(), message.text.as_str()), ("5", "Hello"));
    let customer = message.customer.unwrap();
    assert_eq!((customer.id.as_str(), customer.first_name.as_str()), ("77", "Anna"));
    assert_eq!((customer.last_name.as_str(), customer.username.as_str()), ("Smith", "anna"));
    assert_eq!((message.reply_to.as_str(), message.metadata.as_str()), ("", ""));
}

#[test]
fn a_reply_names_what_it_answers_whatever_that_is() {
    let replied = json!({"message_id": 4, "date": 0, "hologram": {"depth": 3}});
    assert_eq!(written(&json!({"text": "Yes", "reply_to_message": replied})).reply_to, "4");
}

#[test]
fn what_telegram_adds_to_messages_costs_no_message() {
    let message = written(&json!({"text": "Hi", "mood": {"colour": "blue"}, "chat": {
        "id": 77, "type": "private", "first_name": "Anna", "aura": [1, 2]}}));
    assert_eq!(message.text, "Hi");
}

#[test]
fn where_a_message_came_from_is_kept_beside_it() {
    let origin = json!({"type": "hidden_user", "sender_user_name": "Somebody", "date": 1});
    let metadata = written(&json!({"text": "x", "forward_origin": origin, "media_group_id": "12"})).metadata;
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    assert_eq!(metadata, json!({"telegram": {"forward_origin": origin, "media_group_id": "12"}}));
    let entities = vec![json!({"type": "bold", "offset": 0, "length": 1}); 1000];
    let metadata = written(&json!({"text": "x", "entities": entities, "media_group_id": "12"})).metadata;
    assert_eq!(metadata, r#"{"telegram":{"media_group_id":"12"}}"#);
}

#[test]
fn of_a_photo_the_largest_is_taken() {
    let size = |id: &str, width: u32| json!({"file_id": id, "file_unique_id": "u", "width": width, "height": width, "file_size": width});
    let fields =
        json!({"photo": [size("small", 90), size("large", 1280), size("middle", 320)], "caption": "Look"});
    assert_eq!(written(&fields).text, "Look");
    let file = file(&fields);
    assert!(file.url.starts_with("https://hooks.example/telegram/files/bot/large/photo.jpg?signature="));
    assert_eq!((file.kind.as_str(), file.mime_type.as_str(), file.size), ("image", "image/jpeg", Some(1280)));
}

#[test]
fn files_are_of_the_kind_that_a_person_expects() {
    let with = |more: Value| {
        let mut file = json!({"file_id": "f", "file_unique_id": "u", "width": 1, "height": 1, "duration": 1, "length": 1});
        file.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        file
    };
    let sticker = |animated: bool, video: bool| json!({"sticker": with(json!({"type": "regular", "is_animated": animated, "is_video": video, "emoji": "🦊"}))});
    let gif = with(json!({"file_name": "fun.mp4", "mime_type": "video/mp4"}));
    for (fields, kind, name, mime_type) in [
        (
            json!({"document": with(json!({"file_name": "bill.pdf", "mime_type": "application/pdf"}))}),
            "file",
            "bill.pdf",
            "application/pdf",
        ),
        (json!({"document": with(json!({}))}), "file", "document", ""),
        (json!({"voice": with(json!({}))}), "audio", "voice.ogg", "audio/ogg"),
        (json!({"audio": with(json!({"file_name": "song.mp3"}))}), "audio", "song.mp3", "audio/mpeg"),
        (json!({"video": with(json!({}))}), "video", "video.mp4", "video/mp4"),
        (json!({"video_note": with(json!({}))}), "video", "video_note.mp4", "video/mp4"),
        (json!({"animation": gif.clone(), "document": gif}), "video", "fun.mp4", "video/mp4"),
        (json!({"animation": with(json!({"mime_type": "image/gif"}))}), "image", "video.mp4", "image/gif"),
        (sticker(false, false), "image", "sticker.webp", "image/webp"),
        (sticker(true, false), "file", "sticker.tgs", "application/x-tgsticker"),
        (sticker(false, true), "video", "sticker.webm", "video/webm"),
    ] {
        let file = file(&fields);
        assert_eq!(
            (file.kind.as_str(), file.name.as_str(), file.mime_type.as_str()),
            (kind, name, mime_type)
        );
    }
    assert_eq!(written(&sticker(false, false)).text, "🦊");
}

#[test]
fn what_is_neither_text_nor_file_is_put_into_words() {
    let place = json!({"latitude": 52.52, "longitude": 13.405});
    let option = |text: &str| json!({"text": text, "voter_count": 0});
    let poll = json!({"id": "1", "question": "Tea?", "options": [option("Yes"), option("No")], "total_voter_count": 0,
                      "is_closed": false, "is_anonymous": true, "type": "regular"});
    let map = "https://www.openstreetmap.org/?mlat=52.520000&mlon=13.405000#map=17/52.520000/13.405000";
    for (fields, words) in [
        (
            json!({"contact": {"phone_number": "+491", "first_name": "Bo", "last_name": "Li"}}),
            "Contact: Bo Li, +491".into(),
        ),
        (json!({"location": place}), format!("Location: {map}")),
        (
            json!({"location": place, "venue": {"location": place, "title": "Café", "address": "Main St 1"}}),
            format!("Location: Café, Main St 1\n{map}"),
        ),
        (json!({"dice": {"emoji": "🎲", "value": 5}}), "🎲 5".into()),
        (json!({"poll": poll}), "Poll: Tea?\n- Yes\n- No".into()),
    ] {
        assert_eq!(written(&fields).text, words);
    }
}

#[test]
fn what_means_nothing_is_named() {
    let kind = |fields: Value| unknown_kind(&json!({"update_id": 9, "message": message(&fields)}));
    assert_eq!(kind(json!({"pinned_message": {"message_id": 1}})), "message with pinned_message");
    assert_eq!(kind(json!({"hologram": {}, "is_from_offline": true})), "message with hologram");
    assert_eq!(kind(json!({})), "message with nothing");
    let group = json!({"id": -5, "type": "supergroup", "title": "A group"});
    assert_eq!(kind(json!({"text": "Hi", "chat": group})), "group message");
    assert_eq!(unknown_kind(&json!({"update_id": 9, "poll_answer": {"poll_id": "1"}})), "poll_answer");
    let edit = message(&json!({"edit_date": 1, "photo": []}));
    assert_eq!(unknown_kind(&json!({"update_id": 9, "edited_message": edit})), "edited_message without text");
}

#[test]
fn an_edit_has_the_text_as_it_is_now() {
    for fields in [json!({"text": "Hello!"}), json!({"caption": "Hello!", "photo": []})] {
        let event = one(&json!({"update_id": 9, "edited_message": message(&fields)}));
        let edit = MessageEdit { customer_id: "77".into(), message_id: "5".into(), text: "Hello!".into() };
        assert_eq!(event.body, Some(Body::MessageEdit(edit)));
    }
}

#[test]
fn a_change_of_reactions_is_what_went_and_what_came() {
    let emoji = |emoji: &str| json!({"type": "emoji", "emoji": emoji});
    let custom = json!({"type": "custom_emoji", "custom_emoji_id": "5368324170671202286000000000"});
    let update = |before: Value, after: Value| {
        read(&json!({"update_id": 9, "message_reaction": {
            "chat": {"id": 77, "type": "private", "first_name": "Anna"}, "message_id": 5, "date": 1,
            "user": {"id": 77, "is_bot": false, "first_name": "Anna"}, "old_reaction": before, "new_reaction": after}}))
    };
    let said = |events: &[InboundEvent]| {
        let said = events.iter().map(|event| match &event.body {
            Some(Body::MessageReaction(MessageReaction { reaction, added, message_id, .. })) => {
                assert_eq!(message_id, "5");
                (event.provider_id.clone(), reaction.clone(), *added)
            }
            other => panic!("{other:?}"),
        });
        said.collect::<Vec<_>>()
    };
    assert_eq!(said(&update(json!([]), json!([emoji("👍")]))), [("update/9".into(), "👍".into(), true)]);
    let events = update(json!([emoji("👍"), emoji("🔥")]), json!([emoji("🔥"), custom]));
    let shown: String = "custom:5368324170671202286000000000".chars().take(32).collect();
    assert_eq!(
        said(&events),
        [("update/9/0".into(), "👍".into(), false), ("update/9/1".into(), shown, true)]
    );
    let Some(Body::Unknown(_)) = update(json!([emoji("🔥")]), json!([emoji("🔥")]))[0].body else {
        panic!("nothing")
    };
}

#[test]
fn who_blocks_the_bot_is_noticed() {
    let user = json!({"id": 1, "is_bot": true, "first_name": "Bot"});
    let update = json!({"update_id": 9, "my_chat_member": {
        "chat": {"id": 77, "type": "private", "first_name": "Anna"}, "date": 1,
        "from": {"id": 77, "is_bot": false, "first_name": "Anna"},
        "old_chat_member": {"status": "member", "user": user},
        "new_chat_member": {"status": "kicked", "user": user, "until_date": 0}}});
    assert_eq!(unknown_kind(&update), "customer blocked the bot");
    assert_eq!(one(&update).partition, "77");
}

#[test]
fn what_cannot_be_read_is_kept_as_it_is() {
    for raw in [
        "{",
        "[]",
        "null",
        "\"x\"",
        r#"{"message":{}}"#,
        r#"{"update_id":9}"#,
        r#"{"update_id":9,"message":[]}"#,
        r#"{"update_id":9,"message":{"text":"no chat"}}"#,
        r#"{"update_id":9,"message_reaction":{"chat":{}}}"#,
    ] {
        let events = read_raw(raw.as_bytes());
        let [InboundEvent { body: Some(Body::Malformed(malformed)), provider_id, .. }] = events.as_slice()
        else {
            panic!("{raw}: {events:?}");
        };
        assert_eq!(malformed.payload, raw.as_bytes());
        assert!(provider_id.starts_with("malformed/") && !malformed.reason.is_empty());
    }
    assert_eq!(number(br#"{"update_id":9,"message":[]}"#), Some(9));
}
