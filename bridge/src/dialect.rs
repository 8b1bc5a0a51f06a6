//! The five dialects. A dialect is a translation: a frame into a [`Command`], an event, a reply or a fault into frames. It
//! owns no state and knows no socket, so it is a value of one word that is copied about.
//!
//! To add another: write `dialect/<name>.rs` with a unit struct that implements [`Translate`], add a variant to [`Dialect`]
//! and an arm to `Dialect::translator`, and put golden frames into `tests/frames/<name>/`.

mod campus;
mod envelope;
mod helpdesk;
mod jobs;
mod rooms;

mod field;
mod shape;

#[cfg(test)]
mod golden;
#[cfg(test)]
mod hostile;

use causeway_proto::{chat::ConversationKind, event::Event};

use crate::{
    command::{Command, Reply},
    fault::{Fault, Refusal, Refused},
};

/// What a dialect says about itself and how it translates.
pub trait Translate: Send + Sync {
    /// Its paths, without a trailing slash, and what each is for.
    fn routes(&self) -> &'static [Route];
    /// Reads a text frame.
    fn decode(&self, room: Room, text: &str) -> Result<Command, Fault>;
    /// The frames that an event becomes, none or more. `own` says that the viewer is the event's author, or whom alone a
    /// report is for. A room that is a conversation has its kind here, also where the path leaves it open: not every
    /// event says it.
    fn event(&self, room: Room, event: &Event, own: bool) -> Vec<String>;
    /// The frame that answers a command; `None` where the dialect answers nothing.
    fn reply(&self, room: Room, reply: &Reply) -> Option<String>;
    /// The error frame.
    fn fault(&self, fault: &Fault) -> String;
    /// How a socket is refused.
    fn refuse(&self, refusal: Refusal) -> Refused;
}

/// The dialects, in the order in which the documentation names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// Typed rooms.
    Rooms,
    /// Type and data.
    Envelope,
    /// Numbered close codes.
    Jobs,
    /// Support conversations.
    Helpdesk,
    /// Personal room and notices.
    Campus,
}

impl Dialect {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Rooms, Self::Envelope, Self::Jobs, Self::Helpdesk, Self::Campus];

    /// Its name in settings, prefixes and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rooms => "rooms",
            Self::Envelope => "envelope",
            Self::Jobs => "jobs",
            Self::Helpdesk => "helpdesk",
            Self::Campus => "campus",
        }
    }

    /// The translation itself.
    pub fn translator(self) -> &'static dyn Translate {
        match self {
            Self::Rooms => &rooms::Rooms,
            Self::Envelope => &envelope::Envelope,
            Self::Jobs => &jobs::Jobs,
            Self::Helpdesk => &helpdesk::Helpdesk,
            Self::Campus => &campus::Campus,
        }
    }
}

/// A path of a dialect. `{id}` stands for one segment, which names a conversation or a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// For example `/ws/group/{id}`.
    pub path: &'static str,
    /// What a socket on it is attached to.
    pub room: Room,
    /// For a path that is going away: the paths that follow it, for group and for one-to-one conversations.
    pub successors: Option<[&'static str; 2]>,
}

/// What a socket is attached to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Room {
    /// The conversation that the path names; of this kind, where the path says one.
    Conversation(Option<ConversationKind>),
    /// The user's own stream: direct messages, and whatever else the dialect shows there.
    Personal,
    /// The user's notifications.
    Notifications,
    /// The user's list of support conversations.
    List,
}
