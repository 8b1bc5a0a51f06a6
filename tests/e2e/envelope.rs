//! The dialect `envelope`: type and data, ids as UUIDs, refusals by closing with 1008.

mod chat;
mod entry;
mod finding;
mod personal;

use causeway_proto::id::to_uuid;
use serde_json::{Value, json};

use crate::stage::{Person, STRING, TIME, UUID};

/// A message as every reader gets it.
fn message(chat: &str, sender: &Person, content: &str) -> Value {
    json!({
        "id": UUID,
        "chat_id": uuid(chat),
        "sender_id": sender.uuid(),
        "content": content,
        "message_type": "text",
        "parent_message_id": null,
        "created_at": TIME,
        "updated_at": TIME,
        "sender": {
            "id": sender.uuid(),
            "username": sender.username(),
            "email": format!("{}@example.com", sender.username()),
            "is_active": true,
            "created_at": TIME,
        },
    })
}

/// A frame.
fn frame(kind: &str, data: Value) -> Value {
    json!({"type": kind, "data": data})
}

/// A frame that sends a text.
fn text(content: &str) -> Value {
    frame("send_message", json!({"content": content, "message_type": "text", "parent_message_id": null}))
}

/// An error frame, which names the field where there is one.
fn error(code: &str, field: Option<&str>) -> Value {
    let mut data = json!({"code": code, "message": STRING});
    if let Some(field) = field {
        data["field"] = json!(field);
    }
    frame("error", data)
}

/// A conversation's id as it is printed.
fn uuid(id: &str) -> String {
    to_uuid(id).to_string()
}
