//! Events, replies and faults into frames of `rooms`.

use causeway_proto::{
    chat::{self, ConversationKind, MessageDeleted, MessagesRead, ReactionChanged},
    event::event::Body,
    presence::{TypingChanged, UserPresence},
};

use super::frame::{Deleted, Frame, IDS, Message, time};
use crate::{
    command::Reply,
    dialect::shape::{self, ErrorBody, spell},
    fault::Fault,
};

/// What the services call differently.
const WORDS: [(&str, &str); 2] = [("content_type", "message_type"), ("attachments", "media_url")];

/// The frame of an event; `kind` is that of the socket's conversation, for events that do not say it
/// themselves.
pub(super) fn event(kind: ConversationKind, body: &Body) -> Option<String> {
    match body {
        Body::MessageCreated(it) => Some(message("new_message", it.message.as_ref()?)),
        Body::MessageEdited(it) => Some(message("message_edited", it.message.as_ref()?)),
        Body::MessageDeleted(it) => Some(deleted(it)),
        Body::ReactionChanged(it) => reaction(it),
        Body::MessagesRead(it) => read(it),
        Body::PresenceChanged(it) => Some(presence(it.presence.as_ref()?)),
        Body::TypingChanged(it) => typing(kind, it),
        Body::MessagesDelivered(_)
        | Body::DeliveryStatusChanged(_)
        | Body::ParticipantsAdded(_)
        | Body::ParticipantsRemoved(_)
        | Body::DirectMessageCreated(_)
        | Body::CustomerMessageCreated(_)
        | Body::ConversationUpdated(_)
        | Body::ConversationJoined(_)
        | Body::ConversationLeft(_)
        | Body::UserUpdated(_)
        | Body::NotificationPublished(_)
        | Body::NotificationsRead(_) => None,
    }
}

pub(super) fn reply(reply: &Reply) -> Option<String> {
    match reply {
        Reply::Sent { message: first, duplicate: true } => Some(message("new_message", first)),
        Reply::History { messages, has_more } => Some(shape::text(&Frame::History {
            messages: messages.iter().map(Message::in_history).collect(),
            has_more: *has_more,
        })),
        Reply::Heartbeat { at } => Some(shape::text(&Frame::Heartbeat { timestamp: time(Some(at)) })),
        Reply::Pong => Some(shape::text(&Frame::Pong)),
        Reply::Refreshed { expires_at } => {
            Some(shape::text(&Frame::TokenRefreshed { expires_at: time(Some(expires_at)) }))
        }
        Reply::Sent { duplicate: false, .. }
        | Reply::Done
        | Reply::Recent { .. }
        | Reply::Thread { .. }
        | Reply::Search { .. }
        | Reply::MessageStatus { .. }
        | Reply::Conversations { .. }
        | Reply::Notifications { .. } => None,
    }
}

pub(super) fn fault(fault: &Fault) -> String {
    shape::text(&Frame::Error(ErrorBody::of(&spell(fault, &WORDS))))
}

fn message(event: &'static str, message: &chat::Message) -> String {
    shape::text(&Frame::Message { event, message: &Message::of(message) })
}

fn deleted(it: &MessageDeleted) -> String {
    let message = Deleted {
        id: IDS.numbered(it.message_id),
        conversation_id: IDS.named(&it.conversation_id),
        conversation_type: shape::kind(it.conversation_kind()),
        deleted_at: time(it.deleted_at.as_ref()),
    };
    shape::text(&Frame::Deleted { event: "message_deleted", message })
}

fn reaction(it: &ReactionChanged) -> Option<String> {
    let user = it.user.as_ref()?;
    Some(shape::text(&Frame::Reaction {
        message_id: IDS.numbered(it.message_id),
        user_id: IDS.named(&user.id),
        user_name: &user.display_name(),
        reaction: &it.reaction,
        action: if it.added { "add" } else { "remove" },
        conversation_id: IDS.named(&it.conversation_id),
        conversation_type: shape::kind(it.conversation_kind()),
    }))
}

fn read(it: &MessagesRead) -> Option<String> {
    let user = it.user.as_ref()?;
    Some(shape::text(&Frame::ReadReceipt {
        message_id: IDS.numbered(it.message_id),
        user_id: IDS.named(&user.id),
        user_name: &user.display_name(),
        read_at: time(it.read_at.as_ref()),
        conversation_id: IDS.named(&it.conversation_id),
        conversation_type: shape::kind(it.conversation_kind()),
    }))
}

fn typing(kind: ConversationKind, it: &TypingChanged) -> Option<String> {
    let user = it.user.as_ref()?;
    Some(shape::text(&Frame::Typing {
        user_id: IDS.named(&user.user_id),
        user_name: shape::present(&user.display_name).unwrap_or(&user.user_id),
        is_typing: it.is_typing,
        conversation_id: IDS.named(&it.conversation_id),
        conversation_type: shape::kind(kind),
    }))
}

fn presence(it: &UserPresence) -> String {
    shape::text(&Frame::Presence {
        user_id: IDS.named(&it.user_id),
        user_name: shape::present(&it.display_name).unwrap_or(&it.user_id),
        status: shape::presence(it.status()),
        last_seen: time(it.last_seen.as_ref()),
    })
}
