//! What is due.

use std::time::Duration;

use causeway_proto::time;
use tokio::time::Instant;

use super::{
    Now, Session,
    action::{Action, Close},
    queue::Job,
};
use crate::{command::Reply, settings::Settings};

/// When what is due next.
#[derive(Debug)]
pub(crate) struct Timers {
    ping: Instant,
    heard: Instant,
    heartbeat: Option<Instant>,
    drain: Option<Instant>,
    /// Microseconds since the epoch.
    ends_at: i64,
}

impl Timers {
    /// As they stand when a socket opens.
    pub(crate) fn new(settings: &Settings, heartbeat: bool, ends_at: i64, now: Now) -> Self {
        Self {
            ping: now.at + settings.ping_interval,
            heard: now.at,
            heartbeat: heartbeat.then(|| now.at + settings.heartbeat),
            drain: None,
            ends_at,
        }
    }

    /// The peer is alive.
    pub(crate) fn heard(&mut self, at: Instant) {
        self.heard = at;
    }

    /// The token ends then, in microseconds since the epoch.
    pub(crate) fn ends_at(&mut self, micros: i64) {
        self.ends_at = micros;
    }
}

impl Session {
    /// When [`Session::on_tick`] is to be called, at the latest.
    pub(crate) fn deadline(&self, now: Now) -> Instant {
        let left =
            Duration::from_micros(u64::try_from(self.timers.ends_at.saturating_sub(now.wall)).unwrap_or(0));
        // A clock that is set back must not keep a token alive for years.
        let token = now.at + left.min(Duration::from_secs(3600));
        let silence = self.timers.heard + self.settings.idle_timeout;
        let optional = [self.timers.heartbeat, self.timers.drain, self.receipts.due(), self.reports.due()];
        optional.into_iter().flatten().chain([token, silence]).fold(self.timers.ping, Instant::min)
    }

    /// Whether the token has ended, so that nothing may be shown any more.
    pub(crate) fn is_over(&self, now: Now) -> bool {
        now.wall >= self.timers.ends_at
    }

    /// The bridge stops: this socket is to be closed at `at`.
    pub(crate) fn on_drain(&mut self, at: Instant) {
        self.timers.drain.get_or_insert(at);
    }

    /// Does what is due.
    pub(crate) fn on_tick(&mut self, now: Now, out: &mut Vec<Action>) {
        if self.is_over(now) {
            return out.push(Action::Close(Close::EXPIRED));
        }
        if now.at >= self.timers.heard + self.settings.idle_timeout {
            return out.push(Action::Close(Close::SILENT));
        }
        if self.timers.drain.take_if(|at| now.at >= *at).is_some() {
            return self.finish(out);
        }
        if now.at >= self.timers.ping {
            self.timers.ping = now.at + self.settings.ping_interval;
            out.push(Action::Ping);
        }
        if self.timers.heartbeat.is_some_and(|at| now.at >= at) {
            self.timers.heartbeat = Some(now.at + self.settings.heartbeat);
            self.reply(&Reply::Heartbeat { at: time::from_micros(now.wall) }, out);
        }
        if self.receipts.due().is_some_and(|at| now.at >= at) {
            self.pass_on_receipts();
        }
        if self.reports.due().is_some_and(|at| now.at >= at) {
            self.pass_on_reports();
        }
        self.pump(out);
    }

    /// Takes no more frames, has what the client said carried out, and then closes.
    pub(crate) fn finish(&mut self, out: &mut Vec<Action>) {
        self.ending = true;
        self.pass_on_receipts();
        self.pass_on_reports();
        self.pump(out);
    }

    fn pass_on_receipts(&mut self) {
        if let Some(messages) = self.receipts.take() {
            self.queue.push(Job::Read(messages));
        }
    }

    fn pass_on_reports(&mut self) {
        self.aside.delivered.append(&mut self.reports.take());
    }
}
