//! How the chat service behaves, as whoever starts it says.

use std::time::Duration;

use causeway_proto::id::{self, Given, InvalidId};

use crate::limits;

/// Settings of the chat service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How long events stay in the log, for readers that come back.
    pub retain: Duration,
    /// How long the same `client_message_id` of a sender stands for the same message.
    pub idempotency: Duration,
    /// Who joins a new support conversation that names nobody.
    pub support: Assignment,
    /// When a message makes a notification.
    pub on_message: OnMessage,
    /// Conversations with more participants show no presence, and their members are no contacts of each other.
    pub presence_limit: u32,
    /// Conversations with more participants get no delivery reports.
    pub delivery_limit: u32,
    /// Whether attachments and pictures may be `http` as well as `https`.
    pub allow_http_attachments: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            retain: Duration::from_secs(7 * 24 * 60 * 60),
            idempotency: Duration::from_secs(24 * 60 * 60),
            support: Assignment::Audience("helpdesk".to_owned()),
            on_message: OnMessage::Away,
            presence_limit: 200,
            delivery_limit: 50,
            allow_http_attachments: false,
        }
    }
}

impl Settings {
    /// The same settings with ids in their canonical form.
    pub(crate) fn canonical(mut self) -> Result<Self, WrongSetting> {
        match &mut self.support {
            Assignment::Audience(audience) => {
                limits::audience("support.audience", audience).map_err(|_| WrongSetting::Audience)?;
            }
            Assignment::Users(ids) => {
                for id in ids {
                    *id = match id::read(id).map_err(WrongSetting::User)? {
                        Given::Canonical(id) => id,
                        Given::Hashed(uuid) => uuid.to_string(),
                    };
                }
            }
        }
        Ok(self)
    }
}

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WrongSetting {
    /// The audience whose users join support conversations is no audience id.
    #[error("support.audience must be 1 to 100 characters without control characters and \"/\"")]
    Audience,
    /// One of the users who join support conversations is no user id.
    #[error("support.users: an id {0}")]
    User(#[source] InvalidId),
}

/// Who joins a new support conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assignment {
    /// Everybody who is in the audience when the conversation is made.
    Audience(String),
    /// These users, whether they have been seen before or not.
    Users(Vec<String>),
}

/// When a message makes a notification for a participant other than its sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnMessage {
    /// When the participant has no socket on the conversation.
    Away,
    /// In any case.
    Always,
    /// In no case.
    Never,
}
