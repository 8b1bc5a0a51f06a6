//! Events for tests.

use std::sync::Arc;

use causeway_proto::{
    chat::{ConversationKind, Message, MessageCreated, User, UserUpdated},
    event::{Event, Source, event::Body},
};
use prost_types::Timestamp;

use super::{Topic, packet::Packet};

/// The topic of most tests.
pub(crate) fn topic() -> Topic {
    Topic { source: Source::Chat, name: "conversation/7".into() }
}

/// An event of the chat service.
pub(crate) fn event(topic: &str, sequence: u64, body: Body) -> Event {
    let seconds = i64::try_from(sequence).unwrap_or(0);
    let time = Some(Timestamp { seconds, nanos: 0 });
    Event { source: Source::Chat.into(), topic: topic.to_owned(), sequence, time, body: Some(body) }
}

/// A message in the group conversation 7.
pub(crate) fn message(sequence: u64, id: u64, sender: &str) -> Event {
    let message = Message {
        id,
        conversation_id: "7".to_owned(),
        conversation_kind: ConversationKind::Group.into(),
        sender: Some(user(sender)),
        content: format!("message {id}"),
        content_type: "text".to_owned(),
        created_at: Some(Timestamp { seconds: 1, nanos: 0 }),
        ..Message::default()
    };
    event("conversation/7", sequence, Body::MessageCreated(MessageCreated { message: Some(message) }))
}

/// A user who may connect.
pub(crate) fn user(id: &str) -> User {
    User {
        id: id.to_owned(),
        username: id.to_owned(),
        is_active: true,
        created_at: Some(Timestamp { seconds: 1, nanos: 0 }),
        ..User::default()
    }
}

/// What the directory says about a user now.
pub(crate) fn user_updated(sequence: u64, user: User) -> Event {
    event(&format!("user/{}", user.id), sequence, Body::UserUpdated(UserUpdated { user: Some(user) }))
}

/// On its way.
pub(crate) fn packet(event: Event) -> Arc<Packet> {
    Arc::new(Packet::new(event))
}
