//! What a dialect shows in a room, found out by asking it: so nothing here has to know the dialects by name,
//! and nothing is fetched that would not be shown.

use causeway_proto::{
    chat::{Message, User},
    event::{Event, Source, event::Body},
    notification::{Notification, NotificationPublished},
    presence::{PresenceChanged, PresenceStatus, TypingChanged, Typist, UserPresence},
};
use prost_types::Timestamp;

use crate::{
    command::Reply,
    dialect::{Dialect, Room},
};

/// What there is in a room, in a dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shows {
    /// Frames at intervals.
    pub(crate) heartbeat: bool,
    /// Who is online.
    pub(crate) presence: bool,
    /// Who types.
    pub(crate) typing: bool,
    /// Notifications.
    pub(crate) notifications: bool,
    /// The newest messages, on connect.
    pub(crate) recent: bool,
    /// A reply to a message that was sent, in place of the event that the sender's other sockets get.
    pub(crate) receipt: bool,
}

impl Shows {
    /// Asks the dialect.
    pub(crate) fn of(dialect: Dialect, room: Room) -> Self {
        let translator = dialect.translator();
        let event = |body| !translator.event(room, &sample(body), false).is_empty();
        let reply = |reply| translator.reply(room, &reply).is_some();
        let at = Timestamp::default();
        let message = Message { id: 1, sender: Some(user()), created_at: Some(at), ..Message::default() };
        Self {
            heartbeat: reply(Reply::Heartbeat { at }),
            presence: event(Body::PresenceChanged(PresenceChanged { presence: Some(presence()) })),
            typing: event(Body::TypingChanged(typing())),
            notifications: event(Body::NotificationPublished(NotificationPublished {
                notification: Some(notice()),
            })),
            recent: reply(Reply::Recent { messages: Vec::new() }),
            receipt: reply(Reply::Sent { message: Box::new(message), duplicate: false }),
        }
    }
}

fn sample(body: Body) -> Event {
    Event {
        source: Source::Unspecified.into(),
        topic: "user/1".to_owned(),
        sequence: 0,
        time: Some(Timestamp::default()),
        body: Some(body),
    }
}

fn user() -> User {
    User { id: "1".to_owned(), is_active: true, created_at: Some(Timestamp::default()), ..User::default() }
}

fn presence() -> UserPresence {
    UserPresence {
        user_id: "1".to_owned(),
        display_name: "1".to_owned(),
        status: PresenceStatus::Online.into(),
        last_seen: Some(Timestamp::default()),
        sessions: 1,
    }
}

fn typing() -> TypingChanged {
    let user = Typist { user_id: "1".to_owned(), display_name: "1".to_owned(), ..Typist::default() };
    TypingChanged {
        conversation_id: "1".to_owned(),
        user: Some(user),
        session_id: String::new(),
        is_typing: true,
    }
}

fn notice() -> Notification {
    Notification {
        id: 1,
        user_id: "1".to_owned(),
        timestamp: Some(Timestamp::default()),
        ..Notification::default()
    }
}
