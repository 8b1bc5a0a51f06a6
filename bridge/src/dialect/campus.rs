//! `campus`: a personal room for direct messages, whose frames have no type, and a stream of notices.

mod decode;
mod encode;
mod frame;

use causeway_proto::event::Event;

use super::{Room, Route, Translate};
use crate::{
    command::{Command, Reply},
    fault::{Fault, Refusal, Refused},
};

/// The translation.
pub(super) struct Campus;

const ROUTES: [Route; 2] = [
    Route { path: "/ws/chat", room: Room::Personal, successors: None },
    Route { path: "/ws/notifications", room: Room::Notifications, successors: None },
];

impl Translate for Campus {
    fn routes(&self) -> &'static [Route] {
        &ROUTES
    }

    fn decode(&self, room: Room, text: &str) -> Result<Command, Fault> {
        decode::command(room, text)
    }

    fn event(&self, room: Room, event: &Event, _own: bool) -> Vec<String> {
        let Some(body) = &event.body else { return Vec::new() };
        encode::event(room, body).into_iter().collect()
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
            Refusal::NotFound | Refusal::NotParticipant | Refusal::WrongUser | Refusal::Inactive => {
                Refused::Http(403, "not allowed")
            }
            Refusal::Unavailable => Refused::Http(503, "not available now, try again"),
            Refusal::Overloaded => Refused::Http(503, "too many connections, try again"),
        }
    }
}
