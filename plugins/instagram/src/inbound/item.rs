//! One thing that happened in a conversation, and the event that it is.

use std::collections::BTreeMap;

use causeway_plugin_sdk::{
    event, malformed,
    proto::plugin::{DeliveryState, InboundEvent, Unknown, inbound_event::Body},
};
use serde::{Deserialize, de::IgnoredAny};

use super::{
    later::{Edit, Reaction, Receipt},
    message::{Message, Postback},
    provider_id,
    time::{milliseconds, timestamp},
};
use crate::{
    accounts::Accounts,
    lenient::{number_or_text, text_or_number},
    settings::Account,
};

/// Longest id of a customer, and longest name of an account, in characters.
const ID: usize = 128;
/// Longest kind of an unknown event that is passed on, in characters.
const KIND: usize = 64;

/// An item of `messaging`.
#[derive(Debug, Deserialize)]
struct Item {
    #[serde(default)]
    sender: Option<Party>,
    #[serde(default)]
    recipient: Option<Party>,
    #[serde(default, deserialize_with = "number_or_text")]
    timestamp: Option<i64>,
    #[serde(default)]
    message: Option<Message>,
    #[serde(default)]
    reaction: Option<Reaction>,
    #[serde(default)]
    read: Option<Receipt>,
    #[serde(default)]
    delivery: Option<Receipt>,
    #[serde(default)]
    postback: Option<Postback>,
    #[serde(default)]
    message_edit: Option<Edit>,
    /// What means nothing to us, by what it is called.
    #[serde(flatten)]
    other: BTreeMap<String, IgnoredAny>,
}

#[derive(Debug, Deserialize)]
struct Party {
    #[serde(deserialize_with = "text_or_number")]
    id: String,
}

/// Who took part, seen from the account.
pub(super) struct Sides<'a> {
    account: &'a Account,
    /// Id of the other side.
    pub(super) customer: String,
    /// Whether the account did it.
    is_ours: bool,
    /// When, in milliseconds since the epoch; 0 when that is not said.
    pub(super) time: i64,
}

/// Ids and bodies of the events of an item, or why it cannot be read.
pub(super) type Events = Result<Vec<(String, Body)>, &'static str>;

/// The events of an item that stood under an account's id; `sent` is the notification's time, for an item without one.
pub(super) fn read(accounts: &Accounts, account_id: &str, sent: Option<i64>, raw: &str) -> Vec<InboundEvent> {
    let Some(watched) = accounts.with_id(account_id) else {
        return vec![unknown(None, account_id, "account that is not configured", raw.as_bytes())];
    };
    let account = &watched.account;
    let unreadable = |reason: &str| vec![malformed(&account.account, reason, raw.as_bytes())];
    let item: Item = match serde_json::from_str(raw) {
        Ok(item) => item,
        Err(error) => return unreadable(&format!("not as Instagram writes it: {error}")),
    };
    let sides = match Sides::of(account, &item, sent) {
        Ok(sides) => sides,
        Err(reason) => return unreadable(reason),
    };
    match sides.read(item, raw) {
        Ok(events) => events.into_iter().map(|(id, body)| sides.event(id, body)).collect(),
        Err(reason) => unreadable(reason),
    }
}

/// An event that means nothing to us.
pub(super) fn unknown(
    account: Option<&Account>,
    account_id: &str,
    kind: &str,
    payload: &[u8],
) -> InboundEvent {
    let is_name = (1..=ID).contains(&account_id.chars().count());
    let name = account.map_or(if is_name { account_id } else { "unknown" }, |account| &account.account);
    let id = provider_id::of(&["unknown", kind, &provider_id::digest(payload)]);
    event(name, id, "", of_kind(kind))
}

/// The body of an event that means nothing to us.
pub(super) fn of_kind(kind: &str) -> Body {
    Body::Unknown(Unknown { kind: kind.chars().take(KIND).collect() })
}

impl<'a> Sides<'a> {
    fn of(account: &'a Account, item: &Item, sent: Option<i64>) -> Result<Self, &'static str> {
        let sender = item.sender.as_ref().ok_or("no sender")?;
        let is_echo = item.message.as_ref().is_some_and(|message| message.is_echo);
        let is_ours = is_echo || sender.id == account.instagram_id;
        let customer = if is_ours { item.recipient.as_ref().ok_or("no recipient")? } else { sender };
        if !(1..=ID).contains(&customer.id.chars().count()) {
            return Err("the customer's id must be 1 to 128 characters");
        }
        let time = item.timestamp.and_then(milliseconds).or(sent.and_then(milliseconds)).unwrap_or(0);
        Ok(Self { account, customer: customer.id.clone(), is_ours, time })
    }

    fn read(&self, item: Item, raw: &str) -> Events {
        let unknown = |kind: &str| {
            let id = provider_id::of(&["unknown", kind, &provider_id::digest(raw.as_bytes())]);
            Ok(vec![(id, of_kind(kind))])
        };
        if self.customer == self.account.instagram_id {
            return unknown("message to oneself");
        }
        if let Some(message) = item.message {
            Ok(vec![message.read(&self.customer, self.is_ours, self.account.app_id.as_deref())])
        } else if let Some(edit) = item.message_edit {
            match edit.read(self) {
                Some(edit) => Ok(vec![edit]),
                None => unknown("message_edit without a change"),
            }
        } else if self.is_ours {
            // Our own reading and reacting in Instagram's app.
            unknown("own action")
        } else if let Some(reaction) = item.reaction {
            reaction.read(self)
        } else if let Some(read) = item.read {
            read.read("read", DeliveryState::Read, self)
        } else if let Some(delivery) = item.delivery {
            delivery.read("delivery", DeliveryState::Delivered, self)
        } else if let Some(postback) = item.postback {
            Ok(vec![postback.read(&self.customer, self.time)])
        } else {
            unknown(item.other.keys().next().map_or("nothing", String::as_str))
        }
    }

    fn event(&self, id: String, body: Body) -> InboundEvent {
        let mut event = event(&self.account.account, id, &self.customer, body);
        event.time = (self.time > 0).then(|| timestamp(self.time));
        event
    }
}
