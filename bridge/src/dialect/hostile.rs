//! What anybody could send does no harm: no text makes a dialect panic, and whatever a frame is answered or
//! becomes is a frame again.

use causeway_proto::{
    chat::{Message, MessageCreated, User},
    event::{Event, event::Body},
};
use proptest::prelude::{
    BoxedStrategy, Just, Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest,
};
use serde_json::{Map, Value, json};

use super::{Dialect, Room};
use crate::command::Command;

/// Every field and a few types and values that mean something somewhere.
const FIELDS: [&str; 26] = [
    "action",
    "all",
    "attachment",
    "attachments",
    "before",
    "chat_id",
    "client_message_id",
    "content",
    "data",
    "is_typing",
    "limit",
    "media_url",
    "message",
    "message_id",
    "message_type",
    "metadata",
    "notification_id",
    "parent_message_id",
    "query",
    "reaction",
    "receiver_id",
    "recipient_id",
    "reply_to",
    "status",
    "token",
    "unread_only",
];
const TYPES: [&str; 30] = [
    "add_reaction",
    "chat_message",
    "delete",
    "delete_message",
    "direct_message",
    "edit",
    "edit_message",
    "get_conversations",
    "get_history",
    "get_messages",
    "get_notifications",
    "get_thread",
    "history",
    "mark_read",
    "message",
    "message_read",
    "message_status",
    "ping",
    "reaction",
    "read",
    "read_receipt",
    "refresh_conversations",
    "refresh_token",
    "remove_reaction",
    "search_messages",
    "send_message",
    "set_status",
    "typing",
    "typing_indicator",
    "unheard_of",
];

fn value() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
        prop::sample::select(&["add", "text", "active", "5", "alice", "https://a.example/b"][..])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from), object(inner)]
    })
    .boxed()
}

fn object(inner: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Value> {
    let field = prop_oneof![prop::sample::select(&FIELDS[..]).prop_map(str::to_owned), ".{0,10}"];
    prop::collection::vec((field, inner), 0..8)
        .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>()))
        .boxed()
}

/// A frame with a type that is known somewhere, its fields both at the top and inside `data`.
fn frame() -> impl Strategy<Value = String> {
    (prop::sample::select(&TYPES[..]), object(value())).prop_map(|(kind, fields)| {
        let mut frame = json!({"type": kind, "data": fields});
        for (name, value) in fields.as_object().into_iter().flatten() {
            frame[name] = value.clone();
        }
        frame.to_string()
    })
}

fn places() -> impl Iterator<Item = (Dialect, Room)> {
    let rooms = [Room::Conversation(None), Room::Personal, Room::Notifications, Room::List];
    Dialect::ALL.into_iter().flat_map(move |dialect| rooms.map(|room| (dialect, room)))
}

/// What a text is answered everywhere is a JSON object, and a message that is taken is within the limits.
fn is_answered_everywhere(text: &str) {
    for (dialect, room) in places() {
        match dialect.translator().decode(room, text) {
            Ok(Command::Send(send)) => {
                assert!(send.content.chars().count() <= 16_384);
                assert!(!send.content.is_empty() || !send.attachments.is_empty());
            }
            Ok(_) => {}
            Err(fault) => {
                let answer = dialect.translator().fault(&fault);
                assert!(serde_json::from_str::<Map<String, Value>>(&answer).is_ok(), "{answer}");
            }
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_answered(text in ".{0,300}") {
        is_answered_everywhere(&text);
    }

    #[test]
    fn any_object_is_answered(object in object(value())) {
        is_answered_everywhere(&object.to_string());
    }

    #[test]
    fn any_frame_of_a_known_type_is_answered(frame in frame()) {
        is_answered_everywhere(&frame);
    }

    #[test]
    fn a_cut_frame_is_answered(frame in frame(), at in any::<prop::sample::Index>()) {
        let cut: String = frame.chars().take(at.index(frame.len() + 1)).collect();
        is_answered_everywhere(&cut);
    }

    #[test]
    fn any_content_comes_through(content in any::<String>(), metadata in ".{0,40}") {
        let sender = Some(User { id: content.clone(), ..User::default() });
        let message = Message { content: content.clone(), metadata, sender, ..Message::default() };
        let body = Some(Body::MessageCreated(MessageCreated { message: Some(message) }));
        let event = Event { body, ..Event::default() };
        let room = Room::Conversation(None);
        for dialect in [Dialect::Rooms, Dialect::Envelope, Dialect::Jobs, Dialect::Helpdesk] {
            let frames = dialect.translator().event(room, &event, false);
            prop_assert_eq!(frames.len(), 1);
            let frame: Value = serde_json::from_str(&frames[0]).expect("a frame is JSON");
            let message = frame.get("message").or(frame.get("data")).expect("a message is in it");
            prop_assert_eq!(&message["content"], &json!(content));
        }
    }

    #[test]
    fn what_is_sent_is_what_was_written(content in "\\PC{1,200}") {
        let text = json!({"type": "message", "content": content}).to_string();
        let sent = Dialect::Rooms.translator().decode(Room::Conversation(None), &text);
        prop_assert!(matches!(sent, Ok(Command::Send(send)) if send.content == content));
    }
}

#[test]
fn what_goes_deep_is_not_taken_apart() {
    let deep = format!("{}1{}", "[".repeat(20_000), "]".repeat(20_000));
    is_answered_everywhere(&deep);
    for field in FIELDS {
        let inside = format!("{{\"type\":\"message\",\"content\":\"a\",\"{field}\":{deep}}}");
        is_answered_everywhere(&inside);
    }
    let metadata = format!("{{\"a\":{}1{}}}", "[".repeat(2_000), "]".repeat(2_000));
    let text = format!("{{\"type\":\"message\",\"content\":\"a\",\"metadata\":{metadata}}}");
    let fault =
        Dialect::Rooms.translator().decode(Room::Conversation(None), &text).expect_err("it is too deep");
    assert_eq!(fault.field.as_deref(), Some("metadata"));
}
