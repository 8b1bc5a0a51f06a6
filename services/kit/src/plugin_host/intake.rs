//! Events of one attachment: applied in batches, one job of the store for each, and answered once that is durable.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use causeway_proto::{
    plugin::{Credit, InboundEvent, Outcome, OutcomeCode, attach_response},
    time,
};
use tokio::sync::{mpsc, watch};

use super::{
    Desk, Host,
    answers::Answers,
    apply::{self, Came},
    dismissal::Dismissal,
    gauges::Gauges,
    measure::PluginMeasure,
    pace::MOST,
    registry,
    session::{Arrived, Session},
    settling::{Settling, Turn},
};
use crate::{error::Error, lease::Fence, store::Tx};

/// How long a plugin waits before it sends again what could not be stored.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// A way to apply a batch: plainly or carefully.
type Apply = fn(&mut Tx<'_>, &dyn Desk, &str, &[InboundEvent]) -> Result<Vec<Came>, Error>;

/// Applies the events of one attachment.
pub(super) struct Intake {
    host: Host,
    plugin: String,
    instance: String,
    fence: Fence,
    settling: Settling,
    gauges: Arc<Gauges>,
    dismiss: watch::Sender<Option<Dismissal>>,
    measure: PluginMeasure,
    arriving: mpsc::Receiver<Arrived>,
    answers: Answers,
}

/// What became of an event that has arrived, in the order of arrival.
struct Told {
    sequence: u64,
    partition: String,
    came: Came,
}

impl Intake {
    pub(super) fn new(session: &Session, measure: PluginMeasure, arriving: mpsc::Receiver<Arrived>) -> Self {
        let hello = &session.greeting.hello;
        Self {
            host: session.host.clone(),
            plugin: hello.name.clone(),
            instance: hello.instance.clone(),
            fence: session.fence.clone(),
            settling: Settling::after(session.begun.settled),
            gauges: session.gauges.clone(),
            dismiss: session.dismiss.clone(),
            measure,
            arriving,
            answers: session.answers.clone(),
        }
    }

    /// Applies what arrives until nothing more does.
    pub(super) async fn run(mut self) {
        let host = self.host.inner.clone();
        let mut batch = Vec::with_capacity(MOST);
        while self.arriving.recv_many(&mut batch, host.pace.batch(Instant::now())).await > 0 {
            let begun = Instant::now();
            let amount = u32::try_from(batch.len()).unwrap_or(u32::MAX);
            let events = batch.drain(..).map(|arrived| arrived.event).collect();
            let Some(told) = self.carry_out(events).await else { break };
            self.gauges.event_credit.fetch_add(amount, Ordering::Relaxed);
            for told in told {
                self.answer(told).await;
            }
            self.answers.say(attach_response::Message::Credit(Credit { amount })).await;
            let now = Instant::now();
            let rest = host.pace.rest(now, now.duration_since(begun));
            if !rest.is_zero() {
                tokio::time::sleep(rest).await;
            }
        }
        self.note_position().await;
    }

    /// Applies a batch; what became of each event, in order. `None` when too many wait to be sent again: then nothing more may be
    /// applied, because it could overtake one of them.
    async fn carry_out(&mut self, events: Vec<InboundEvent>) -> Option<Vec<Told>> {
        let now = Instant::now();
        let mut told = Vec::with_capacity(events.len());
        let mut due = Vec::with_capacity(events.len());
        for event in events {
            let (sequence, partition) = (event.sequence, event.partition.clone());
            let came = match self.settling.arrives(sequence, &partition, now) {
                Turn::Now => {
                    due.push((told.len(), event));
                    Came::Later(STORE_PAUSE, "it could not be stored".into())
                }
                Turn::Settled => Came::settled(OutcomeCode::Duplicate),
                Turn::After(wait) => {
                    Came::Later(wait, "an earlier event of its partition comes first".into())
                }
                Turn::TooMany => {
                    // What is not settled comes again when the plugin does.
                    self.dismiss.send_replace(Some(Dismissal::Flooding));
                    return None;
                }
            };
            told.push(Told { sequence, partition, came });
        }
        self.note_lag(&due);
        if !due.is_empty() {
            match self.apply(due).await {
                Ok(all) => all.into_iter().for_each(|(at, came)| told[at].came = came),
                Err(error) => tracing::warn!(plugin = self.plugin, %error, "events could not be stored"),
            }
        }
        for Told { sequence, partition, came } in &told {
            match came {
                Came::Settled(..) => self.settling.settle(*sequence),
                Came::Later(wait, _) => self.settling.hold(*sequence, partition, now + *wait),
            }
        }
        Some(told)
    }

    /// Applies events in one job, or in a second one when some have to be undone; what became of each, with its place in the
    /// batch.
    async fn apply(&self, due: Vec<(usize, InboundEvent)>) -> Result<Vec<(usize, Came)>, Error> {
        let (places, events): (Vec<_>, Vec<_>) = due.into_iter().unzip();
        let events: Arc<[InboundEvent]> = events.into();
        let all = match self.job(apply::apply_plainly, events.clone()).await {
            Ok(all) => all,
            Err(_) => self.job(apply::apply_carefully, events).await?,
        };
        Ok(places.into_iter().zip(all).collect())
    }

    /// One job; beside the events it notes what was settled by the job before.
    async fn job(&self, apply: Apply, events: Arc<[InboundEvent]>) -> Result<Vec<Came>, Error> {
        let (host, plugin, instance) = (self.host.inner.clone(), self.plugin.clone(), self.instance.clone());
        let (settled, fence) = (self.settling.through(), self.fence.clone());
        let write = self.host.inner.store.write(move |tx| {
            fence.check(tx)?;
            registry::settle(tx, &plugin, &instance, settled)?;
            apply(tx, host.desk.as_ref(), &plugin, &events)
        });
        write.await
    }

    async fn answer(&self, told: Told) {
        let (code, wait, reason) = match told.came {
            Came::Settled(code, reason) => (code, Duration::ZERO, reason),
            Came::Later(wait, reason) => (OutcomeCode::RetryAfter, wait, reason),
        };
        self.measure.event(label(code));
        let outcome = Outcome {
            sequence: told.sequence,
            code: code.into(),
            retry_after_ms: u32::try_from(wait.as_millis()).unwrap_or(u32::MAX),
            reason: reason.into_owned(),
            settled_through: self.settling.through(),
        };
        self.answers.say(attach_response::Message::Outcome(outcome)).await;
    }

    /// Says how long ago the newest event happened; one that does not say when happens now.
    fn note_lag(&self, due: &[(usize, InboundEvent)]) {
        let Some((_, newest)) = due.last() else { return };
        let now = self.host.inner.store.clock().now_micros();
        let micros = newest.time.as_ref().map_or(0, |at| now.saturating_sub(time::to_micros(at)));
        self.gauges.event_lag_ms.store((micros / 1_000).max(0), Ordering::Relaxed);
    }

    /// Notes how far events are settled, so that the next attachment goes on from there.
    async fn note_position(&self) {
        let (plugin, instance, settled) =
            (self.plugin.clone(), self.instance.clone(), self.settling.through());
        let fence = self.fence.clone();
        let write = self.host.inner.store.write(move |tx| {
            fence.check(tx)?;
            registry::settle(tx, &plugin, &instance, settled)
        });
        if let Err(error) = write.await {
            tracing::debug!(plugin = self.plugin, %error, "the position of a plugin's events is not noted");
        }
    }
}

fn label(code: OutcomeCode) -> &'static str {
    match code {
        OutcomeCode::Accepted => "accepted",
        OutcomeCode::Duplicate => "duplicate",
        OutcomeCode::Ignored => "ignored",
        OutcomeCode::RetryAfter => "retry_after",
        OutcomeCode::Rejected => "rejected",
        OutcomeCode::Unspecified => "unspecified",
    }
}
