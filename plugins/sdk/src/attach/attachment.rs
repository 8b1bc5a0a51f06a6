//! A plugin's attachment across streams: what goes out next, and what is done with what comes in.

use std::time::Duration;

use causeway_proto::plugin::{
    Credit, Delivery, DeliveryReport, Drain, Hello, Welcome, attach_request, attach_response,
};
use tokio::{task::JoinSet, time::Instant};
use uuid::Uuid;

use super::{
    Ends,
    accounts::Accounts,
    deliveries::{Arrival, Deliveries},
    ending::Ending,
    events::Events,
    hands::Hands,
    report::report,
};
use crate::{Profile, Undelivered, host::Requests, metrics::PluginMetrics};

/// Version of the protocol that this crate speaks.
const PROTOCOL: u32 = 1;
/// Longest version of a plugin, in characters.
const VERSION: usize = 64;
/// Typing that is shown at once; what is more is not shown.
const TYPING: usize = 16;
/// How soon a delivery that came while the plugin stops is tried again.
const STOPPING: Duration = Duration::from_secs(1);

/// Everything that outlives a stream.
pub(crate) struct Attachment {
    hello: Hello,
    hands: Hands,
    requests: Requests,
    metrics: PluginMetrics,
    ends: Ends,
    events: Events,
    deliveries: Deliveries,
    accounts: Accounts,
    delivering: JoinSet<(DeliveryReport, &'static str)>,
    typing: JoinSet<()>,
    /// No new deliveries are taken.
    stopping: bool,
    /// No more events come.
    finishing: bool,
    /// When the host ends the stream, once it has said Drain.
    drain: Option<Instant>,
}

impl Attachment {
    pub(super) fn new(
        profile: Profile,
        hands: Hands,
        requests: Requests,
        metrics: PluginMetrics,
        ends: Ends,
    ) -> Self {
        let Profile { name, version, kind, capabilities } = profile;
        Self {
            hello: Hello {
                name,
                version: version.chars().take(VERSION).collect(),
                protocol: PROTOCOL,
                instance: Uuid::new_v4().to_string(),
                kind: kind.into(),
                capabilities: Some(capabilities),
                holding: Vec::new(),
            },
            hands,
            requests,
            metrics,
            ends,
            events: Events::default(),
            deliveries: Deliveries::default(),
            accounts: Accounts::default(),
            delivering: JoinSet::new(),
            typing: JoinSet::new(),
            stopping: false,
            finishing: false,
            drain: None,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.hello.name
    }

    pub(super) fn metrics(&self) -> &PluginMetrics {
        &self.metrics
    }

    /// How the plugin says Hello now.
    pub(super) fn hello(&self) -> attach_request::Message {
        attach_request::Message::Hello(Hello { holding: self.deliveries.holding(), ..self.hello.clone() })
    }

    /// The host took the plugin in.
    pub(super) fn welcome(&mut self, welcome: &Welcome, now: Instant) {
        self.drain = None;
        for _ in 0..self.events.welcome(welcome.credit, welcome.resume_after) {
            self.metrics.event("accepted");
        }
        self.metrics.unsettled(self.events.len());
        self.deliveries.welcome();
        self.accounts.welcome(now);
        self.metrics.attached();
    }

    /// What to say next.
    pub(super) fn next(&mut self, now: Instant) -> Option<attach_request::Message> {
        if let Some(report) = self.deliveries.next_report() {
            return Some(attach_request::Message::Report(report));
        }
        if let Some(report) = self.accounts.next(now) {
            return Some(attach_request::Message::Account(report));
        }
        if self.drain.is_some() && self.deliveries.is_idle() {
            return None;
        }
        if !self.stopping
            && self.drain.is_none()
            && let Some(amount) = self.deliveries.grant()
        {
            return Some(attach_request::Message::Credit(Credit { amount }));
        }
        // While a host drains, deliveries in hand may depend on the events that they made.
        self.events.next(now).map(attach_request::Message::Event)
    }

    /// When there is something to say or to end that now waits only for its time.
    pub(super) fn wake(&self) -> Option<Instant> {
        [self.accounts.wake(), self.events.wake(), self.drain].into_iter().flatten().min()
    }

    /// Whether to end this side of the stream, and with what.
    pub(super) fn is_over(&self, now: Instant) -> Option<Ending> {
        if self.is_finished() && self.has_told_accounts(now) {
            return Some(Ending::Finished);
        }
        let until = self.drain?;
        let is_done = self.deliveries.is_idle() && self.events.in_flight() == 0;
        (is_done || now >= until).then_some(Ending::Drained)
    }

    /// Whether the plugin stops and nothing is left to do.
    pub(super) fn is_finished(&self) -> bool {
        self.finishing
            && self.requests.pushes.is_empty()
            && self.events.len() == 0
            && self.deliveries.is_idle()
    }

    fn has_told_accounts(&self, now: Instant) -> bool {
        self.requests.accounts.is_empty() && self.accounts.wake().is_none_or(|due| due > now)
    }

    /// The host has ended the stream.
    pub(super) fn lost(&self) -> Ending {
        if self.drain.is_some() { Ending::Drained } else { Ending::Lost }
    }

    /// Does what the host says. Fails when that is against the protocol.
    pub(super) fn hear(
        &mut self,
        message: Option<attach_response::Message>,
        now: Instant,
    ) -> Result<(), Ending> {
        match message {
            Some(attach_response::Message::Outcome(outcome)) => {
                if let Some(label) = self.events.outcome(outcome, now) {
                    self.metrics.event(label);
                    self.metrics.unsettled(self.events.len());
                }
            }
            Some(attach_response::Message::Delivery(delivery)) => match self.deliveries.arrives(delivery) {
                Arrival::Start(delivery) => self.start(*delivery),
                Arrival::Known => {}
                Arrival::TooMany => {
                    return Err(Ending::Breach("the host sent more deliveries than it had credit for"));
                }
            },
            Some(attach_response::Message::Credit(more)) => self.events.grant(more.amount),
            Some(attach_response::Message::Recorded(recorded)) => {
                self.deliveries.recorded((recorded.delivery_id, recorded.part));
            }
            Some(attach_response::Message::Drain(Drain { within_ms })) => {
                let until = now + Duration::from_millis(within_ms.into());
                self.drain = Some(self.drain.map_or(until, |known| known.min(until)));
            }
            Some(attach_response::Message::Typing(typing)) => {
                while self.typing.try_join_next().is_some() {}
                if self.typing.len() < TYPING {
                    self.typing.spawn(self.hands.typing(typing));
                }
            }
            // A second Welcome says nothing new, and what a newer host adds is not for this version.
            Some(attach_response::Message::Welcome(_)) | None => {}
        }
        Ok(())
    }

    /// Waits for something that does not come from the host, and takes it in.
    pub(super) async fn work(&mut self) {
        tokio::select! {
            // Once closed and empty, it has nothing to say for ever.
            Some(push) = self.requests.pushes.recv(), if self.events.has_room() => {
                self.events.push(push);
                // What else is there goes out in the same breath.
                while self.events.has_room() && let Ok(push) = self.requests.pushes.try_recv() {
                    self.events.push(push);
                }
                self.metrics.unsettled(self.events.len());
            }
            Some(report) = self.requests.accounts.recv() => self.accounts.note(report, Instant::now()),
            Some(ended) = self.delivering.join_next(), if !self.delivering.is_empty() => {
                // A delivery does not panic, and is cancelled only with everything.
                if let Ok((report, label)) = ended {
                    self.metrics.delivery(label);
                    if let Some(next) = self.deliveries.ends(report) {
                        self.start(*next);
                    }
                }
            }
            () = self.ends.stop.cancelled(), if !self.stopping => self.stopping = true,
            () = self.ends.finish.cancelled(), if !self.finishing => {
                self.finishing = true;
                self.requests.pushes.close();
            }
            else => std::future::pending().await,
        }
    }

    /// Has the plugin deal with a delivery, unless it stops.
    fn start(&mut self, delivery: Delivery) {
        let part = (delivery.id, delivery.part);
        let is_stopping = self.stopping || self.ends.stop.is_cancelled();
        let delivered = (!is_stopping).then(|| self.hands.deliver(delivery));
        self.delivering.spawn(async move {
            match delivered {
                Some(delivered) => report(part, delivered.await),
                None => report(part, Err(stopping())),
            }
        });
    }
}

/// Nothing was sent, so that the host need not wonder.
fn stopping() -> Undelivered {
    Undelivered::Later {
        code: "stopping".to_owned(),
        text: "the plugin stops".to_owned(),
        after: Some(STOPPING),
        account_wide: false,
    }
}
