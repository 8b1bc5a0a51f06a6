//! `helpdesk`: support conversations with outside customers, and the list of them.

mod decode;
mod encode;
mod frame;

use causeway_proto::{chat::ConversationStatus, event::Event};

use super::{Room, Route, Translate};
use crate::{
    command::{Command, Reply},
    fault::{Fault, Refusal, Refused},
};

/// The translation.
pub(super) struct Helpdesk;

const ROUTES: [Route; 2] = [
    Route { path: "/ws/chat/{id}", room: Room::Conversation(None), successors: None },
    Route { path: "/ws/conversations", room: Room::List, successors: None },
];

/// The statuses of a support conversation, by their names in frames.
const STATUSES: [(&str, ConversationStatus); 4] = [
    ("active", ConversationStatus::Active),
    ("support_active", ConversationStatus::SupportActive),
    ("marketing_active", ConversationStatus::MarketingActive),
    ("closed", ConversationStatus::Closed),
];

impl Translate for Helpdesk {
    fn routes(&self) -> &'static [Route] {
        &ROUTES
    }

    fn decode(&self, room: Room, text: &str) -> Result<Command, Fault> {
        decode::command(room, text)
    }

    fn event(&self, room: Room, event: &Event, _own: bool) -> Vec<String> {
        let Some(body) = &event.body else { return Vec::new() };
        let frame = match room {
            Room::Conversation(_) => encode::in_chat(body),
            Room::List => encode::in_list(body),
            Room::Personal | Room::Notifications => None,
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
            Refusal::NotFound | Refusal::NotParticipant | Refusal::WrongUser | Refusal::Inactive => {
                Refused::Close(4004, "no access")
            }
            Refusal::Unavailable => Refused::Close(1013, "unavailable"),
            Refusal::Overloaded => Refused::Close(1013, "overloaded"),
        }
    }
}
