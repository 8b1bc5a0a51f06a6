//! What customers write, and what they make of it later.

use causeway_plugin_sdk::proto::plugin::{Customer, CustomerMessage, MessageEdit, inbound_event::Body};
use frankenstein::types::{Chat, Message};
use serde_json::{Map, Value, json};

use super::{Reader, Said, attachment, not_private, parse, unknown_in, words};

/// What is read of a message. Telegram adds to messages with every version; what is added costs no message.
const READ: [&str; 25] = [
    "message_id",
    "date",
    "edit_date",
    "chat",
    "from",
    "text",
    "caption",
    "animation",
    "audio",
    "document",
    "live_photo",
    "photo",
    "sticker",
    "video",
    "video_note",
    "voice",
    "checklist",
    "contact",
    "dice",
    "game",
    "location",
    "poll",
    "story",
    "venue",
    "via_bot",
];
/// What is not read and kept beside the message, as Telegram sent it.
const KEPT: [&str; 4] = ["forward_origin", "media_group_id", "entities", "caption_entities"];
/// What says about a message rather than in it.
const AROUND: [&str; 12] = [
    "message_thread_id",
    "sender_chat",
    "reply_to_message",
    "external_reply",
    "quote",
    "is_topic_message",
    "is_from_offline",
    "has_protected_content",
    "has_media_spoiler",
    "show_caption_above_media",
    "link_preview_options",
    "reply_markup",
];
/// Longest metadata that the host takes, in bytes.
const MAX_METADATA: usize = 8 << 10;
/// Longest text that the host takes, in characters.
const MAX_TEXT: usize = 16_384;

/// A message, and what is known of it besides.
struct Letter {
    message: Message,
    reply_to: String,
    metadata: String,
    /// What else is in it, for one in which there is nothing that we read.
    other: Option<String>,
}

/// A customer wrote.
pub(super) fn written(reader: Reader<'_>, kind: &str, content: Value) -> Result<Said, String> {
    let letter = Letter::open(kind, content)?;
    let message = &letter.message;
    if let Some(elsewhere) = not_private(kind, &message.chat) {
        return Ok(elsewhere);
    }
    let (text, files) = (text(message), attachment::of(reader, message));
    let (chat, date) = (message.chat.id.to_string(), Some(message.date));
    if text.is_empty() && files.is_empty() {
        let what = letter.other.as_deref().unwrap_or("nothing");
        return Ok(unknown_in(&format!("{kind} with {what}"), chat, date));
    }
    let body = Body::CustomerMessage(CustomerMessage {
        customer: Some(customer(message)),
        message_id: message.message_id.to_string(),
        text,
        files,
        reply_to: letter.reply_to,
        metadata: letter.metadata,
    });
    Ok(Said { chat, date, bodies: vec![body] })
}

/// A customer changed a message: its text, its caption, or where they are.
pub(super) fn edited(_: Reader<'_>, kind: &str, content: Value) -> Result<Said, String> {
    let Letter { message, .. } = Letter::open(kind, content)?;
    if let Some(elsewhere) = not_private(kind, &message.chat) {
        return Ok(elsewhere);
    }
    let (chat, date) = (message.chat.id.to_string(), message.edit_date.or(Some(message.date)));
    let text = text(&message);
    if text.is_empty() {
        return Ok(unknown_in(&format!("{kind} without text"), chat, date));
    }
    let message_id = message.message_id.to_string();
    let body = Body::MessageEdit(MessageEdit { customer_id: chat.clone(), message_id, text });
    Ok(Said { chat, date, bodies: vec![body] })
}

impl Letter {
    fn open(kind: &str, content: Value) -> Result<Self, String> {
        let Value::Object(mut fields) = content else { return Err(format!("{kind}: not an object")) };
        let metadata = metadata(&mut fields);
        let reply_to = fields.get("reply_to_message").and_then(|message| message.get("message_id")?.as_i64());
        let other = fields.keys().find(|key| !is_in(&READ, key) && !is_in(&AROUND, key)).cloned();
        fields.retain(|key, _| is_in(&READ, key));
        let other = other.or_else(|| fields.contains_key("game").then(|| "game".to_owned()));
        Ok(Self {
            message: parse(kind, Value::Object(fields))?,
            reply_to: reply_to.map(|id| id.to_string()).unwrap_or_default(),
            metadata,
            other,
        })
    }
}

fn is_in(names: &[&str], name: &str) -> bool {
    names.contains(&name)
}

/// What is kept beside the message: the most that fits.
fn metadata(fields: &mut Map<String, Value>) -> String {
    let kept = KEPT.iter().filter_map(|key| fields.remove(*key).map(|value| ((*key).to_owned(), value)));
    let mut kept: Map<String, Value> = kept.collect();
    for leave_out in ["entities", "caption_entities", "forward_origin"] {
        let metadata = json!({ "telegram": kept }).to_string();
        if kept.is_empty() || metadata.len() <= MAX_METADATA {
            break;
        }
        kept.remove(leave_out);
    }
    if kept.is_empty() { String::new() } else { json!({ "telegram": kept }).to_string() }
}

/// The text, or what stands for one.
fn text(message: &Message) -> String {
    let written = message.text.as_ref().or(message.caption.as_ref()).filter(|text| !text.is_empty());
    let text = written.cloned().or_else(|| words::of(message)).unwrap_or_default();
    match text.char_indices().nth(MAX_TEXT) {
        Some((end, _)) => text[..end].to_owned(),
        None => text,
    }
}

/// Who wrote. In a private chat, the chat's id is the user's.
fn customer(message: &Message) -> Customer {
    let Chat { id, first_name, last_name, username, .. } = &*message.chat;
    let (first_name, last_name, username) = match &message.from {
        Some(user) => (Some(&user.first_name), user.last_name.as_ref(), user.username.as_ref()),
        None => (first_name.as_ref(), last_name.as_ref(), username.as_ref()),
    };
    let name = |name: Option<&String>| name.cloned().unwrap_or_default();
    Customer {
        id: id.to_string(),
        first_name: name(first_name),
        last_name: name(last_name),
        username: name(username),
        profile_picture: String::new(),
    }
}
