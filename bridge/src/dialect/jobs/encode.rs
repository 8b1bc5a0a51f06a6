//! Events, replies and faults into frames of `jobs`.

use causeway_proto::{event::event::Body, presence::UserPresence};

use super::frame::{Frame, IDS, Message, Notice, User, time};
use crate::{
    command::Reply,
    dialect::shape::{self, ErrorBody, spell},
    fault::Fault,
};

/// What the services call differently.
const WORDS: [(&str, &str); 2] = [("content", "message"), ("content_type", "message_type")];

/// The frame of an event on a conversation's socket, which tells of the presence of others only.
pub(super) fn in_chat(body: &Body, own: bool) -> Option<String> {
    let frame = match body {
        Body::MessageCreated(it) => {
            let message = &Message::of(it.message.as_ref()?);
            return Some(shape::text(&Frame::ChatMessage { message }));
        }
        Body::MessageEdited(it) => {
            let message = &Message::of(it.message.as_ref()?);
            return Some(shape::text(&Frame::MessageEdited { message }));
        }
        Body::MessageDeleted(it) => Frame::MessageDeleted {
            message_id: IDS.numbered(it.message_id),
            deleted_at: time(it.deleted_at.as_ref()),
        },
        Body::ReactionChanged(it) => Frame::MessageReaction {
            message_id: IDS.numbered(it.message_id),
            user: User::of(it.user.as_ref()?),
            reaction: &it.reaction,
            action: if it.added { "add" } else { "remove" },
        },
        Body::MessagesRead(it) => Frame::MessageRead {
            message_id: IDS.numbered(it.message_id),
            read_by: User::of(it.user.as_ref()?),
            read_at: time(it.read_at.as_ref()),
        },
        Body::TypingChanged(it) => {
            Frame::TypingIndicator { user: User::typing(it.user.as_ref()?), is_typing: it.is_typing }
        }
        Body::PresenceChanged(it) if !own => user_status(it.presence.as_ref()?),
        Body::PresenceChanged(_)
        | Body::MessagesDelivered(_)
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
        | Body::NotificationsRead(_) => return None,
    };
    Some(shape::text(&frame))
}

/// The frame of an event on the notifications' socket.
pub(super) fn notification(body: &Body) -> Option<String> {
    let frame = match body {
        Body::NotificationPublished(it) => {
            Frame::Notification { notification: Notice::of(it.notification.as_ref()?) }
        }
        Body::NotificationsRead(it) => Frame::NotificationRead {
            notification_id: it.notification_id.map(|id| IDS.numbered(id)),
            all: if it.notification_id.is_none() { Some(true) } else { None },
        },
        Body::MessageCreated(_)
        | Body::MessageEdited(_)
        | Body::MessageDeleted(_)
        | Body::ReactionChanged(_)
        | Body::MessagesRead(_)
        | Body::MessagesDelivered(_)
        | Body::DeliveryStatusChanged(_)
        | Body::ParticipantsAdded(_)
        | Body::ParticipantsRemoved(_)
        | Body::DirectMessageCreated(_)
        | Body::CustomerMessageCreated(_)
        | Body::ConversationUpdated(_)
        | Body::ConversationJoined(_)
        | Body::ConversationLeft(_)
        | Body::UserUpdated(_)
        | Body::PresenceChanged(_)
        | Body::TypingChanged(_) => return None,
    };
    Some(shape::text(&frame))
}

pub(super) fn reply(reply: &Reply) -> Option<String> {
    let frame = match reply {
        Reply::Sent { message, duplicate: true } => {
            let message = &Message::of(message);
            return Some(shape::text(&Frame::ChatMessage { message }));
        }
        Reply::History { messages, has_more } => Frame::Messages {
            messages: messages.iter().map(Message::in_history).collect(),
            has_more: *has_more,
        },
        Reply::Notifications { notifications, unread_count, has_more } => Frame::Notifications {
            notifications: notifications.iter().map(Notice::of).collect(),
            unread_count: *unread_count,
            has_more: *has_more,
        },
        Reply::Pong => Frame::Pong,
        Reply::Refreshed { expires_at } => Frame::TokenRefreshed { expires_at: time(Some(expires_at)) },
        Reply::Sent { duplicate: false, .. }
        | Reply::Done
        | Reply::Recent { .. }
        | Reply::Thread { .. }
        | Reply::Search { .. }
        | Reply::MessageStatus { .. }
        | Reply::Conversations { .. }
        | Reply::Heartbeat { .. } => return None,
    };
    Some(shape::text(&frame))
}

pub(super) fn fault(fault: &Fault) -> String {
    shape::text(&Frame::Error(ErrorBody::of(&spell(fault, &WORDS))))
}

fn user_status(it: &UserPresence) -> Frame<'_> {
    Frame::UserStatus { user_id: IDS.named(&it.user_id), status: shape::presence(it.status()) }
}
