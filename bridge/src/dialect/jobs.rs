//! `jobs`: ids as integers, notifications of their own, refusals as numbered close codes.

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
pub(super) struct Jobs;

const ROUTES: [Route; 2] = [
    Route { path: "/ws/chat/{id}", room: Room::Conversation(None), successors: None },
    Route { path: "/ws/notifications/{id}", room: Room::Notifications, successors: None },
];

impl Translate for Jobs {
    fn routes(&self) -> &'static [Route] {
        &ROUTES
    }

    fn decode(&self, room: Room, text: &str) -> Result<Command, Fault> {
        decode::command(room, text)
    }

    fn event(&self, room: Room, event: &Event, own: bool) -> Vec<String> {
        let Some(body) = &event.body else { return Vec::new() };
        let frame = match room {
            Room::Conversation(_) => encode::in_chat(body, own),
            Room::Notifications => encode::notification(body),
            Room::Personal | Room::List => None,
        };
        frame.into_iter().collect()
    }

    fn reply(&self, _room: Room, reply: &Reply) -> Option<String> {
        encode::reply(reply)
    }

    fn fault(&self, fault: &Fault) -> String {
        encode::fault(fault)
    }

    fn refuse(&self, refusal: Refusal) -> Refused {
        match refusal {
            Refusal::NoToken => Refused::Close(4003, "no token"),
            Refusal::InvalidToken => Refused::Close(4001, "invalid token"),
            Refusal::ExpiredToken => Refused::Close(4002, "token expired"),
            Refusal::NotFound | Refusal::NotParticipant | Refusal::Inactive => {
                Refused::Close(4004, "access denied")
            }
            Refusal::WrongUser => Refused::Close(4005, "user id mismatch"),
            Refusal::Unavailable => Refused::Close(1013, "unavailable"),
            Refusal::Overloaded => Refused::Close(1013, "overloaded"),
        }
    }
}
