//! Events, replies and faults into frames of `envelope`.

use causeway_proto::{
    chat::{
        DirectMessageCreated, GetMessageStatusResponse, MessageDeleted, MessagesDelivered, MessagesRead,
        ReactionChanged,
    },
    event::event::Body,
    presence::{TypingChanged, UserPresence},
};

use super::frame::{Frame, IDS, Message, Notice, Reaction, time};
use crate::{
    command::Reply,
    dialect::{
        Room,
        shape::{self, ErrorBody, spell},
    },
    fault::Fault,
};

/// What the services call differently.
const WORDS: [(&str, &str); 3] =
    [("content_type", "message_type"), ("reply_to", "parent_message_id"), ("conversation_id", "chat_id")];

/// What an event becomes on a chat's socket. A delivery report is for the sender alone: there `own` says that
/// the viewer sent the messages.
pub(super) fn in_chat(body: &Body, own: bool) -> Vec<String> {
    match body {
        Body::MessagesDelivered(it) if own => delivered(it),
        Body::MessagesDelivered(_) => Vec::new(),
        body => chat_frame(body).into_iter().collect(),
    }
}

fn chat_frame(body: &Body) -> Option<String> {
    match body {
        Body::MessageCreated(it) => Some(shape::text(&Frame::NewMessage(&Message::of(it.message.as_ref()?)))),
        Body::MessageEdited(it) => {
            Some(shape::text(&Frame::MessageEdited(&Message::of(it.message.as_ref()?))))
        }
        Body::MessageDeleted(it) => Some(deleted(it)),
        Body::ReactionChanged(it) => reaction(it),
        Body::MessagesRead(it) => read(it),
        Body::TypingChanged(it) => typing(it),
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
        | Body::NotificationsRead(_)
        | Body::PresenceChanged(_) => None,
    }
}

/// What an event becomes on the user's own stream, which tells of other people only.
pub(super) fn personal(body: &Body, own: bool) -> Option<String> {
    match body {
        Body::DirectMessageCreated(DirectMessageCreated { message, addressed: true, .. }) => {
            Some(shape::text(&Frame::NewDirectMessage(&Message::of(message.as_ref()?))))
        }
        Body::NotificationPublished(it) => {
            Some(shape::text(&Frame::Notification(Notice::of(it.notification.as_ref()?))))
        }
        Body::PresenceChanged(it) if !own => Some(presence(it.presence.as_ref()?)),
        Body::DirectMessageCreated(_)
        | Body::PresenceChanged(_)
        | Body::MessageCreated(_)
        | Body::MessageEdited(_)
        | Body::MessageDeleted(_)
        | Body::ReactionChanged(_)
        | Body::MessagesRead(_)
        | Body::MessagesDelivered(_)
        | Body::DeliveryStatusChanged(_)
        | Body::ParticipantsAdded(_)
        | Body::ParticipantsRemoved(_)
        | Body::CustomerMessageCreated(_)
        | Body::ConversationUpdated(_)
        | Body::ConversationJoined(_)
        | Body::ConversationLeft(_)
        | Body::UserUpdated(_)
        | Body::NotificationsRead(_)
        | Body::TypingChanged(_) => None,
    }
}

pub(super) fn reply(room: Room, reply: &Reply) -> Option<String> {
    let frame = match reply {
        Reply::Sent { message, duplicate: true } => return Some(sent_before(room, &Message::of(message))),
        Reply::History { messages, has_more } => {
            Frame::History { messages: Message::all(messages), has_more: *has_more }
        }
        Reply::Thread { parent, replies } => {
            let (parent, replies) = (&Message::of(parent), Message::all(replies));
            return Some(shape::text(&Frame::Thread { parent, replies }));
        }
        Reply::Search { query, messages } => Frame::SearchResults { query, messages: Message::all(messages) },
        Reply::MessageStatus { message_id, status } => message_status(*message_id, status),
        Reply::Pong => Frame::Pong {},
        Reply::Refreshed { expires_at } => Frame::TokenRefreshed { expires_at: time(Some(expires_at)) },
        Reply::Sent { duplicate: false, .. }
        | Reply::Done
        | Reply::Recent { .. }
        | Reply::Conversations { .. }
        | Reply::Notifications { .. }
        | Reply::Heartbeat { .. } => return None,
    };
    Some(shape::text(&frame))
}

pub(super) fn fault(fault: &Fault) -> String {
    shape::text(&Frame::Error(ErrorBody::with_field(&spell(fault, &WORDS))))
}

/// The frame that came with the event when the message was sent first.
fn sent_before(room: Room, message: &Message<'_>) -> String {
    match room {
        Room::Personal => shape::text(&Frame::NewDirectMessage(message)),
        Room::Conversation(_) | Room::Notifications | Room::List => shape::text(&Frame::NewMessage(message)),
    }
}

fn message_status(message_id: u64, status: &GetMessageStatusResponse) -> Frame<'_> {
    Frame::MessageStatus {
        message_id: IDS.numbered(message_id),
        status: shape::delivery(status.status()).unwrap_or("sent"),
        delivered_to: IDS.all(&status.delivered_to),
        read_by: IDS.all(&status.read_by),
    }
}

fn delivered(it: &MessagesDelivered) -> Vec<String> {
    let one = |id: &u64| {
        shape::text(&Frame::MessageDelivered {
            message_id: IDS.numbered(*id),
            user_id: IDS.named(&it.user_id),
            delivered_at: time(it.delivered_at.as_ref()),
        })
    };
    it.message_ids.iter().map(one).collect()
}

fn deleted(it: &MessageDeleted) -> String {
    shape::text(&Frame::MessageDeleted {
        id: IDS.numbered(it.message_id),
        chat_id: IDS.named(&it.conversation_id),
        deleted_at: time(it.deleted_at.as_ref()),
    })
}

fn reaction(it: &ReactionChanged) -> Option<String> {
    let reaction = Reaction {
        chat_id: IDS.named(&it.conversation_id),
        message_id: IDS.numbered(it.message_id),
        user_id: IDS.named(&it.user.as_ref()?.id),
        reaction: &it.reaction,
    };
    let frame = if it.added { Frame::ReactionAdded(reaction) } else { Frame::ReactionRemoved(reaction) };
    Some(shape::text(&frame))
}

fn read(it: &MessagesRead) -> Option<String> {
    Some(shape::text(&Frame::ReadReceipt {
        chat_id: IDS.named(&it.conversation_id),
        message_id: IDS.numbered(it.message_id),
        user_id: IDS.named(&it.user.as_ref()?.id),
        read_at: time(it.read_at.as_ref()),
    }))
}

fn typing(it: &TypingChanged) -> Option<String> {
    let user = it.user.as_ref()?;
    Some(shape::text(&Frame::TypingIndicator {
        chat_id: IDS.named(&it.conversation_id),
        user_id: IDS.named(&user.user_id),
        username: shape::typist_name(user),
        is_typing: it.is_typing,
    }))
}

fn presence(it: &UserPresence) -> String {
    shape::text(&Frame::UserPresence {
        user_id: IDS.named(&it.user_id),
        status: shape::presence(it.status()),
        last_seen: time(it.last_seen.as_ref()),
    })
}
