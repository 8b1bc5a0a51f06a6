//! What `helpdesk` sends, field by field in the order of its document.

use causeway_proto::chat::{self, Author, ConversationStatus};
use prost_types::Timestamp;
use serde::Serialize;

use super::STATUSES;
use crate::dialect::shape::{self, Attachments, Id, Ids, Time};

/// How ids of conversations and messages print.
pub(super) const IDS: Ids = Ids::Text;
/// How ids of people print.
pub(super) const PEOPLE: Ids = Ids::Number;

/// How times print.
pub(super) fn time(at: Option<&Timestamp>) -> Time<'_> {
    Time::z(at)
}

/// Every frame but the error.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Frame<'a> {
    ChatMessage { message: &'a Message<'a> },
    TypingIndicator { user_id: Id<'a>, username: &'a str, is_typing: bool },
    MessagesRead { user_id: Id<'a>, read_at: Time<'a> },
    MessageStatus { message_id: Id<'a>, delivery_status: &'static str, delivery_error: Option<&'a str> },
    RecentMessages { messages: Vec<Message<'a>> },
    ConversationsList { conversations: Vec<Conversation<'a>> },
    ConversationUpdated { conversation: &'a Conversation<'a> },
    NewCustomerMessage { conversation_id: Id<'a>, message: &'a Message<'a> },
    Pong,
    TokenRefreshed { expires_at: Time<'a> },
}

/// The error frame, which has no type.
#[derive(Serialize)]
pub(super) struct Error<'a> {
    pub(super) error: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) retry_after_ms: Option<u64>,
}

/// `M`: seven fields that are always there, then those that apply.
#[derive(Serialize)]
pub(super) struct Message<'a> {
    id: Id<'a>,
    content: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    customer: Customer<'a>,
    is_ai_response: bool,
    is_answered: bool,
    created_at: Time<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attachments: Option<Attachments<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery_status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery_error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_message_id: Option<&'a str>,
}

impl<'a> Message<'a> {
    /// A message. In a conversation without a customer its sender stands in that place, so that a frontend
    /// finds the names which it shows.
    pub(super) fn of(message: &'a chat::Message) -> Self {
        Self {
            id: IDS.numbered(message.id),
            content: &message.content,
            kind: author(message.author()),
            customer: Customer::of(message.customer.as_ref().unwrap_or_else(|| shape::sender(message))),
            is_ai_response: message.author() == Author::Ai,
            is_answered: message.is_answered,
            created_at: time(message.created_at.as_ref()),
            attachments: Attachments::of(message),
            delivery_status: shape::delivery(message.delivery_status()),
            delivery_error: shape::present(&message.delivery_error),
            client_message_id: shape::present(&message.client_message_id),
        }
    }
}

/// On whose behalf a message was written.
fn author(author: Author) -> &'static str {
    match author {
        Author::Unspecified | Author::Support => "support",
        Author::Customer => "customer",
        Author::Ai => "AI",
        Author::Marketing => "marketing",
    }
}

/// `K`, as it stands in messages.
#[derive(Serialize)]
struct Customer<'a> {
    id: Id<'a>,
    first_name: &'a str,
    last_name: &'a str,
    source: &'a str,
}

impl<'a> Customer<'a> {
    fn of(user: &'a chat::User) -> Self {
        Self {
            id: PEOPLE.named(&user.id),
            first_name: &user.first_name,
            last_name: &user.last_name,
            source: &user.source,
        }
    }
}

/// `K`, as it stands in conversations.
#[derive(Serialize)]
struct Portrait<'a> {
    id: Id<'a>,
    first_name: &'a str,
    last_name: &'a str,
    source: &'a str,
    profile_picture: Option<&'a str>,
}

impl<'a> Portrait<'a> {
    fn of(user: &'a chat::User) -> Self {
        let Customer { id, first_name, last_name, source } = Customer::of(user);
        Self { id, first_name, last_name, source, profile_picture: shape::present(&user.profile_picture) }
    }
}

/// `C`.
#[derive(Serialize)]
pub(super) struct Conversation<'a> {
    id: Id<'a>,
    title: &'a str,
    status: &'static str,
    customer: Option<Portrait<'a>>,
    priority: i32,
    created_at: Time<'a>,
    updated_at: Time<'a>,
    last_message: Option<LastMessage<'a>>,
    unread_count: u32,
}

impl<'a> Conversation<'a> {
    pub(super) fn of(conversation: &'a chat::Conversation) -> Self {
        Self {
            id: IDS.named(&conversation.id),
            title: &conversation.title,
            status: status(conversation.status()),
            customer: conversation.customer.as_ref().map(Portrait::of),
            priority: conversation.priority,
            created_at: time(conversation.created_at.as_ref()),
            updated_at: time(conversation.updated_at.as_ref()),
            last_message: conversation.last_message.as_ref().map(LastMessage::of),
            unread_count: conversation.unread_count,
        }
    }
}

/// Who looks after it; anybody when the service did not say.
fn status(status: ConversationStatus) -> &'static str {
    STATUSES.iter().find(|(_, named)| *named == status).map_or("active", |(name, _)| name)
}

#[derive(Serialize)]
struct LastMessage<'a> {
    id: Id<'a>,
    content: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    created_at: Time<'a>,
}

impl<'a> LastMessage<'a> {
    fn of(message: &'a chat::Message) -> Self {
        Self {
            id: IDS.numbered(message.id),
            content: &message.content,
            kind: author(message.author()),
            created_at: time(message.created_at.as_ref()),
        }
    }
}
