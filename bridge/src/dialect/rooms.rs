//! `rooms`: one socket for each group or one-to-one conversation, ids as strings, refusals before the
//! upgrade.

mod decode;
mod encode;
mod frame;

use causeway_proto::{chat::ConversationKind, event::Event};

use super::{Room, Route, Translate};
use crate::{
    command::{Command, Reply},
    fault::{Fault, Refusal, Refused},
};

/// The translation.
pub(super) struct Rooms;

const GROUP: &str = "/ws/group/{id}";
const ONE_TO_ONE: &str = "/ws/one-to-one/{id}";

const ROUTES: [Route; 3] = [
    Route { path: GROUP, room: Room::Conversation(Some(ConversationKind::Group)), successors: None },
    Route { path: ONE_TO_ONE, room: Room::Conversation(Some(ConversationKind::OneToOne)), successors: None },
    Route {
        path: "/ws/conversation/{id}",
        room: Room::Conversation(None),
        successors: Some([GROUP, ONE_TO_ONE]),
    },
];

impl Translate for Rooms {
    fn routes(&self) -> &'static [Route] {
        &ROUTES
    }

    fn decode(&self, _room: Room, text: &str) -> Result<Command, Fault> {
        decode::command(text)
    }

    fn event(&self, room: Room, event: &Event, _own: bool) -> Vec<String> {
        let Room::Conversation(kind) = room else { return Vec::new() };
        let kind = kind.unwrap_or(ConversationKind::Unspecified);
        event.body.as_ref().and_then(|body| encode::event(kind, body)).into_iter().collect()
    }

    fn reply(&self, _room: Room, reply: &Reply) -> Option<String> {
        encode::reply(reply)
    }

    fn fault(&self, fault: &Fault) -> String {
        encode::fault(fault)
    }

    fn refuse(&self, refusal: Refusal) -> Refused {
        match refusal {
            Refusal::NoToken => Refused::Http(403, "no token"),
            Refusal::InvalidToken => Refused::Http(403, "invalid token"),
            Refusal::ExpiredToken => Refused::Http(403, "token expired"),
            Refusal::NotFound => Refused::Http(404, "no such conversation"),
            Refusal::NotParticipant => Refused::Http(403, "not a participant of this conversation"),
            Refusal::WrongUser | Refusal::Inactive => Refused::Http(403, "not allowed"),
            Refusal::Unavailable => Refused::Http(503, "not available now, try again"),
            Refusal::Overloaded => Refused::Http(503, "too many connections, try again"),
        }
    }
}
