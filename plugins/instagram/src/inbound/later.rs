//! What happens to messages after they were written: edits, reactions, receipts.

use causeway_plugin_sdk::proto::plugin::{
    DeliveryState, MessageEdit, MessageReaction, MessageReceipt, inbound_event::Body,
};
use serde::Deserialize;

use super::{
    item::{Events, Sides},
    message::{Mid, TEXT},
    provider_id,
    time::{milliseconds, timestamp},
};
use crate::lenient::number_or_text;

/// Longest reaction, in characters.
const REACTION: usize = 32;
/// Most messages that one receipt names.
const RECEIPTS: usize = 100;

/// A new text.
#[derive(Debug, Deserialize)]
pub(super) struct Edit {
    mid: Mid,
    #[serde(default)]
    text: Option<String>,
    #[serde(default, deserialize_with = "number_or_text")]
    num_edit: Option<i64>,
}

/// A reaction, or its end.
#[derive(Debug, Deserialize)]
pub(super) struct Reaction {
    mid: Mid,
    action: String,
    /// In a word: "love". Absent when it is taken back.
    #[serde(default)]
    reaction: Option<String>,
    /// Absent when it is taken back.
    #[serde(default)]
    emoji: Option<String>,
}

/// Instagram names the last message that was read, Messenger a time or many messages.
#[derive(Debug, Deserialize)]
pub(super) struct Receipt {
    #[serde(default)]
    mid: Option<Mid>,
    #[serde(default)]
    mids: Vec<Mid>,
    #[serde(default, deserialize_with = "number_or_text")]
    watermark: Option<i64>,
}

impl Edit {
    /// `None` for the zeroth edit, which is the message itself, and for one that does not say what the text is now.
    pub(super) fn read(self, sides: &Sides<'_>) -> Option<(String, Body)> {
        let Self { mid: Mid(mid), text, num_edit } = self;
        let text = text.filter(|text| num_edit != Some(0) && !text.is_empty())?;
        // Without a number it is the time that tells one edit from another.
        let number = num_edit.unwrap_or(sides.time).to_string();
        let id = provider_id::of(&["edit", &mid, &number]);
        let text = text.chars().take(TEXT).collect();
        let edit = MessageEdit { customer_id: sides.customer.clone(), message_id: mid, text };
        Some((id, Body::MessageEdit(edit)))
    }
}

impl Reaction {
    /// A person has one reaction to a message, and a new one takes the place of the old, of which nothing is said: so it comes
    /// after an event that takes back whatever was there.
    pub(super) fn read(self, sides: &Sides<'_>) -> Events {
        let Self { mid: Mid(mid), action, reaction, emoji } = self;
        let customer = &sides.customer;
        let time = sides.time.to_string();
        let given = [emoji, reaction].into_iter().flatten().find(|given| !given.is_empty()).map(canonical);
        if given.as_ref().is_some_and(|given| given.chars().count() > REACTION) {
            return Err("a reaction of more than 32 characters");
        }
        let body = |reaction: String, added| {
            let (customer_id, message_id) = (customer.clone(), mid.clone());
            Body::MessageReaction(MessageReaction { customer_id, message_id, reaction, added })
        };
        let id = |what: &[&str]| {
            provider_id::of(
                &[&["reaction", mid.as_str(), customer.as_str()], what, &[time.as_str()]].concat(),
            )
        };
        match action.as_str() {
            "react" => {
                let given = given.ok_or("a reaction that is none")?;
                let old = (id(&["replaced"]), body(String::new(), false));
                Ok(vec![old, (id(&["react", &given]), body(given, true))])
            }
            "unreact" => Ok(vec![(id(&["unreact"]), body(String::new(), false))]),
            _ => Err("neither a reaction nor its end"),
        }
    }
}

impl Receipt {
    /// `what` is what Meta calls it.
    pub(super) fn read(self, what: &str, state: DeliveryState, sides: &Sides<'_>) -> Events {
        let Self { mid, mids, watermark } = self;
        let named: Vec<String> = mids.into_iter().chain(mid).map(|mid| mid.0).collect();
        if named.is_empty() && watermark.is_none() {
            return Err("a receipt of nothing");
        }
        let key = match (&named[..], watermark) {
            ([mid], None) => mid.clone(),
            (_, Some(time)) => time.to_string(),
            (many, None) => provider_id::digest(many.join(" ").as_bytes()),
        };
        // The last ones, because what reached a message reached those before it.
        let message_ids = named[named.len().saturating_sub(RECEIPTS)..].to_vec();
        let through = watermark.and_then(milliseconds).map(timestamp);
        let customer_id = sides.customer.clone();
        let receipt = MessageReceipt { customer_id, state: state.into(), message_ids, through };
        Ok(vec![(provider_id::of(&[what, &key, &sides.customer]), Body::MessageReceipt(receipt))])
    }
}

/// What a double tap gives.
const HEART: &str = "\u{2764}\u{fe0f}";

/// The heart comes with and without the sign that makes it red.
fn canonical(reaction: String) -> String {
    if reaction == "\u{2764}" || reaction == "love" { HEART.to_owned() } else { reaction }
}
