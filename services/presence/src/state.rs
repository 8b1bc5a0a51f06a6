//! The ledger and the typing together, and what is to be told of them: everything of presence that is not a
//! task, a stream or a disk.
//!
//! [`shared`](crate::shared) does the same in Redis, for several processes; one set of tests tries both.

use std::time::Duration;

use causeway_proto::{
    id,
    presence::{SetTypingRequest, TypingChanged, UserPresence},
};
use uuid::Uuid;

use crate::{
    gauges::Counts,
    ledger::{Change, Ledger, Refused, Remembered, Report, Stream},
    moment::Moment,
    settings::Settings,
    typing::{Full, Typing},
};

/// What subscribers are to hear.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Told {
    /// A user came online or went offline.
    Presence(UserPresence),
    /// A user types, or stopped.
    Typing(TypingChanged),
}

/// Everything that changes.
#[derive(Debug)]
pub(crate) struct State {
    ledger: Ledger,
    typing: Typing,
}

impl State {
    /// Nobody is there.
    pub(crate) fn new(settings: Settings) -> Self {
        let typing = Typing::new(settings.typing_timeout, settings.max_typing);
        Self { ledger: Ledger::new(settings), typing }
    }

    /// See [`Ledger::restore`].
    pub(crate) fn restore(&mut self, remembered: Vec<Remembered>, now: Moment) {
        self.ledger.restore(remembered, now);
    }

    /// A bridge attaches. `None` when there are too many.
    pub(crate) fn attach(&mut self, bridge_id: &str, now: Moment) -> Option<Stream> {
        self.ledger.attach(bridge_id, now)
    }

    /// A bridge reports.
    pub(crate) fn report(
        &mut self,
        stream: &Stream,
        report: Report,
        now: Moment,
    ) -> Result<Vec<Told>, Refused> {
        let changes = self.ledger.apply(stream, report, now)?;
        Ok(self.hear(changes))
    }

    /// A stream has ended.
    pub(crate) fn lose(&mut self, stream: &Stream, now: Moment) {
        self.ledger.lose(stream, now);
    }

    /// A user types, or stopped. An id that is only another form of one that is known is told as the known one.
    pub(crate) fn set_typing(&mut self, mut said: SetTypingRequest, now: Moment) -> Result<Vec<Told>, Full> {
        if let Some(known) = self.ledger.conversation_id(id::to_uuid(&said.conversation_id)) {
            known.clone_into(&mut said.conversation_id);
        }
        if let Some(user) = &mut said.user
            && let Some(known) = self.ledger.user_id(id::to_uuid(&user.user_id))
        {
            known.clone_into(&mut user.user_id);
        }
        Ok(self.typing.set(said, now)?.map(Told::Typing).into_iter().collect())
    }

    /// What time alone has changed. To be called before anything else.
    pub(crate) fn expire(&mut self, now: Moment) -> Vec<Told> {
        let changes = self.ledger.expire(now);
        let mut told = self.hear(changes);
        told.extend(self.typing.expire(now).into_iter().map(Told::Typing));
        told
    }

    /// When to call [`State::expire`] next.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.ledger.deadline().into_iter().chain(self.typing.deadline()).min()
    }

    /// Presence of a user who is online; `None` for any other.
    pub(crate) fn presence(&self, user: Uuid, now: Moment) -> Option<UserPresence> {
        self.ledger.presence(user, now)
    }

    /// Ids of the users with a socket on the conversation, sorted.
    pub(crate) fn present(&self, conversation: Uuid) -> Vec<String> {
        self.ledger.present(conversation)
    }

    /// How much there is of everything.
    pub(crate) fn counts(&self) -> Counts {
        Counts {
            users: self.ledger.user_count(),
            sessions: self.ledger.session_count(),
            bridges: self.ledger.bridge_count(),
            typing: self.typing.count(),
        }
    }

    fn hear(&mut self, changes: Vec<Change>) -> Vec<Told> {
        let told = changes.into_iter().filter_map(|change| match change {
            Change::Online(presence) | Change::Offline(presence) => Some(Told::Presence(presence)),
            Change::Left { conversation, user } => self.typing.leave(conversation, user).map(Told::Typing),
        });
        told.collect()
    }
}
