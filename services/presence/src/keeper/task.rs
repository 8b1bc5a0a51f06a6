//! The loop: takes calls and time to the pure parts, and what they answer to subscribers and the disk.

use std::time::Duration;

use causeway_kit::{Error, events::Hub};
use causeway_proto::{
    event::event::Body,
    id,
    presence::{PresenceChanged, SetTypingRequest, TypingChanged, UserPresence},
    time::Clock,
    topic::Topic,
};
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

use super::call::Call;
use crate::{
    gauges::Gauges,
    ledger::{Change, Ledger, Refused, Remembered, Report, Stream},
    moment::Moment,
    seen::Seen,
    settings::Settings,
    typing::{Full, Typing},
};

/// When somebody who was turned away should come back.
const RETRY: Duration = Duration::from_secs(5);

/// Everything that changes.
pub(crate) struct Task {
    ledger: Ledger,
    typing: Typing,
    hub: Hub,
    seen: Seen,
    clock: Clock,
    started: Instant,
    gauges: Gauges,
}

impl Task {
    /// Starts from who was online when the service last ran.
    pub(crate) fn new(
        settings: Settings,
        remembered: Vec<Remembered>,
        (hub, seen, clock, gauges): (Hub, Seen, Clock, Gauges),
    ) -> Self {
        let typing = Typing::new(settings.typing_timeout, settings.max_typing);
        let ledger = Ledger::new(settings);
        let mut task = Self { ledger, typing, hub, seen, clock, started: Instant::now(), gauges };
        task.ledger.restore(remembered, task.now());
        task
    }

    /// Answers calls until `stop`.
    pub(crate) async fn run(mut self, mut calls: mpsc::Receiver<Call>, stop: CancellationToken) {
        loop {
            self.gauges.set(&self.ledger, &self.typing);
            let call = tokio::select! {
                () = stop.cancelled() => return,
                () = sleep_until(self.deadline()) => None,
                call = calls.recv() => Some(call),
            };
            // What is due comes first, so that a call finds things as they are now.
            let now = self.now();
            self.expire(now);
            match call {
                None => {}
                Some(Some(call)) => self.answer(call, now),
                Some(None) => return,
            }
        }
    }

    /// Whoever asked may have gone meanwhile; then nobody hears the answer.
    fn answer(&mut self, call: Call, now: Moment) {
        match call {
            Call::Attach { bridge_id, answer } => drop(answer.send(self.attach(&bridge_id, now))),
            Call::Report { stream, reports, answer } => {
                drop(answer.send(self.report(&stream, reports, now)));
            }
            Call::Lose { stream } => self.ledger.lose(&stream, now),
            Call::Presences { users, answer } => {
                let presences = users.into_iter().map(|user| self.ledger.presence(user, now)).collect();
                drop(answer.send(presences));
            }
            Call::Present { conversation, answer } => drop(answer.send(self.ledger.present(conversation))),
            Call::SetTyping { said, answer } => drop(answer.send(self.set_typing(said, now))),
        }
    }

    fn attach(&mut self, bridge_id: &str, now: Moment) -> Result<Stream, Error> {
        let stream = self.ledger.attach(bridge_id, now);
        stream.ok_or(Error::Exhausted { why: "too many bridges are attached".into(), retry: RETRY })
    }

    fn report(&mut self, stream: &Stream, reports: Vec<Report>, now: Moment) -> Result<(), Error> {
        for report in reports {
            match self.ledger.apply(stream, report, now) {
                Ok(changes) => self.publish(changes),
                // Ending the stream would cost the presence of all its other users.
                Err(Refused::Full) => self.gauges.turn_away(),
                Err(Refused::Superseded) => {
                    return Err(Error::conflict("the bridge has attached with another stream"));
                }
            }
        }
        Ok(())
    }

    /// An id that is only another form of one that is known is told as the known one.
    fn set_typing(&mut self, mut said: SetTypingRequest, now: Moment) -> Result<(), Error> {
        if let Some(known) = self.ledger.conversation_id(id::to_uuid(&said.conversation_id)) {
            known.clone_into(&mut said.conversation_id);
        }
        if let Some(user) = &mut said.user
            && let Some(known) = self.ledger.user_id(id::to_uuid(&user.user_id))
        {
            known.clone_into(&mut user.user_id);
        }
        match self.typing.set(said, now) {
            Ok(changed) => changed.into_iter().for_each(|changed| self.publish_typing(changed)),
            Err(Full) => {
                return Err(Error::Exhausted { why: "too many users are typing".into(), retry: RETRY });
            }
        }
        Ok(())
    }

    fn expire(&mut self, now: Moment) {
        let changes = self.ledger.expire(now);
        self.publish(changes);
        for ended in self.typing.expire(now) {
            self.publish_typing(ended);
        }
    }

    fn publish(&mut self, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Online(presence) => self.publish_presence(presence, true),
                Change::Offline(presence) => self.publish_presence(presence, false),
                Change::Left { conversation, user } => {
                    if let Some(ended) = self.typing.leave(conversation, user) {
                        self.publish_typing(ended);
                    }
                }
            }
        }
    }

    fn publish_presence(&self, presence: UserPresence, online: bool) {
        self.seen.note(&presence, online);
        let user_id = presence.user_id.clone();
        let changed = PresenceChanged { presence: Some(presence) };
        self.hub.publish_ephemeral(Topic::Presence(&user_id), Body::PresenceChanged(changed));
    }

    fn publish_typing(&self, changed: TypingChanged) {
        let conversation_id = changed.conversation_id.clone();
        self.hub.publish_ephemeral(Topic::Conversation(&conversation_id), Body::TypingChanged(changed));
    }

    fn deadline(&self) -> Option<Instant> {
        let due = self.ledger.deadline().into_iter().chain(self.typing.deadline()).min();
        due.map(|due| self.started + due)
    }

    fn now(&self) -> Moment {
        Moment { elapsed: self.started.elapsed(), micros: self.clock.now_micros() }
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
