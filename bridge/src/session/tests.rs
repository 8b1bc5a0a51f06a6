//! The session, told things and asked what it wants. Time is a number.

mod commands;
mod company;
mod events;
mod limits;
mod timers;

use std::{sync::Arc, time::Duration};

use causeway_proto::{chat::ConversationKind, event::Event};
use serde_json::Value;
use tokio::time::Instant;

use super::{
    Now, Place, Session, Setup,
    action::{Action, Lane},
    positions::Positions,
    shows::Shows,
};
use crate::{
    backend::call::{Call, Caller, Outcome},
    dialect::{Dialect, Room},
    fanout::{mailbox::Delivery, samples},
    limits::{Caps, Limits},
    settings::Settings,
};

/// When tokens of tests end, in microseconds since the epoch.
const ENDS_AT: i64 = 10_000_000_000;

const UNLIMITED: Caps = Caps { connections: 10, connections_per_user: 10, frames_per_second: 0, burst: 1 };

/// A session and the time.
struct Stage {
    session: Session,
    now: Now,
}

/// What is different about a session.
struct Cast {
    dialect: Dialect,
    room: Room,
    conversation: Option<(ConversationKind, usize)>,
    company: Vec<String>,
    positions: Option<Positions>,
    shown: u64,
    caps: Caps,
    settings: Settings,
}

impl Default for Cast {
    fn default() -> Self {
        Self {
            dialect: Dialect::Rooms,
            room: Room::Conversation(Some(ConversationKind::Group)),
            conversation: Some((ConversationKind::Group, 3)),
            company: Vec::new(),
            positions: None,
            shown: 0,
            caps: UNLIMITED,
            settings: Settings::default(),
        }
    }
}

impl Cast {
    /// Alice's socket in this dialect and room.
    fn of(dialect: Dialect, room: Room) -> Self {
        let conversation = match room {
            Room::Conversation(_) => Some((ConversationKind::Group, 3)),
            Room::Personal | Room::Notifications | Room::List => None,
        };
        Self { dialect, room, conversation, ..Self::default() }
    }

    fn enter(self) -> Stage {
        let caller = Caller {
            user: samples::user("alice"),
            session_id: "this-socket".to_owned(),
            conversation_id: self.conversation.map(|_| "7".to_owned()),
            conversation_kind: self.conversation.map_or(ConversationKind::Unspecified, |(kind, _)| kind),
        };
        let now = Now { at: Instant::now(), wall: 0 };
        let setup = Setup {
            dialect: self.dialect,
            room: self.room,
            shows: Shows::of(self.dialect, self.room),
            caller: Arc::new(caller),
            place: self.conversation.map(|(kind, participants)| Place { kind, participants }),
            company: self.company,
            positions: self.positions,
            shown: self.shown,
            ends_at: ENDS_AT,
            settings: Arc::new(self.settings),
            seat: Limits::new(self.caps).enter("alice").unwrap(),
        };
        Stage { session: Session::new(setup, now), now }
    }
}

impl Stage {
    fn says(&mut self, text: &str) -> Vec<String> {
        self.tell(|session, now, out| session.on_text(now, text, out))
    }

    fn happens(&mut self, event: Event) -> Vec<String> {
        let delivery = Delivery::Event(samples::packet(event));
        self.tell(|session, now, out| session.on_delivery(now, delivery, out))
    }

    fn answered(&mut self, outcome: Outcome) -> Vec<String> {
        self.tell(|session, now, out| session.on_outcome(now, Lane::Commands, outcome, out))
    }

    fn answered_aside(&mut self, outcome: Outcome) -> Vec<String> {
        self.tell(|session, now, out| session.on_outcome(now, Lane::Aside, outcome, out))
    }

    /// Time passes, and the session is woken when it wants to be.
    fn passes(&mut self, time: Duration) -> Vec<String> {
        let until = self.now.at + time;
        let mut lines = Vec::new();
        loop {
            let deadline = self.session.deadline(self.now).min(until);
            self.now.wall += i64::try_from((deadline - self.now.at).as_micros()).unwrap();
            self.now.at = deadline;
            lines.extend(self.tell(|session, now, out| session.on_tick(now, out)));
            if deadline == until {
                return lines;
            }
        }
    }

    fn tell(&mut self, tell: impl FnOnce(&mut Session, Now, &mut Vec<Action>)) -> Vec<String> {
        let mut out = Vec::new();
        tell(&mut self.session, self.now, &mut out);
        out.iter().flat_map(lines).collect()
    }
}

/// The texts that an action sends.
fn texts(action: &Action) -> Vec<&str> {
    match action {
        Action::Event(packet, view) => packet.frames(*view).iter().map(|frame| &**frame).collect(),
        Action::Frame(frame) => vec![frame],
        _ => Vec::new(),
    }
}

/// An action in lines: of a frame its type, of an error its code.
fn lines(action: &Action) -> Vec<String> {
    let line = match action {
        Action::Event(..) | Action::Frame(_) => {
            let kind = |text: &str| {
                serde_json::from_str::<Value>(text).unwrap()["type"].as_str().unwrap().to_owned()
            };
            return texts(action).into_iter().map(|text| format!("frame {}", kind(text))).collect();
        }
        Action::Fault(code, _) => format!("fault {}", code.as_str()),
        Action::Ping => "ping".to_owned(),
        Action::Call(_, call) => call_line(call),
        Action::Join(topic, _) => format!("join {}", topic.name),
        Action::Leave(topic) => format!("leave {}", topic.name),
        Action::Ignored => "ignored".to_owned(),
        Action::Close(close) => format!("close {}", close.code),
    };
    vec![line]
}

fn call_line(call: &Call) -> String {
    match call {
        Call::Send(messages) => {
            let contents: Vec<_> = messages.iter().map(|message| message.content.as_str()).collect();
            format!("send {}", contents.join(" "))
        }
        Call::Command(command) => {
            format!("call {command:?}").split([' ', '{', '(']).take(2).collect::<Vec<_>>().join(" ")
        }
        Call::Read(message) => format!("read {message:?}"),
        Call::Refresh(_) => "refresh".to_owned(),
        Call::Typing(is_typing) => format!("typing {is_typing}"),
        Call::Delivered(messages) => format!("delivered {messages:?}"),
        Call::Presences(users) => format!("presences {}", users.join(" ")),
        Call::Contacts => "contacts".to_owned(),
    }
}
