//! `envelope`: every frame is a `type` and its `data`, ids are UUIDs, refusals are closes with 1008.

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
pub(super) struct Envelope;

const ROUTES: [Route; 2] = [
    Route { path: "/api/v1/ws/chat/{id}", room: Room::Conversation(None), successors: None },
    Route { path: "/api/v1/ws/{id}", room: Room::Personal, successors: None },
];

impl Translate for Envelope {
    fn routes(&self) -> &'static [Route] {
        &ROUTES
    }

    fn decode(&self, room: Room, text: &str) -> Result<Command, Fault> {
        decode::command(room, text)
    }

    fn event(&self, room: Room, event: &Event, own: bool) -> Vec<String> {
        let Some(body) = &event.body else { return Vec::new() };
        match room {
            Room::Conversation(_) => encode::in_chat(body, own),
            Room::Personal => encode::personal(body, own).into_iter().collect(),
            Room::Notifications | Room::List => Vec::new(),
        }
    }

    fn reply(&self, room: Room, reply: &Reply) -> Option<String> {
        encode::reply(room, reply)
    }

    fn fault(&self, fault: &Fault) -> String {
        encode::fault(fault)
    }

    fn refuse(&self, refusal: Refusal) -> Refused {
        match refusal {
            Refusal::NoToken => Refused::Close(1008, "missing token"),
            Refusal::InvalidToken => Refused::Close(1008, "invalid token"),
            Refusal::ExpiredToken => Refused::Close(1008, "token expired"),
            Refusal::NotFound | Refusal::NotParticipant | Refusal::WrongUser | Refusal::Inactive => {
                Refused::Close(1008, "not found")
            }
            Refusal::Unavailable => Refused::Close(1013, "unavailable"),
            Refusal::Overloaded => Refused::Close(1013, "overloaded"),
        }
    }
}
