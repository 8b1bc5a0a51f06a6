//! Shapes that frames have in common: how ids, times, files and errors print. A dialect's own frames are made
//! of these, so that each dialect says only what is its own.

mod error;
mod file;
mod id;
mod notice;
mod raw;
mod time;

use std::{borrow::Cow, sync::LazyLock};

use causeway_proto::{
    chat::{ConversationKind, DeliveryStatus, Message, User},
    presence::{PresenceStatus, Typist},
};
use serde::Serialize;

pub(super) use self::{
    error::{ErrorBody, spell},
    file::{Attachments, Reactions},
    id::{Id, Ids},
    notice::Data,
    raw::Object,
    time::Time,
};

/// Writes a frame.
pub(super) fn text(frame: &impl Serialize) -> String {
    serde_json::to_string(frame).expect("frames are structs, which always print")
}

/// Who sent a message; nobody when the service did not say.
pub(super) fn sender(message: &Message) -> &User {
    static NOBODY: LazyLock<User> = LazyLock::new(User::default);
    message.sender.as_ref().unwrap_or(&NOBODY)
}

/// What a message is; "text" when the service did not say.
pub(super) fn message_type(message: &Message) -> &str {
    present(&message.content_type).unwrap_or("text")
}

/// The first file's URL.
pub(super) fn first_url(message: &Message) -> Option<&str> {
    message.attachments.first().map(|file| file.url.as_str())
}

/// A text unless it is empty, for fields that are left out or null then.
pub(super) fn present(text: &str) -> Option<&str> {
    if text.is_empty() { None } else { Some(text) }
}

/// The login name, or where there is none the name to show: people see it.
pub(super) fn username(user: &User) -> Cow<'_, str> {
    if user.username.is_empty() { Cow::Owned(user.display_name()) } else { Cow::Borrowed(&user.username) }
}

/// The login name of who types, or the name to show.
pub(super) fn typist_name(typist: &Typist) -> &str {
    present(&typist.username).or(present(&typist.display_name)).unwrap_or(&typist.user_id)
}

/// The name of a kind.
pub(super) fn kind(kind: ConversationKind) -> &'static str {
    match kind {
        ConversationKind::Unspecified | ConversationKind::Group => "group",
        ConversationKind::OneToOne => "one_to_one",
        ConversationKind::Support => "support",
    }
}

/// The name of how far a message got; none when it is not for a channel.
pub(super) fn delivery(status: DeliveryStatus) -> Option<&'static str> {
    match status {
        DeliveryStatus::Unspecified => None,
        DeliveryStatus::Pending => Some("pending"),
        DeliveryStatus::Sent => Some("sent"),
        DeliveryStatus::Delivered => Some("delivered"),
        DeliveryStatus::Read => Some("read"),
        DeliveryStatus::Failed => Some("failed"),
    }
}

/// Whether somebody is there.
pub(super) fn presence(status: PresenceStatus) -> &'static str {
    match status {
        PresenceStatus::Online => "online",
        PresenceStatus::Offline | PresenceStatus::Unspecified => "offline",
    }
}
