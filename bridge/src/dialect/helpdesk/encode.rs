//! Events, replies and faults into frames of `helpdesk`.

use causeway_proto::{
    chat::{self, Author, ConversationKind},
    event::event::Body,
};

use super::frame::{Conversation, Error, Frame, IDS, Message, PEOPLE, time};
use crate::{
    command::Reply,
    dialect::shape::{self, spell},
    fault::{Code, Fault},
};

/// What the services call differently.
const WORDS: [(&str, &str); 1] = [("content_type", "message_type")];

/// The frame of an event on a conversation's socket.
pub(super) fn in_chat(body: &Body) -> Option<String> {
    let frame = match body {
        Body::MessageCreated(it) => return Some(chat_message(it.message.as_ref()?)),
        Body::MessagesRead(it) => Frame::MessagesRead {
            user_id: PEOPLE.named(&it.user.as_ref()?.id),
            read_at: time(it.read_at.as_ref()),
        },
        Body::DeliveryStatusChanged(it) => Frame::MessageStatus {
            message_id: IDS.numbered(it.message_id),
            delivery_status: shape::delivery(it.status())?,
            delivery_error: shape::present(&it.error),
        },
        Body::TypingChanged(it) => {
            let user = it.user.as_ref()?;
            Frame::TypingIndicator {
                user_id: PEOPLE.named(&user.user_id),
                username: shape::typist_name(user),
                is_typing: it.is_typing,
            }
        }
        Body::MessageEdited(_)
        | Body::MessageDeleted(_)
        | Body::ReactionChanged(_)
        | Body::MessagesDelivered(_)
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
        | Body::PresenceChanged(_) => return None,
    };
    Some(shape::text(&frame))
}

/// The frame of an event on the list's socket.
pub(super) fn in_list(body: &Body) -> Option<String> {
    match body {
        Body::CustomerMessageCreated(it) => Some(new_customer_message(it.message.as_ref()?)),
        Body::ConversationJoined(it) => joined(support(it.conversation.as_ref())?),
        Body::ConversationUpdated(it) => Some(conversation_updated(support(it.conversation.as_ref())?)),
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
        | Body::ConversationLeft(_)
        | Body::UserUpdated(_)
        | Body::NotificationPublished(_)
        | Body::NotificationsRead(_)
        | Body::PresenceChanged(_)
        | Body::TypingChanged(_) => None,
    }
}

pub(super) fn reply(reply: &Reply) -> Option<String> {
    let frame = match reply {
        Reply::Sent { message, duplicate: true } => return Some(chat_message(message)),
        Reply::Recent { messages } => {
            Frame::RecentMessages { messages: messages.iter().map(Message::of).collect() }
        }
        Reply::Conversations { conversations } => {
            Frame::ConversationsList { conversations: conversations.iter().map(Conversation::of).collect() }
        }
        Reply::Pong => Frame::Pong,
        Reply::Refreshed { expires_at } => Frame::TokenRefreshed { expires_at: time(Some(expires_at)) },
        Reply::Sent { duplicate: false, .. }
        | Reply::Done
        | Reply::History { .. }
        | Reply::Thread { .. }
        | Reply::Search { .. }
        | Reply::MessageStatus { .. }
        | Reply::Notifications { .. }
        | Reply::Heartbeat { .. } => return None,
    };
    Some(shape::text(&frame))
}

pub(super) fn fault(fault: &Fault) -> String {
    if fault.code == Code::InvalidJson {
        return shape::text(&Error { error: "Invalid JSON format", code: None, retry_after_ms: None });
    }
    let fault = spell(fault, &WORDS);
    let code = Some(fault.code.as_str());
    shape::text(&Error { error: &fault.message, code, retry_after_ms: fault.retry_after_ms })
}

fn chat_message(message: &chat::Message) -> String {
    shape::text(&Frame::ChatMessage { message: &Message::of(message) })
}

fn new_customer_message(message: &chat::Message) -> String {
    shape::text(&Frame::NewCustomerMessage {
        conversation_id: IDS.named(&message.conversation_id),
        message: &Message::of(message),
    })
}

fn conversation_updated(conversation: &chat::Conversation) -> String {
    shape::text(&Frame::ConversationUpdated { conversation: &Conversation::of(conversation) })
}

/// A conversation that was assigned to the user is told by the customer's message that waits in it, or by itself where somebody
/// has answered. One in which nobody has written yet shows up with its first message.
fn joined(conversation: &chat::Conversation) -> Option<String> {
    let last = conversation.last_message.as_ref()?;
    let is_waiting = last.author() == Author::Customer;
    Some(if is_waiting { new_customer_message(last) } else { conversation_updated(conversation) })
}

/// The list is one of support conversations.
fn support(conversation: Option<&chat::Conversation>) -> Option<&chat::Conversation> {
    conversation.filter(|it| it.kind() == ConversationKind::Support)
}
