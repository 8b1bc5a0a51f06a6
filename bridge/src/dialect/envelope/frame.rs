//! What `envelope` sends, field by field in the order of its document.

use std::borrow::Cow;

use causeway_proto::{chat, notification::Notification};
use prost_types::Timestamp;
use serde::Serialize;

use crate::dialect::shape::{self, Attachments, Data, ErrorBody, Id, Ids, Time};

/// How ids print.
pub(super) const IDS: Ids = Ids::Uuid;

/// How times print.
pub(super) fn time(at: Option<&Timestamp>) -> Time<'_> {
    Time::z(at)
}

/// Every frame; what a variant holds is its `data`.
#[derive(Serialize)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
pub(super) enum Frame<'a> {
    NewMessage(&'a Message<'a>),
    NewDirectMessage(&'a Message<'a>),
    MessageEdited(&'a Message<'a>),
    MessageDeleted {
        id: Id<'a>,
        chat_id: Id<'a>,
        deleted_at: Time<'a>,
    },
    MessageDelivered {
        message_id: Id<'a>,
        user_id: Id<'a>,
        delivered_at: Time<'a>,
    },
    TypingIndicator {
        chat_id: Id<'a>,
        user_id: Id<'a>,
        username: &'a str,
        is_typing: bool,
    },
    ReadReceipt {
        chat_id: Id<'a>,
        message_id: Id<'a>,
        user_id: Id<'a>,
        read_at: Time<'a>,
    },
    ReactionAdded(Reaction<'a>),
    ReactionRemoved(Reaction<'a>),
    History {
        messages: Vec<Message<'a>>,
        has_more: bool,
    },
    Thread {
        parent: &'a Message<'a>,
        replies: Vec<Message<'a>>,
    },
    SearchResults {
        query: &'a str,
        messages: Vec<Message<'a>>,
    },
    MessageStatus {
        message_id: Id<'a>,
        status: &'static str,
        delivered_to: Vec<Id<'a>>,
        read_by: Vec<Id<'a>>,
    },
    UserPresence {
        user_id: Id<'a>,
        status: &'static str,
        last_seen: Time<'a>,
    },
    Notification(Notice<'a>),
    Pong {},
    TokenRefreshed {
        expires_at: Time<'a>,
    },
    Error(ErrorBody<'a>),
}

/// `M`: nine fields that are always there, then those that apply.
#[derive(Serialize)]
pub(super) struct Message<'a> {
    id: Id<'a>,
    chat_id: Id<'a>,
    sender_id: Id<'a>,
    content: &'a str,
    message_type: &'a str,
    parent_message_id: Option<Id<'a>>,
    created_at: Time<'a>,
    updated_at: Time<'a>,
    sender: Sender<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attachments: Option<Attachments<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_message_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_at: Option<Time<'a>>,
}

impl<'a> Message<'a> {
    pub(super) fn of(message: &'a chat::Message) -> Self {
        let sender = shape::sender(message);
        Self {
            id: IDS.numbered(message.id),
            chat_id: IDS.named(&message.conversation_id),
            sender_id: IDS.named(&sender.id),
            content: &message.content,
            message_type: shape::message_type(message),
            parent_message_id: message.reply_to.map(|id| IDS.numbered(id)),
            created_at: time(message.created_at.as_ref()),
            updated_at: time(message.updated_at.as_ref()),
            sender: Sender::of(sender),
            attachments: Attachments::of(message),
            client_message_id: shape::present(&message.client_message_id),
            deleted_at: time(message.deleted_at.as_ref()).present(),
        }
    }

    pub(super) fn all(messages: &'a [chat::Message]) -> Vec<Self> {
        messages.iter().map(Self::of).collect()
    }
}

#[derive(Serialize)]
struct Sender<'a> {
    id: Id<'a>,
    username: Cow<'a, str>,
    email: &'a str,
    is_active: bool,
    created_at: Time<'a>,
}

impl<'a> Sender<'a> {
    fn of(user: &'a chat::User) -> Self {
        Self {
            id: IDS.named(&user.id),
            username: shape::username(user),
            email: &user.email,
            is_active: user.is_active,
            created_at: time(user.created_at.as_ref()),
        }
    }
}

#[derive(Serialize)]
pub(super) struct Reaction<'a> {
    pub(super) chat_id: Id<'a>,
    pub(super) message_id: Id<'a>,
    pub(super) user_id: Id<'a>,
    pub(super) reaction: &'a str,
}

#[derive(Serialize)]
pub(super) struct Notice<'a> {
    id: Id<'a>,
    title: &'a str,
    message: &'a str,
    notification_type: &'a str,
    created_at: Time<'a>,
    is_read: bool,
    data: Data<'a>,
}

impl<'a> Notice<'a> {
    pub(super) fn of(notification: &'a Notification) -> Self {
        Self {
            id: IDS.numbered(notification.id),
            title: &notification.title,
            message: &notification.message,
            notification_type: &notification.notification_type,
            created_at: time(notification.timestamp.as_ref()),
            is_read: notification.is_read,
            data: Data::of(notification, IDS),
        }
    }
}
