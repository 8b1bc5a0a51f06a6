//! What `campus` sends, field by field in the order of its document.

use causeway_proto::{chat, notification};
use prost_types::Timestamp;
use serde::Serialize;

use crate::dialect::shape::{self, Data, Id, Ids, Time};

/// How ids print.
pub(super) const IDS: Ids = Ids::Number;

/// How times print.
pub(super) fn time(at: Option<&Timestamp>) -> Time<'_> {
    Time::z(at)
}

/// Every frame.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Frame<'a> {
    MessageSent {
        id: Id<'a>,
        status: &'static str,
    },
    ChatMessage(Message<'a>),
    Notify(Notice<'a>),
    Pong,
    TokenRefreshed {
        expires_at: Time<'a>,
    },
    Error {
        error: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u64>,
    },
}

/// A message from somebody.
#[derive(Serialize)]
pub(super) struct Message<'a> {
    id: Id<'a>,
    sender_id: Id<'a>,
    sender_name: String,
    message: &'a str,
    attachment: Option<&'a str>,
    timestamp: Time<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_message_id: Option<&'a str>,
}

impl<'a> Message<'a> {
    pub(super) fn of(message: &'a chat::Message) -> Self {
        let sender = shape::sender(message);
        Self {
            id: IDS.numbered(message.id),
            sender_id: IDS.named(&sender.id),
            sender_name: sender.display_name(),
            message: &message.content,
            attachment: shape::first_url(message),
            timestamp: time(message.created_at.as_ref()),
            client_message_id: shape::present(&message.client_message_id),
        }
    }
}

/// A notice.
#[derive(Serialize)]
pub(super) struct Notice<'a> {
    title: &'a str,
    message: &'a str,
    notification_type: &'a str,
    timestamp: Time<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Data<'a>>,
}

impl<'a> Notice<'a> {
    pub(super) fn of(notification: &'a notification::Notification) -> Self {
        Self {
            title: &notification.title,
            message: &notification.message,
            notification_type: &notification.notification_type,
            timestamp: time(notification.timestamp.as_ref()),
            data: shape::present(&notification.data).map(|_| Data::of(notification, IDS)),
        }
    }
}
