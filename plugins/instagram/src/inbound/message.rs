//! Messages: written, sent from elsewhere, taken back.

use causeway_plugin_sdk::proto::plugin::{
    CustomerMessage, File, MessageDeletion, OwnMessage, inbound_event::Body,
};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

use super::{
    attachment::{Attachment, Parts},
    provider_id,
};
use crate::{lenient::text_or_number, profiles::stranger};

/// Longest text that the host takes, in characters.
pub(super) const TEXT: usize = 16_384;
/// Longest metadata that the host takes, in bytes.
const METADATA: usize = 8 << 10;
/// Longest id of a message, in characters: the id of its event is longer.
const MID: usize = 240;
/// In place of a message that has nothing to show.
const NOTHING: &str = "[something that Instagram does not pass on: to be seen there]";

/// A message as Meta writes it.
#[derive(Debug, Deserialize)]
pub(super) struct Message {
    pub(super) mid: Mid,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    attachments: Option<Vec<Attachment>>,
    #[serde(default)]
    reply_to: Option<ReplyTo>,
    #[serde(default)]
    quick_reply: Option<QuickReply>,
    #[serde(default)]
    pub(super) is_echo: bool,
    #[serde(default)]
    is_deleted: bool,
    #[serde(default)]
    is_unsupported: bool,
    #[serde(default)]
    app_id: Option<AppId>,
}

/// Id of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mid(pub(super) String);

#[derive(Debug, Deserialize)]
struct AppId(#[serde(deserialize_with = "text_or_number")] String);

/// What is answered: a message, or a story of ours.
#[derive(Debug, Deserialize)]
struct ReplyTo {
    #[serde(default)]
    mid: Option<Mid>,
    #[serde(default)]
    story: Option<Story>,
}

#[derive(Debug, Deserialize)]
struct Story {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    url: Option<String>,
}

#[derive(Debug, Deserialize)]
struct QuickReply {
    #[serde(default)]
    payload: Option<String>,
}

/// A button that was pressed.
#[derive(Debug, Deserialize)]
pub(super) struct Postback {
    #[serde(default)]
    mid: Option<Mid>,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    payload: Option<String>,
}

impl<'de> Deserialize<'de> for Mid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mid = String::deserialize(deserializer)?;
        if (1..=MID).contains(&mid.chars().count()) {
            return Ok(Self(mid));
        }
        Err(serde::de::Error::custom("the id of a message must be 1 to 240 characters"))
    }
}

impl Message {
    /// What a message means that a customer wrote, or that was written to one. Ids of messages are unique, so each is the id
    /// of its event; its deletion is another.
    pub(super) fn read(self, customer: &str, is_ours: bool, our_app: Option<&str>) -> (String, Body) {
        let mid = self.mid.0.clone();
        if self.is_deleted {
            let deletion = MessageDeletion { customer_id: customer.to_owned(), message_id: mid.clone() };
            return (provider_id::of(&["deleted", &mid]), Body::MessageDeletion(deletion));
        }
        let id = provider_id::of(&["mid", &mid]);
        if is_ours && our_app.is_some() && self.app_id.as_ref().map(|id| id.0.as_str()) == our_app {
            return (id, super::item::of_kind("own echo"));
        }
        let metadata = self.metadata();
        let (text, files, reply_to) = self.content();
        let customer = Some(stranger(customer));
        let body = if is_ours {
            Body::OwnMessage(OwnMessage { customer, message_id: mid, text, files, reply_to })
        } else {
            let message = CustomerMessage { customer, message_id: mid, text, files, reply_to, metadata };
            Body::CustomerMessage(message)
        };
        (id, body)
    }

    /// Text, files, and the id of the message that is answered.
    fn content(self) -> (String, Vec<File>, String) {
        let reply_to = self.reply_to;
        let mut parts = Parts::default();
        let story = reply_to.as_ref().and_then(|reply| reply.story.as_ref());
        if let Some(url) = story.and_then(|story| story.url.as_deref()) {
            parts.add_story(url);
        }
        parts.extend(self.attachments.unwrap_or_default());
        let mut lines: Vec<String> = self.text.into_iter().filter(|text| !text.is_empty()).collect();
        lines.extend(parts.lines);
        if self.is_unsupported || (lines.is_empty() && parts.files.is_empty()) {
            lines.push(NOTHING.to_owned());
        }
        let text = lines.join("\n").chars().take(TEXT).collect();
        let reply_to = reply_to.and_then(|reply| reply.mid).map(|mid| mid.0).unwrap_or_default();
        (text, parts.files, reply_to)
    }

    /// What else is known, for whoever reads the message by program.
    fn metadata(&self) -> String {
        let mut known = Map::new();
        if let Some(story) = self.reply_to.as_ref().and_then(|reply| reply.story.as_ref()) {
            known.insert("story".to_owned(), json!({"id": story.id, "url": story.url}));
        }
        if let Some(quick_reply) = &self.quick_reply {
            known.insert("quick_reply".to_owned(), json!({"payload": quick_reply.payload}));
        }
        if self.is_unsupported {
            known.insert("is_unsupported".to_owned(), Value::Bool(true));
        }
        written(known)
    }
}

impl Postback {
    /// What pressing a button means: the customer said what stood on it. `time` is in milliseconds, for one without an id.
    pub(super) fn read(self, customer: &str, time: i64) -> (String, Body) {
        let Self { mid, title, payload } = self;
        let (id, message_id) = match mid {
            Some(Mid(mid)) => (provider_id::of(&["mid", &mid]), mid),
            None => {
                let id = provider_id::of(&["postback", customer, &time.to_string()]);
                (id.clone(), id)
            }
        };
        let said = title.clone().filter(|title| !title.is_empty()).or_else(|| payload.clone());
        let known = Map::from_iter([("postback".to_owned(), json!({"title": title, "payload": payload}))]);
        let message = CustomerMessage {
            customer: Some(stranger(customer)),
            message_id,
            text: said
                .filter(|said| !said.is_empty())
                .unwrap_or_else(|| NOTHING.to_owned())
                .chars()
                .take(TEXT)
                .collect(),
            metadata: written(known),
            ..CustomerMessage::default()
        };
        (id, Body::CustomerMessage(message))
    }
}

/// As the host takes it: empty when there is nothing, or too much.
fn written(known: Map<String, Value>) -> String {
    let written = if known.is_empty() { String::new() } else { Value::Object(known).to_string() };
    if written.len() <= METADATA { written } else { String::new() }
}
