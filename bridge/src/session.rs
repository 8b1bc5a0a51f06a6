//! What a socket does with what it is told: a state machine that is given frames, events, answers and the
//! time, and returns actions. It never holds the socket and never waits, so all of it is tested without a
//! runtime.
//!
//! Start with [`Session`] and the four files named after what it is given: `on_client`, `on_event`,
//! `on_reply`, `on_tick`.

pub(crate) mod action;
mod company;
mod on_client;
mod on_event;
mod on_reply;
mod on_tick;
pub(crate) mod positions;
mod queue;
mod rate;
mod receipts;
mod reports;
pub(crate) mod shows;

use std::sync::Arc;

use causeway_proto::chat::{Conversation, ConversationKind};
use tokio::time::Instant;

use self::{
    action::{Action, Close, Lane},
    company::Company,
    on_tick::Timers,
    positions::Positions,
    queue::{Queue, UnderWay},
    rate::Abuse,
    receipts::Receipts,
    reports::Reports,
    shows::Shows,
};
use crate::{
    backend::call::{Call, Caller},
    command::Reply,
    dialect::{Dialect, Room, Translate},
    fault::Fault,
    limits::Seat,
    settings::Settings,
};

/// The time, on both clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    /// For intervals.
    pub(crate) at: Instant,
    /// Microseconds since the epoch, for tokens.
    pub(crate) wall: i64,
}

/// The conversation that a socket is on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    /// What it is.
    pub(crate) kind: ConversationKind,
    /// How many are in it.
    pub(crate) participants: usize,
}

impl Place {
    /// As the service describes it.
    pub(crate) fn of(conversation: &Conversation) -> Self {
        let counted = usize::try_from(conversation.participant_count).unwrap_or(usize::MAX);
        Self { kind: conversation.kind(), participants: counted.max(conversation.participants.len()) }
    }
}

/// What a session begins with.
pub(crate) struct Setup {
    /// Whose frames it speaks.
    pub(crate) dialect: Dialect,
    /// What it is attached to.
    pub(crate) room: Room,
    /// What the dialect shows there.
    pub(crate) shows: Shows,
    /// Whose socket it is.
    pub(crate) caller: Arc<Caller>,
    /// The conversation, where the room is one.
    pub(crate) place: Option<Place>,
    /// The users whose presence it follows.
    pub(crate) company: Vec<String>,
    /// Where the client stands in its topics, when it wants to know.
    pub(crate) positions: Option<Positions>,
    /// The newest message that the client has been shown on connect; 0 when none.
    pub(crate) shown: u64,
    /// When the token ends, in microseconds since the epoch.
    pub(crate) ends_at: i64,
    /// Limits and intervals.
    pub(crate) settings: Arc<Settings>,
    /// The user's limits.
    pub(crate) seat: Seat,
}

/// One socket's session.
pub(crate) struct Session {
    dialect: Dialect,
    room: Room,
    translator: &'static dyn Translate,
    shows: Shows,
    caller: Arc<Caller>,
    place: Option<Place>,
    company: Company,
    positions: Option<Positions>,
    shown: u64,
    settings: Arc<Settings>,
    seat: Seat,
    abuse: Abuse,
    timers: Timers,
    queue: Queue,
    under_way: Option<UnderWay>,
    aside: Aside,
    receipts: Receipts,
    reports: Reports,
    /// No more frames are taken; it closes when nothing is under way.
    ending: bool,
}

/// What is asked beside the commands, so that it delays none of them: of each only the latest.
#[derive(Debug, Default)]
struct Aside {
    under_way: bool,
    typing: Option<bool>,
    presences: Vec<String>,
    contacts: bool,
    delivered: Vec<(String, u64)>,
}

impl Session {
    /// A session as it is when the socket opens.
    pub(crate) fn new(setup: Setup, now: Now) -> Self {
        let timers = Timers::new(&setup.settings, setup.shows.heartbeat, setup.ends_at, now);
        Self {
            dialect: setup.dialect,
            room: setup.room,
            translator: setup.dialect.translator(),
            shows: setup.shows,
            caller: setup.caller,
            place: setup.place,
            company: Company::new(setup.company),
            positions: setup.positions,
            shown: setup.shown,
            queue: Queue::new(setup.settings.send_queue),
            settings: setup.settings,
            seat: setup.seat,
            abuse: Abuse::default(),
            timers,
            under_way: None,
            aside: Aside::default(),
            receipts: Receipts::default(),
            reports: Reports::default(),
            ending: false,
        }
    }

    /// On whose behalf its calls are made, as of now.
    pub(crate) fn caller(&self) -> &Arc<Caller> {
        &self.caller
    }

    /// Whether frames are to be read from the socket. They are not while too many wait to be carried out.
    pub(crate) fn takes_frames(&self) -> bool {
        !self.ending && !self.queue.is_full()
    }

    /// Asks for what can be asked for now.
    fn pump(&mut self, out: &mut Vec<Action>) {
        if self.under_way.is_none()
            && let Some((call, under_way)) = self.queue.next()
        {
            self.under_way = Some(under_way);
            out.push(Action::Call(Lane::Commands, Box::new(call)));
        }
        if !self.aside.under_way
            && let Some(call) = self.aside.next()
        {
            self.aside.under_way = true;
            out.push(Action::Call(Lane::Aside, Box::new(call)));
        }
        let idle = self.under_way.is_none() && !self.aside.under_way && self.queue.is_empty();
        if self.ending && idle {
            out.push(Action::Close(Close::RESTARTING));
        }
    }

    fn reply(&self, reply: &Reply, out: &mut Vec<Action>) {
        out.extend(self.translator.reply(self.room, reply).map(Action::Frame));
    }

    fn fault(&self, fault: &Fault, out: &mut Vec<Action>) {
        out.push(Action::Fault(fault.code, self.translator.fault(fault)));
    }
}

impl Aside {
    fn next(&mut self) -> Option<Call> {
        if let Some(is_typing) = self.typing.take() {
            return Some(Call::Typing(is_typing));
        }
        if !self.delivered.is_empty() {
            return Some(Call::Delivered(std::mem::take(&mut self.delivered)));
        }
        if std::mem::take(&mut self.contacts) {
            return Some(Call::Contacts);
        }
        if self.presences.is_empty() {
            None
        } else {
            Some(Call::Presences(std::mem::take(&mut self.presences)))
        }
    }
}

#[cfg(test)]
mod tests;
