//! The dialect `jobs`: ids as integers, refusals by numbered close codes.

mod chat;
mod entry;
mod notifications;

use serde_json::{Value, json};

use crate::stage::{INTEGER, Person, STRING, TIME};

/// A user as messages show one.
fn user(person: &Person) -> Value {
    json!({"id": person.number(), "first_name": person.first_name, "last_name": "Doe"})
}

/// A message as every reader gets it.
fn message(sender: &Person, content: &str) -> Value {
    json!({"id": INTEGER, "content": content, "sender": user(sender), "timestamp": TIME, "message_type": "text"})
}

/// A new message as every reader gets it.
fn new_message(message: Value) -> Value {
    json!({"type": "chat_message", "message": message})
}

/// An error frame whose text is anything.
fn error(code: &str) -> Value {
    json!({"type": "error", "code": code, "message": STRING})
}
