//! Commands and faults as JSON, so that a golden file can say what a frame becomes. What is absent or empty
//! is left out.

use std::fmt::Debug;

use causeway_proto::chat::{Attachment, ConversationKind};
use serde_json::{Map, Value, json};

use crate::{
    command::{Command, Page, Send, Token},
    dialect::Room,
    fault::Fault,
};

/// The rooms by the names that golden files use.
pub(super) const ROOMS: [(&str, Room); 7] = [
    ("conversation", Room::Conversation(None)),
    ("group", Room::Conversation(Some(ConversationKind::Group))),
    ("one_to_one", Room::Conversation(Some(ConversationKind::OneToOne))),
    ("support", Room::Conversation(Some(ConversationKind::Support))),
    ("personal", Room::Personal),
    ("notifications", Room::Notifications),
    ("list", Room::List),
];

/// The name of a value's variant.
pub(super) fn variant(value: &impl Debug) -> String {
    format!("{value:?}").chars().take_while(|c| c.is_alphanumeric()).collect()
}

/// What a command is called.
pub(super) fn name(command: &Command) -> String {
    let shown = self::command(command);
    let name = shown.as_object().and_then(|object| object.keys().next().cloned());
    name.expect("a command has a name")
}

pub(super) fn command(command: &Command) -> Value {
    match command {
        Command::Send(it) => json!({"send": send(it)}),
        Command::Edit { message_id, content } => {
            json!({"edit": {"message_id": message_id, "content": content}})
        }
        Command::Delete { message_id } => json!({"delete": {"message_id": message_id}}),
        Command::React { message_id, reaction, add } => {
            json!({"react": {"message_id": message_id, "reaction": reaction, "add": add}})
        }
        Command::Read { message_id } => json!({"read": message_id.map_or(json!("all"), Value::from)}),
        Command::Typing { is_typing } => json!({"typing": is_typing}),
        Command::History(it) => json!({"history": page(*it)}),
        Command::Thread { message_id } => json!({"thread": message_id}),
        Command::Search { query, limit } => json!({"search": {"query": query, "limit": limit}}),
        Command::MessageStatus { message_id } => json!({"message_status": message_id}),
        Command::SetStatus { status } => json!({"set_status": variant(status)}),
        Command::Conversations { status, limit } => {
            json!({"conversations": {"status": variant(status), "limit": limit}})
        }
        Command::Notifications { unread_only, page: it } => {
            json!({"notifications": {"unread_only": unread_only, "page": page(*it)}})
        }
        Command::ReadNotifications { notification_id } => {
            json!({"read_notifications": notification_id.map_or(json!("all"), Value::from)})
        }
        Command::Refresh { token: Token(token) } => json!({"refresh": token}),
        Command::Ping => json!({"ping": {}}),
        Command::Ignored => json!({"ignored": {}}),
    }
}

pub(super) fn fault(fault: &Fault) -> Value {
    let Fault { code, message, field, retry_after_ms } = fault;
    assert_eq!(*retry_after_ms, None, "only the session limits rates");
    pruned(json!({"code": code.as_str(), "message": message, "field": field}))
}

fn send(send: &Send) -> Value {
    let Send { recipient_id, conversation_id, content, content_type, .. } = send;
    let Send { attachments, metadata, reply_to, client_message_id, .. } = send;
    pruned(json!({
        "recipient_id": recipient_id,
        "conversation_id": conversation_id,
        "content": content,
        "content_type": content_type,
        "attachments": attachments.iter().map(attachment).collect::<Vec<_>>(),
        "metadata": metadata,
        "reply_to": reply_to,
        "client_message_id": client_message_id,
    }))
}

fn attachment(file: &Attachment) -> Value {
    pruned(json!({"url": file.url, "name": file.name, "mime_type": file.mime_type, "size": file.size}))
}

fn page(page: Page) -> Value {
    json!({"before": page.before, "limit": page.limit})
}

fn pruned(object: Value) -> Value {
    let absent =
        |value: &Value| value.is_null() || value == "" || value.as_array().is_some_and(Vec::is_empty);
    match object {
        Value::Object(fields) => {
            fields.into_iter().filter(|(_, value)| !absent(value)).collect::<Map<_, _>>().into()
        }
        other => other,
    }
}
