//! The dialect `rooms`: typed rooms, ids as strings, refusals before the upgrade.

mod entry;
mod messages;
mod mistakes;
mod presence;
mod reading;

use serde_json::{Value, json};

use crate::stage::{DIGITS, Person, TIME_OFFSET};

/// A message of a group as every reader gets it.
fn message(conversation: &str, sender: &Person, content: &str) -> Value {
    json!({
        "id": DIGITS,
        "content": content,
        "sender_id": sender.id,
        "sender_name": sender.name(),
        "conversation_id": conversation,
        "timestamp": TIME_OFFSET,
        "message_type": "text",
        "media_url": null,
        "metadata": {},
        "conversation_type": "group",
    })
}

/// A new message as every reader gets it.
fn new_message(message: Value) -> Value {
    json!({"type": "message", "event": "new_message", "message": message})
}

/// An error frame whose text is anything.
fn error(code: &str) -> Value {
    json!({"type": "error", "code": code, "message": crate::stage::STRING})
}
