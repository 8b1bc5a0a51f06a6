//! An event on its way to sockets. It is encoded once for each view of it, by the first socket that needs
//! that view.

use std::sync::OnceLock;

use causeway_proto::{
    chat,
    event::{Event, event::Body},
};
use prost::Message;

use crate::{
    cursor,
    dialect::{Dialect, Room},
};

/// Who looks at an event: sockets with the same view get the same frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct View {
    /// In whose words.
    pub(crate) dialect: Dialect,
    /// Where.
    pub(crate) room: Room,
    /// Whether the viewer is its author.
    pub(crate) own: bool,
    /// Whether durable frames carry the cursor of a socket that follows this one topic.
    pub(crate) numbered: bool,
}

/// An event, and the frames that it has become so far.
#[derive(Debug)]
pub(crate) struct Packet {
    event: Event,
    bytes: usize,
    frames: OnceLock<Box<Frames>>,
}

/// The frames of one view, and those of the next view that was asked for.
#[derive(Debug)]
struct Frames {
    view: View,
    frames: Box<[Box<str>]>,
    next: OnceLock<Box<Frames>>,
}

/// What a packet costs beside its event's content, in bytes.
const OVERHEAD: usize = 256;

impl Packet {
    /// Takes an event on.
    pub(crate) fn new(event: Event) -> Self {
        Self { bytes: event.encoded_len() + OVERHEAD, event, frames: OnceLock::new() }
    }

    /// The event itself.
    pub(crate) fn event(&self) -> &Event {
        &self.event
    }

    /// What it counts for in a mailbox, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Its frames in a view, none or more.
    pub(crate) fn frames(&self, view: View) -> &[Box<str>] {
        let mut place = &self.frames;
        loop {
            let found = place.get_or_init(|| Box::new(self.encode(view)));
            if found.view == view {
                return &found.frames;
            }
            place = &found.next;
        }
    }

    fn encode(&self, view: View) -> Frames {
        let frames = view.dialect.translator().event(view.room, &self.event, view.own);
        let id = (view.numbered && self.event.sequence > 0).then(|| {
            cursor::Cursor::of([(
                cursor::topic_hash(self.event.source(), &self.event.topic),
                self.event.sequence,
            )])
            .to_string()
        });
        let frames = frames.into_iter().map(|frame| match &id {
            Some(id) => numbered(&frame, id).into(),
            None => frame.into(),
        });
        Frames { view, frames: frames.collect(), next: OnceLock::new() }
    }
}

/// The frame with an `event_id` as its last field.
pub(crate) fn numbered(frame: &str, id: &str) -> String {
    let Some(body) = frame.strip_suffix('}') else { return frame.to_owned() };
    let comma = if body.ends_with('{') { "" } else { "," };
    format!(r#"{body}{comma}"event_id":"{id}"}}"#)
}

/// The user whose doing an event is, or for whom alone it is a report; `None` when it is nobody's.
pub(crate) fn author(event: &Event) -> Option<&str> {
    match event.body.as_ref()? {
        Body::MessageCreated(body) => sender(body.message.as_ref()),
        Body::MessageEdited(body) => sender(body.message.as_ref()),
        Body::DirectMessageCreated(body) => sender(body.message.as_ref()),
        Body::CustomerMessageCreated(body) => sender(body.message.as_ref()),
        Body::MessageDeleted(body) => Some(&body.user_id),
        Body::ReactionChanged(body) => id(body.user.as_ref()),
        Body::MessagesRead(body) => id(body.user.as_ref()),
        Body::MessagesDelivered(body) => Some(&body.sender_id),
        Body::TypingChanged(body) => body.user.as_ref().map(|user| user.user_id.as_str()),
        Body::PresenceChanged(body) => body.presence.as_ref().map(|presence| presence.user_id.as_str()),
        Body::DeliveryStatusChanged(_)
        | Body::ParticipantsAdded(_)
        | Body::ParticipantsRemoved(_)
        | Body::ConversationUpdated(_)
        | Body::ConversationJoined(_)
        | Body::ConversationLeft(_)
        | Body::UserUpdated(_)
        | Body::NotificationPublished(_)
        | Body::NotificationsRead(_) => None,
    }
}

fn sender(message: Option<&chat::Message>) -> Option<&str> {
    id(message?.sender.as_ref())
}

fn id(user: Option<&chat::User>) -> Option<&str> {
    user.map(|user| user.id.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_id_is_the_last_field() {
        assert_eq!(numbered(r#"{"type":"x"}"#, "abc").as_str(), r#"{"type":"x","event_id":"abc"}"#);
        assert_eq!(numbered("{}", "abc").as_str(), r#"{"event_id":"abc"}"#);
    }

    #[test]
    fn each_view_is_encoded_once_and_shared() {
        let packet = Packet::new(crate::fanout::samples::message(1, 1, "alice"));
        let view =
            View { dialect: Dialect::Rooms, room: Room::Conversation(None), own: false, numbered: false };
        let (own, numbered) = (View { own: true, ..view }, View { numbered: true, ..view });
        for view in [view, own, numbered, view] {
            let (first, second) = (packet.frames(view), packet.frames(view));
            assert!(std::ptr::eq(first, second));
        }
    }
}
