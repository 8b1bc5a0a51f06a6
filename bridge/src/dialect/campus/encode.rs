//! Events, replies and faults into frames of `campus`.

use causeway_proto::event::event::Body;

use super::frame::{Frame, IDS, Message, Notice, time};
use crate::{
    command::Reply,
    dialect::{Room, shape},
    fault::{Code, Fault},
};

/// The frame of an event: a message in the personal room, a notice on the other socket.
pub(super) fn event(room: Room, body: &Body) -> Option<String> {
    let frame = match (body, room) {
        (Body::DirectMessageCreated(it), Room::Personal) => {
            Frame::ChatMessage(Message::of(it.message.as_ref()?))
        }
        (Body::NotificationPublished(it), Room::Notifications) => {
            Frame::Notify(Notice::of(it.notification.as_ref()?))
        }
        (
            Body::DirectMessageCreated(_)
            | Body::NotificationPublished(_)
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
            | Body::PresenceChanged(_)
            | Body::TypingChanged(_),
            _,
        ) => return None,
    };
    Some(shape::text(&frame))
}

pub(super) fn reply(reply: &Reply) -> Option<String> {
    let frame = match reply {
        Reply::Sent { message, .. } => {
            Frame::MessageSent { id: IDS.numbered(message.id), status: "delivered" }
        }
        Reply::Pong => Frame::Pong,
        Reply::Refreshed { expires_at } => Frame::TokenRefreshed { expires_at: time(Some(expires_at)) },
        Reply::Done
        | Reply::History { .. }
        | Reply::Recent { .. }
        | Reply::Thread { .. }
        | Reply::Search { .. }
        | Reply::MessageStatus { .. }
        | Reply::Conversations { .. }
        | Reply::Notifications { .. }
        | Reply::Heartbeat { .. } => return None,
    };
    Some(shape::text(&frame))
}

pub(super) fn fault(fault: &Fault) -> String {
    shape::text(&Frame::Error { error: sentence(fault), retry_after_ms: fault.retry_after_ms })
}

/// The sentences that the frontends know. They have none for most of what can be wrong, and get the last one
/// then.
fn sentence(fault: &Fault) -> &'static str {
    match (fault.code, fault.field.as_deref()) {
        (Code::InvalidJson, _) => "Invalid JSON format",
        (Code::RateLimited, _) => "rate_limited",
        (Code::HistoryLost, _) => "history_lost",
        (Code::NotFound, _) | (Code::InvalidField, Some("recipient_id")) => {
            "Failed to send message. Receiver not found."
        }
        (Code::InvalidField, Some("receiver_id")) => "receiver_id is required",
        (Code::InvalidField, Some(field)) if is_content(field) => "message or attachment is required",
        (
            Code::InvalidField
            | Code::UnknownType
            | Code::Forbidden
            | Code::TooLarge
            | Code::Conflict
            | Code::Unavailable
            | Code::Internal,
            _,
        ) => "An error occurred while processing your message",
    }
}

/// Whether a field holds what is sent, by its name in frames or in the service.
fn is_content(field: &str) -> bool {
    matches!(field, "message" | "attachment" | "content") || field.starts_with("attachments")
}
