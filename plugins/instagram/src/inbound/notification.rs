//! The envelope of what Meta sends, taken apart so that what cannot be read costs nobody else.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::lenient::{number_or_text, text_or_number};

/// Of what a notification is about.
const OBJECT: &str = "instagram";
/// Fields of `changes` whose value is an item as in `messaging`. Test notifications of the app's dashboard come so.
const MESSAGING_FIELDS: [&str; 9] = [
    "messages",
    "message_echoes",
    "message_edit",
    "message_edits",
    "message_reactions",
    "message_reads",
    "message_deliveries",
    "messaging_seen",
    "messaging_postbacks",
];

/// A part of a notification.
pub(super) enum Found<'a> {
    /// Something that happened in a conversation.
    Item {
        /// Instagram's id of the account.
        account_id: String,
        /// When Meta sent the notification, in milliseconds since the epoch.
        time: Option<i64>,
        /// What happened.
        item: &'a RawValue,
    },
    /// Something that has nothing to do with messages, or not with this app at the moment.
    Other {
        /// Instagram's id of the account; empty when the notification is about something else than Instagram.
        account_id: String,
        /// What Meta calls it.
        kind: String,
        /// As sent.
        payload: &'a [u8],
    },
    /// What is not as it should be.
    Unreadable {
        /// Instagram's id of the account, when that much can be read.
        account_id: Option<String>,
        /// For people.
        reason: String,
        /// As sent.
        payload: &'a [u8],
    },
}

#[derive(Deserialize)]
struct Notification<'a> {
    #[serde(default)]
    object: String,
    #[serde(borrow)]
    entry: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(deserialize_with = "text_or_number")]
    id: String,
    #[serde(default, deserialize_with = "number_or_text")]
    time: Option<i64>,
    #[serde(borrow, default)]
    messaging: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    changes: Vec<&'a RawValue>,
    /// What happens while another app has the conversation.
    #[serde(borrow, default)]
    standby: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Change<'a> {
    field: String,
    #[serde(borrow)]
    value: &'a RawValue,
}

/// All parts, in the notification's order.
pub(super) fn take_apart(body: &[u8]) -> Vec<Found<'_>> {
    let notification: Notification<'_> = match serde_json::from_slice(body) {
        Ok(notification) => notification,
        Err(error) => return vec![unreadable(None, &error, body)],
    };
    if notification.object != OBJECT {
        return vec![Found::Other { account_id: String::new(), kind: notification.object, payload: body }];
    }
    notification.entry.into_iter().flat_map(entry).collect()
}

fn entry(raw: &RawValue) -> Vec<Found<'_>> {
    let entry: Entry<'_> = match serde_json::from_str(raw.get()) {
        Ok(entry) => entry,
        Err(error) => return vec![unreadable(None, &error, raw.get().as_bytes())],
    };
    let Entry { id, time, messaging, changes, standby } = entry;
    let item = |item| Found::Item { account_id: id.clone(), time, item };
    let mut found: Vec<Found<'_>> = messaging.into_iter().map(item).collect();
    for raw in changes {
        found.push(match serde_json::from_str::<Change<'_>>(raw.get()) {
            Ok(change) if MESSAGING_FIELDS.contains(&change.field.as_str()) => item(change.value),
            Ok(change) => elsewhere(&id, change.field, raw),
            Err(error) => unreadable(Some(id.clone()), &error, raw.get().as_bytes()),
        });
    }
    found.extend(standby.into_iter().map(|raw| elsewhere(&id, "standby".to_owned(), raw)));
    found
}

fn elsewhere<'a>(account_id: &str, kind: String, raw: &'a RawValue) -> Found<'a> {
    Found::Other { account_id: account_id.to_owned(), kind, payload: raw.get().as_bytes() }
}

fn unreadable<'a>(account_id: Option<String>, error: &serde_json::Error, payload: &'a [u8]) -> Found<'a> {
    Found::Unreadable { account_id, reason: format!("not as Instagram writes it: {error}"), payload }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is found, in words.
    fn found(body: &str) -> Vec<String> {
        let word = |found| match found {
            Found::Item { account_id, time, item } => format!("{account_id} {time:?} {}", item.get()),
            Found::Other { account_id, kind, .. } => format!("{account_id} other {kind}"),
            Found::Unreadable { account_id, payload, .. } => {
                format!("{account_id:?} unreadable {}", String::from_utf8_lossy(payload))
            }
        };
        take_apart(body.as_bytes()).into_iter().map(word).collect()
    }

    #[test]
    fn items_are_found_in_every_entry() {
        let body = r#"{"object":"instagram","entry":[
            {"id":"1","time":5,"messaging":[{"a":1},{"b":2}]},
            {"id":2,"time":"6","changes":[{"field":"messages","value":{"c":3}},{"field":"comments","value":{}}],
             "standby":[{}]}]}"#;
        let expected = [
            "1 Some(5) {\"a\":1}",
            "1 Some(5) {\"b\":2}",
            "2 Some(6) {\"c\":3}",
            "2 other comments",
            "2 other standby",
        ];
        assert_eq!(found(body), expected);
    }

    #[test]
    fn what_cannot_be_read_leaves_the_rest() {
        let body =
            r#"{"object":"instagram","entry":[7,{"id":"1","messaging":[{}],"changes":[{"field":"x"}]}]}"#;
        assert_eq!(
            found(body),
            ["None unreadable 7", "1 None {}", "Some(\"1\") unreadable {\"field\":\"x\"}"]
        );
        assert_eq!(found("nonsense"), ["None unreadable nonsense"]);
        assert_eq!(found("{}"), ["None unreadable {}"]);
        assert_eq!(found(r#"{"object":"page","entry":[{}]}"#), [" other page"]);
    }
}
