//! What `rooms` sends, field by field in the order of its document.

use causeway_proto::chat;
use prost_types::Timestamp;
use serde::Serialize;

use crate::dialect::shape::{self, ErrorBody, Id, Ids, Object, Reactions, Time};

/// How ids print.
pub(super) const IDS: Ids = Ids::Text;

/// How times print.
pub(super) fn time(at: Option<&Timestamp>) -> Time<'_> {
    Time::with_offset(at)
}

/// Every frame.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Frame<'a> {
    Message {
        event: &'static str,
        message: &'a Message<'a>,
    },
    #[serde(rename = "message")]
    Deleted {
        event: &'static str,
        message: Deleted<'a>,
    },
    Typing {
        user_id: Id<'a>,
        user_name: &'a str,
        is_typing: bool,
        conversation_id: Id<'a>,
        conversation_type: &'static str,
    },
    ReadReceipt {
        message_id: Id<'a>,
        user_id: Id<'a>,
        user_name: &'a str,
        read_at: Time<'a>,
        conversation_id: Id<'a>,
        conversation_type: &'static str,
    },
    Reaction {
        message_id: Id<'a>,
        user_id: Id<'a>,
        user_name: &'a str,
        reaction: &'a str,
        action: &'static str,
        conversation_id: Id<'a>,
        conversation_type: &'static str,
    },
    Presence {
        user_id: Id<'a>,
        user_name: &'a str,
        status: &'static str,
        last_seen: Time<'a>,
    },
    History {
        messages: Vec<Message<'a>>,
        has_more: bool,
    },
    Heartbeat {
        timestamp: Time<'a>,
    },
    Pong,
    TokenRefreshed {
        expires_at: Time<'a>,
    },
    Error(ErrorBody<'a>),
}

/// `M`: ten fields that are always there, then those that apply.
#[derive(Serialize)]
pub(super) struct Message<'a> {
    id: Id<'a>,
    content: &'a str,
    sender_id: Id<'a>,
    sender_name: String,
    conversation_id: Id<'a>,
    timestamp: Time<'a>,
    message_type: &'a str,
    media_url: Option<&'a str>,
    metadata: Object<'a>,
    conversation_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<Id<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    edited_at: Option<Time<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_message_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reactions: Option<Reactions<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    read_by: Option<Vec<Id<'a>>>,
}

impl<'a> Message<'a> {
    pub(super) fn of(message: &'a chat::Message) -> Self {
        let sender = shape::sender(message);
        Self {
            id: IDS.numbered(message.id),
            content: &message.content,
            sender_id: IDS.named(&sender.id),
            sender_name: sender.display_name(),
            conversation_id: IDS.named(&message.conversation_id),
            timestamp: time(message.created_at.as_ref()),
            message_type: shape::message_type(message),
            media_url: shape::first_url(message),
            metadata: Object::of(&message.metadata),
            conversation_type: shape::kind(message.conversation_kind()),
            reply_to: message.reply_to.map(|id| IDS.numbered(id)),
            edited_at: time(message.edited_at.as_ref()).present(),
            client_message_id: shape::present(&message.client_message_id),
            reactions: None,
            read_by: None,
        }
    }

    /// In history, where it also says who reacted and who has read it.
    pub(super) fn in_history(message: &'a chat::Message) -> Self {
        Self {
            reactions: Some(Reactions::to(message, IDS)),
            read_by: Some(IDS.all(&message.read_by)),
            ..Self::of(message)
        }
    }
}

/// What is left of a deleted message.
#[derive(Serialize)]
pub(super) struct Deleted<'a> {
    pub(super) id: Id<'a>,
    pub(super) conversation_id: Id<'a>,
    pub(super) conversation_type: &'static str,
    pub(super) deleted_at: Time<'a>,
}
