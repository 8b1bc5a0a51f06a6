//! From Telegram's updates to events. Updates come by [`polling`] or by [`webhook`]; what they say is read here, one by one, so
//! that an update which cannot be read costs no other.

mod attachment;
mod message;
pub(crate) mod polling;
mod reaction;
pub(crate) mod webhook;
mod words;

use std::time::Duration;

use causeway_plugin_sdk::{
    Backoff, event, malformed,
    proto::plugin::{InboundEvent, Unknown, inbound_event::Body},
};
use frankenstein::types::{AllowedUpdate, Chat, ChatMember, ChatMemberUpdated, ChatType};
use prost_types::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::links::Links;

/// The kinds of updates that are asked for. Telegram keeps the others to itself.
pub(crate) const KINDS: [AllowedUpdate; 4] = [
    AllowedUpdate::Message,
    AllowedUpdate::EditedMessage,
    AllowedUpdate::MessageReaction,
    AllowedUpdate::MyChatMember,
];
/// Longest name of an unknown kind, in characters.
const MAX_KIND: usize = 64;

/// How long Telegram is left alone while it cannot be asked: from half a second to half a minute.
fn patience() -> Backoff {
    Backoff::new(Duration::from_millis(500), Duration::from_secs(30))
}

/// Reads updates of one account.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub(crate) account: &'a str,
    pub(crate) links: &'a Links,
}

/// What an update holds beside its number.
struct Update {
    id: i64,
    kind: String,
    content: Value,
}

/// What an update says, before it has the provider's ids.
struct Said {
    /// In whose conversation; empty when in none.
    chat: String,
    /// Seconds since the Unix epoch.
    date: Option<u64>,
    bodies: Vec<Body>,
}

impl Reader<'_> {
    /// What an update says: one event or several, and never none. The same update says the same again.
    pub(crate) fn read(self, raw: &[u8]) -> Vec<InboundEvent> {
        let said = Update::parse(raw).and_then(|update| Ok((update.id, self.said(update)?)));
        match said {
            Ok((id, said)) => self.events(id, said),
            Err(reason) => vec![malformed(self.account, reason, raw)],
        }
    }

    fn said(self, update: Update) -> Result<Said, String> {
        let Update { kind, content, .. } = update;
        match kind.as_str() {
            "message" => message::written(self, &kind, content),
            "edited_message" => message::edited(self, &kind, content),
            "message_reaction" => reaction::changed(&kind, content),
            "my_chat_member" => membership(&kind, content),
            _ => Ok(unknown(&kind)),
        }
    }

    fn events(self, id: i64, said: Said) -> Vec<InboundEvent> {
        let Said { chat, date, bodies } = said;
        let is_one = bodies.len() == 1;
        let time = date.and_then(|seconds| Some(Timestamp { seconds: seconds.try_into().ok()?, nanos: 0 }));
        let events = bodies.into_iter().enumerate().map(|(number, body)| {
            let id = if is_one { format!("update/{id}") } else { format!("update/{id}/{number}") };
            InboundEvent { time, ..event(self.account, id, chat.clone(), body) }
        });
        events.collect()
    }
}

impl Update {
    /// An update holds its number and exactly one thing, under the name of its kind.
    fn parse(raw: &[u8]) -> Result<Self, String> {
        let mut fields: Map<String, Value> =
            serde_json::from_slice(raw).map_err(|error| format!("not an update: {error}"))?;
        let id = fields.remove("update_id").and_then(|id| id.as_i64()).ok_or("no update_id")?;
        let (kind, content) = fields.into_iter().next().ok_or("an update without content")?;
        Ok(Self { id, kind, content })
    }
}

/// The number of an update, which moves on even past one that cannot be read otherwise.
fn number(raw: &[u8]) -> Option<i64> {
    #[derive(serde::Deserialize)]
    struct Numbered {
        update_id: i64,
    }
    serde_json::from_slice(raw).ok().map(|Numbered { update_id }| update_id)
}

fn parse<T: DeserializeOwned>(kind: &str, content: Value) -> Result<T, String> {
    serde_json::from_value(content).map_err(|error| format!("{kind}: {error}"))
}

/// What means nothing to us.
fn unknown(kind: &str) -> Said {
    unknown_in(kind, String::new(), None)
}

fn unknown_in(kind: &str, chat: String, date: Option<u64>) -> Said {
    let kind = kind.chars().take(MAX_KIND).collect();
    Said { chat, date, bodies: vec![Body::Unknown(Unknown { kind })] }
}

/// Customers are whom a bot talks with alone. What happens elsewhere is none of theirs.
fn not_private(kind: &str, chat: &Chat) -> Option<Said> {
    let place = match chat.type_field {
        ChatType::Private => return None,
        ChatType::Group | ChatType::Supergroup => "group",
        ChatType::Channel => "channel",
    };
    Some(unknown(&format!("{place} {kind}")))
}

/// The customer blocked the bot, or takes it back. Nothing follows from it here: what is sent to who blocked us fails, and says
/// why.
fn membership(kind: &str, content: Value) -> Result<Said, String> {
    let update: ChatMemberUpdated = parse(kind, content)?;
    if let Some(elsewhere) = not_private(kind, &update.chat) {
        return Ok(elsewhere);
    }
    let what = match update.new_chat_member {
        ChatMember::Kicked(_) => "customer blocked the bot",
        ChatMember::Member(_) => "customer unblocked the bot",
        ChatMember::Creator(_)
        | ChatMember::Administrator(_)
        | ChatMember::Restricted(_)
        | ChatMember::Left(_) => kind,
    };
    Ok(unknown_in(what, update.chat.id.to_string(), Some(update.date)))
}

#[cfg(test)]
mod tests;
