//! What a frontend can ask for, whatever dialect it speaks, and what it is answered.
//!
//! A dialect turns a frame into a [`Command`]; the session carries it out on the services; the dialect turns the [`Reply`]
//! or the [`Fault`](crate::fault::Fault) into a frame. Effects that others see come back as events and not as replies.

use causeway_proto::{chat, notification};
use prost_types::Timestamp;

/// A message id as it came in; 0 stands for whatever cannot be the id of a message, and is found nowhere.
pub type MessageId = u64;

/// One thing that a client asks for. The session knows the user and the conversation.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Send a message.
    Send(Send),
    /// Change the text of a message.
    Edit {
        /// Which.
        message_id: MessageId,
        /// New text.
        content: String,
    },
    /// Delete a message.
    Delete {
        /// Which.
        message_id: MessageId,
    },
    /// Add or remove a reaction.
    React {
        /// To which message.
        message_id: MessageId,
        /// The reaction.
        reaction: String,
        /// True to add, false to remove.
        add: bool,
    },
    /// Mark as read, up to a message or all.
    Read {
        /// Up to and including this one; all when absent.
        message_id: Option<MessageId>,
    },
    /// The user types, or stopped.
    Typing {
        /// Which of the two.
        is_typing: bool,
    },
    /// A page of history.
    History(Page),
    /// A message and its answers.
    Thread {
        /// Which.
        message_id: MessageId,
    },
    /// Full-text search in the conversation.
    Search {
        /// What to find.
        query: String,
        /// At most this many; 0 for the default.
        limit: u32,
    },
    /// Whom a message reached.
    MessageStatus {
        /// Which.
        message_id: MessageId,
    },
    /// Change who looks after a support conversation.
    SetStatus {
        /// The new status.
        status: chat::ConversationStatus,
    },
    /// The user's conversations.
    Conversations {
        /// Only with this status; any when `Unspecified`.
        status: chat::ConversationStatus,
        /// At most this many; 0 for the default.
        limit: u32,
    },
    /// A page of the user's notifications.
    Notifications {
        /// Only those not read.
        unread_only: bool,
        /// Which page.
        page: Page,
    },
    /// Mark one notification, or all, as read.
    ReadNotifications {
        /// Which; all when absent.
        notification_id: Option<u64>,
    },
    /// Go on with a new token.
    Refresh {
        /// The token.
        token: Token,
    },
    /// Answer with a pong.
    Ping,
    /// Nothing that this socket answers; it is counted.
    Ignored,
}

/// A message to send.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Send {
    /// To a person rather than into the socket's conversation.
    pub recipient_id: Option<String>,
    /// With a recipient: the conversation to use, instead of the one-to-one conversation of the two.
    pub conversation_id: Option<String>,
    /// Text.
    pub content: String,
    /// "text", "image", "video", "audio" or "file"; empty for the default.
    pub content_type: String,
    /// Files.
    pub attachments: Vec<chat::Attachment>,
    /// A JSON object as text; empty for none.
    pub metadata: String,
    /// The message that this one answers.
    pub reply_to: Option<MessageId>,
    /// Idempotency key; empty for none.
    pub client_message_id: String,
}

/// A page that ends before something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Page {
    /// Only what is older than this.
    pub before: Option<u64>,
    /// At most this many; 0 for the default.
    pub limit: u32,
}

/// A token on its way in. It is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(pub String);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

/// What a command is answered, to the socket that sent it. A dialect may answer nothing.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// A message is stored.
    Sent {
        /// The message.
        message: Box<chat::Message>,
        /// It was sent before under the same key, so that no event follows.
        duplicate: bool,
    },
    /// It is done, and an event says the rest.
    Done,
    /// A page of history, oldest first.
    History {
        /// The messages.
        messages: Vec<chat::Message>,
        /// Whether there are older ones.
        has_more: bool,
    },
    /// The newest messages, unasked, on connect, oldest first.
    Recent {
        /// The messages.
        messages: Vec<chat::Message>,
    },
    /// A message and its answers.
    Thread {
        /// The message.
        parent: Box<chat::Message>,
        /// Its answers, oldest first.
        replies: Vec<chat::Message>,
    },
    /// What was found.
    Search {
        /// What was looked for.
        query: String,
        /// Best match first.
        messages: Vec<chat::Message>,
    },
    /// Whom a message reached.
    MessageStatus {
        /// Which message.
        message_id: MessageId,
        /// How far it got.
        status: chat::GetMessageStatusResponse,
    },
    /// The user's conversations, most urgent first.
    Conversations {
        /// The conversations.
        conversations: Vec<chat::Conversation>,
    },
    /// A page of notifications, newest first.
    Notifications {
        /// The notifications.
        notifications: Vec<notification::Notification>,
        /// All that are unread.
        unread_count: u32,
        /// Whether there are older ones.
        has_more: bool,
    },
    /// The answer to a ping.
    Pong,
    /// The new token is taken.
    Refreshed {
        /// When it expires.
        expires_at: Timestamp,
    },
    /// Sent every 30 s by itself, where the dialect has it.
    Heartbeat {
        /// Now.
        at: Timestamp,
    },
}
