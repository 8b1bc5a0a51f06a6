//! What `jobs` sends, field by field in the order of its document.

use causeway_proto::{chat, notification::Notification, presence::Typist};
use prost_types::Timestamp;
use serde::Serialize;

use crate::dialect::shape::{self, Attachments, Data, ErrorBody, Id, Ids, Reactions, Time};

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
    ChatMessage {
        message: &'a Message<'a>,
    },
    MessageEdited {
        message: &'a Message<'a>,
    },
    MessageDeleted {
        message_id: Id<'a>,
        deleted_at: Time<'a>,
    },
    TypingIndicator {
        user: User<'a>,
        is_typing: bool,
    },
    MessageRead {
        message_id: Id<'a>,
        read_by: User<'a>,
        read_at: Time<'a>,
    },
    MessageReaction {
        message_id: Id<'a>,
        user: User<'a>,
        reaction: &'a str,
        action: &'static str,
    },
    UserStatus {
        user_id: Id<'a>,
        status: &'static str,
    },
    Messages {
        messages: Vec<Message<'a>>,
        has_more: bool,
    },
    Notification {
        notification: Notice<'a>,
    },
    NotificationRead {
        #[serde(skip_serializing_if = "Option::is_none")]
        notification_id: Option<Id<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        all: Option<bool>,
    },
    Notifications {
        notifications: Vec<Notice<'a>>,
        unread_count: u32,
        has_more: bool,
    },
    Pong,
    TokenRefreshed {
        expires_at: Time<'a>,
    },
    Error(ErrorBody<'a>),
}

/// `U`.
#[derive(Serialize)]
pub(super) struct User<'a> {
    id: Id<'a>,
    first_name: &'a str,
    last_name: &'a str,
}

impl<'a> User<'a> {
    pub(super) fn of(user: &'a chat::User) -> Self {
        Self { id: IDS.named(&user.id), first_name: &user.first_name, last_name: &user.last_name }
    }

    pub(super) fn typing(user: &'a Typist) -> Self {
        Self { id: IDS.named(&user.user_id), first_name: &user.first_name, last_name: &user.last_name }
    }
}

/// `M`: five fields that are always there, then those that apply.
#[derive(Serialize)]
pub(super) struct Message<'a> {
    id: Id<'a>,
    content: &'a str,
    sender: User<'a>,
    timestamp: Time<'a>,
    message_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<Id<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attachments: Option<Attachments<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    edited_at: Option<Time<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_message_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reactions: Option<Reactions<'a>>,
}

impl<'a> Message<'a> {
    pub(super) fn of(message: &'a chat::Message) -> Self {
        Self {
            id: IDS.numbered(message.id),
            content: &message.content,
            sender: User::of(shape::sender(message)),
            timestamp: time(message.created_at.as_ref()),
            message_type: shape::message_type(message),
            reply_to: message.reply_to.map(|id| IDS.numbered(id)),
            attachments: Attachments::of(message),
            edited_at: time(message.edited_at.as_ref()).present(),
            client_message_id: shape::present(&message.client_message_id),
            reactions: None,
        }
    }

    /// In history, where it also says who reacted.
    pub(super) fn in_history(message: &'a chat::Message) -> Self {
        Self { reactions: Some(Reactions::to(message, IDS)), ..Self::of(message) }
    }
}

/// `N`.
#[derive(Serialize)]
pub(super) struct Notice<'a> {
    id: Id<'a>,
    title: &'a str,
    message: &'a str,
    notification_type: &'a str,
    timestamp: Time<'a>,
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
            timestamp: time(notification.timestamp.as_ref()),
            is_read: notification.is_read,
            data: Data::of(notification, IDS),
        }
    }
}
