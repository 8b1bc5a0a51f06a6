//! Things of the services as `--json` prints them. Ids of users and conversations are text, those of messages and
//! notifications are numbers, times are RFC 3339 in UTC.

use causeway_proto::{
    chat::{self, Author, ConversationKind, ConversationStatus, Role},
    notification::{self, BulkState},
    time::rfc3339,
};
use prost_types::Timestamp;
use serde::Serialize;
use serde_json::Value;

#[derive(Serialize)]
pub(crate) struct UserView {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) username: String,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) email: String,
    pub(crate) audiences: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) source: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) profile_picture: String,
    pub(crate) is_active: bool,
    pub(crate) created_at: Option<String>,
}

impl From<chat::User> for UserView {
    fn from(user: chat::User) -> Self {
        Self {
            name: user.display_name(),
            id: user.id,
            username: user.username,
            first_name: user.first_name,
            last_name: user.last_name,
            email: user.email,
            audiences: user.audiences,
            source: user.source,
            profile_picture: user.profile_picture,
            is_active: user.is_active,
            created_at: time(user.created_at.as_ref()),
        }
    }
}

#[derive(Serialize)]
pub(crate) struct ParticipantView {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) role: &'static str,
    pub(crate) joined_at: Option<String>,
}

impl From<chat::Participant> for ParticipantView {
    fn from(participant: chat::Participant) -> Self {
        let role = match participant.role() {
            Role::Unspecified | Role::Member => "member",
            Role::Admin => "admin",
        };
        let joined_at = time(participant.joined_at.as_ref());
        let user = participant.user.unwrap_or_default();
        Self { name: user.display_name(), id: user.id, role, joined_at }
    }
}

#[derive(Serialize)]
pub(crate) struct ConversationView {
    pub(crate) id: String,
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) status: &'static str,
    pub(crate) priority: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) customer: Option<UserView>,
    pub(crate) participant_count: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) participants: Vec<ParticipantView>,
    pub(crate) unread_count: u32,
    pub(crate) last_message: Option<MessageView>,
    pub(crate) created_at: Option<String>,
    pub(crate) updated_at: Option<String>,
}

impl From<chat::Conversation> for ConversationView {
    fn from(conversation: chat::Conversation) -> Self {
        Self {
            kind: kind_name(conversation.kind()),
            status: status_name(conversation.status()),
            created_at: time(conversation.created_at.as_ref()),
            updated_at: time(conversation.updated_at.as_ref()),
            id: conversation.id,
            name: conversation.name,
            title: conversation.title,
            priority: conversation.priority,
            customer: conversation.customer.map(UserView::from),
            participant_count: conversation.participant_count,
            participants: conversation.participants.into_iter().map(ParticipantView::from).collect(),
            unread_count: conversation.unread_count,
            last_message: conversation.last_message.map(MessageView::from),
        }
    }
}

#[derive(Serialize)]
pub(crate) struct MessageView {
    pub(crate) id: u64,
    pub(crate) conversation_id: String,
    pub(crate) sender_id: String,
    pub(crate) content: String,
    pub(crate) content_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) author: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reply_to: Option<u64>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) client_message_id: String,
    pub(crate) created_at: Option<String>,
}

impl From<chat::Message> for MessageView {
    fn from(message: chat::Message) -> Self {
        Self {
            id: message.id,
            author: author_name(message.author()),
            created_at: time(message.created_at.as_ref()),
            conversation_id: message.conversation_id,
            sender_id: message.sender.unwrap_or_default().id,
            content: message.content,
            content_type: message.content_type,
            reply_to: message.reply_to,
            client_message_id: message.client_message_id,
        }
    }
}

#[derive(Serialize)]
pub(crate) struct NotificationView {
    pub(crate) id: u64,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) user_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) audience: String,
    pub(crate) title: String,
    pub(crate) message: String,
    pub(crate) notification_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<Value>,
    pub(crate) timestamp: Option<String>,
}

impl From<notification::Notification> for NotificationView {
    fn from(notification: notification::Notification) -> Self {
        Self {
            id: notification.id,
            timestamp: time(notification.timestamp.as_ref()),
            data: data(&notification.data),
            user_id: notification.user_id,
            audience: notification.audience,
            title: notification.title,
            message: notification.message,
            notification_type: notification.notification_type,
        }
    }
}

#[derive(Serialize)]
pub(crate) struct BulkView {
    pub(crate) id: u64,
    pub(crate) state: &'static str,
    pub(crate) total: u64,
    pub(crate) done: u64,
    pub(crate) created_at: Option<String>,
    pub(crate) updated_at: Option<String>,
}

impl From<notification::Bulk> for BulkView {
    fn from(bulk: notification::Bulk) -> Self {
        let state = match bulk.state() {
            BulkState::Unspecified => "unknown",
            BulkState::Running => "running",
            BulkState::Done => "done",
            BulkState::Cancelled => "cancelled",
        };
        Self {
            id: bulk.id,
            state,
            total: bulk.total,
            done: bulk.done,
            created_at: time(bulk.created_at.as_ref()),
            updated_at: time(bulk.updated_at.as_ref()),
        }
    }
}

/// RFC 3339 with microseconds and `Z`.
pub(super) fn time(time: Option<&Timestamp>) -> Option<String> {
    time.map(|time| format!("{}Z", rfc3339(time)))
}

/// A JSON object that travels as text.
fn data(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}

fn kind_name(kind: ConversationKind) -> &'static str {
    match kind {
        ConversationKind::Unspecified => "unknown",
        ConversationKind::Group => "group",
        ConversationKind::OneToOne => "one_to_one",
        ConversationKind::Support => "support",
    }
}

/// As the helpdesk dialect names it.
fn status_name(status: ConversationStatus) -> &'static str {
    match status {
        ConversationStatus::Unspecified | ConversationStatus::Active => "active",
        ConversationStatus::SupportActive => "support_active",
        ConversationStatus::MarketingActive => "marketing_active",
        ConversationStatus::Closed => "closed",
    }
}

/// As the helpdesk dialect names it; `None` outside of support conversations.
fn author_name(author: Author) -> Option<&'static str> {
    match author {
        Author::Unspecified => None,
        Author::Support => Some("support"),
        Author::Customer => Some("customer"),
        Author::Ai => Some("AI"),
        Author::Marketing => Some("marketing"),
    }
}
