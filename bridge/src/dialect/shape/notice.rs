//! What is in a notification's `data`.
//!
//! It goes through as whoever made the notification gave it, with one exception: the notification about a
//! message names a conversation, a person and a message, and a frontend expects those in the type in which it
//! knows ids.

use std::borrow::Cow;

use causeway_proto::notification::Notification;
use serde::{Deserialize, Serialize, Serializer};

use super::{Id, Ids, Object};

/// The type of a notification about a message.
const MESSAGE: &str = "message";

/// The `data` of a notification.
#[derive(Debug)]
pub(in crate::dialect) enum Data<'a> {
    /// Of one about a message.
    Message(About<'a>, Ids),
    /// Of any other.
    Other(Object<'a>),
}

/// What a message's notification is about.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::dialect) struct About<'a> {
    #[serde(borrow)]
    conversation_id: Given<'a>,
    #[serde(borrow)]
    sender_id: Given<'a>,
    #[serde(borrow)]
    message_id: Given<'a>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Given<'a> {
    Number(u64),
    #[serde(borrow)]
    Text(Cow<'a, str>),
}

impl<'a> Data<'a> {
    /// The data of a notification, empty when it has none.
    pub(in crate::dialect) fn of(notification: &'a Notification, ids: Ids) -> Self {
        let text = &notification.data;
        let about =
            if notification.notification_type == MESSAGE { serde_json::from_str(text).ok() } else { None };
        about.map_or_else(|| Self::Other(Object::of(text)), |about| Self::Message(about, ids))
    }
}

impl Serialize for Data<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Message(about, ids) => serializer.collect_map([
                ("conversation_id", about.conversation_id.id(*ids)),
                ("sender_id", about.sender_id.id(*ids)),
                ("message_id", about.message_id.id(*ids)),
            ]),
            Self::Other(object) => object.serialize(serializer),
        }
    }
}

impl Given<'_> {
    fn id(&self, ids: Ids) -> Id<'_> {
        match self {
            Self::Number(id) => ids.numbered(*id),
            Self::Text(id) => ids.named(id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::shape::text;

    fn printed(notification_type: &str, data: &str, ids: Ids) -> String {
        let notification = Notification {
            notification_type: notification_type.to_owned(),
            data: data.to_owned(),
            ..Notification::default()
        };
        text(&Data::of(&notification, ids))
    }

    #[test]
    fn ids_of_a_message_are_in_the_dialects_type() {
        let data = r#"{"conversation_id":"12","sender_id":"alice","message_id":"5"}"#;
        let expected = r#"{"conversation_id":12,"sender_id":"alice","message_id":5}"#;
        assert_eq!(printed("message", data, Ids::Number), expected);
        assert_eq!(printed("message", expected, Ids::Text), data);
    }

    #[test]
    fn other_data_goes_through() {
        let data = r#"{"conversation_id":"12","sender_id":"7","message_id":"5","more":true}"#;
        assert_eq!(printed("message", data, Ids::Number), data);
        let data = r#"{"conversation_id":"12","sender_id":"7","message_id":"5"}"#;
        assert_eq!(printed("notice", data, Ids::Number), data);
        assert_eq!(printed("message", "", Ids::Number), "{}");
    }
}
