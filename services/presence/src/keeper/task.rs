//! The loop: takes calls and time to the state, and what it answers to subscribers and the disk.

use causeway_kit::Error;
use causeway_proto::{presence::SetTypingRequest, time::Clock};
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

use super::call::Call;
use crate::{
    gauges::Gauges,
    ledger::{Refused, Remembered, Report, Stream},
    moment::Moment,
    outlet::Outlet,
    refusal::{superseded, too_many_bridges, too_many_typing},
    settings::Settings,
    state::State,
    typing::Full,
};

/// Everything that changes.
pub(crate) struct Task {
    state: State,
    outlet: Outlet,
    clock: Clock,
    started: Instant,
    gauges: Gauges,
}

impl Task {
    /// Starts from who was online when the service last ran.
    pub(crate) fn new(
        settings: Settings,
        remembered: Vec<Remembered>,
        (outlet, clock, gauges): (Outlet, Clock, Gauges),
    ) -> Self {
        let mut task = Self { state: State::new(settings), outlet, clock, started: Instant::now(), gauges };
        task.state.restore(remembered, task.now());
        task
    }

    /// Answers calls until `stop`.
    pub(crate) async fn run(mut self, mut calls: mpsc::Receiver<Call>, stop: CancellationToken) {
        loop {
            self.gauges.set(self.state.counts());
            let call = tokio::select! {
                () = stop.cancelled() => return,
                () = sleep_until(self.deadline()) => None,
                call = calls.recv() => Some(call),
            };
            // What is due comes first, so that a call finds things as they are now.
            let now = self.now();
            self.outlet.tell(self.state.expire(now));
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
            Call::Lose { stream } => self.state.lose(&stream, now),
            Call::Presences { users, answer } => {
                let presences = users.into_iter().map(|user| self.state.presence(user, now)).collect();
                drop(answer.send(presences));
            }
            Call::Present { conversation, answer } => drop(answer.send(self.state.present(conversation))),
            Call::SetTyping { said, answer } => drop(answer.send(self.set_typing(said, now))),
        }
    }

    fn attach(&mut self, bridge_id: &str, now: Moment) -> Result<Stream, Error> {
        self.state.attach(bridge_id, now).ok_or_else(too_many_bridges)
    }

    fn report(&mut self, stream: &Stream, reports: Vec<Report>, now: Moment) -> Result<(), Error> {
        for report in reports {
            match self.state.report(stream, report, now) {
                Ok(told) => self.outlet.tell(told),
                // Ending the stream would cost the presence of all its other users.
                Err(Refused::Full) => self.gauges.turn_away(),
                Err(Refused::Superseded) => return Err(superseded()),
            }
        }
        Ok(())
    }

    fn set_typing(&mut self, said: SetTypingRequest, now: Moment) -> Result<(), Error> {
        let told = self.state.set_typing(said, now).map_err(|Full| too_many_typing())?;
        self.outlet.tell(told);
        Ok(())
    }

    fn deadline(&self) -> Option<Instant> {
        self.state.deadline().map(|due| self.started + due)
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
