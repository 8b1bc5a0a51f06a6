//! Deliveries of one attachment: handed out when they are due and the plugin has credit, and settled by its reports.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use causeway_proto::plugin::{Capabilities, Delivery, DeliveryReport, Recorded, Typing, attach_response};
use tokio::sync::{mpsc, watch};

use super::{
    Host,
    answers::Answers,
    desk,
    dismissal::Dismissal,
    gauges::Gauges,
    in_hand,
    measure::PluginMeasure,
    registry, report,
    session::{Said, Session},
};
use crate::{
    error::Error,
    lease::Fence,
    store::{line, signal::OwedSignal},
};

/// Deliveries handed out in one job of the store, and reports noted in one, at most.
const BATCH: usize = 64;
const REPORTS: usize = 256;

/// How long reports gather while several deliveries are in hand.
const GATHER: Duration = Duration::from_millis(5);

/// However quiet it is, the outbox and the deliveries in hand are looked at this often; more often where other processes owe
/// deliveries as well.
const LOOK: Duration = Duration::from_secs(5);
const LOOK_AT_OTHERS: Duration = Duration::from_millis(250);

/// How long to leave the store alone after it failed.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// Hands out the deliveries of one attachment.
pub(super) struct Dispatch {
    host: Host,
    plugin: String,
    instance: String,
    can: Capabilities,
    fence: Fence,
    owed: OwedSignal,
    /// Since when each delivery is in hand.
    in_hand: HashMap<i64, Instant>,
    /// Until when accounts are left alone, in microseconds since the epoch.
    paused: HashMap<String, i64>,
    credit: u32,
    gauges: Arc<Gauges>,
    measure: PluginMeasure,
    saying: mpsc::Receiver<Said>,
    typings: mpsc::Receiver<Typing>,
    dismiss: watch::Sender<Option<Dismissal>>,
    dismissal: watch::Receiver<Option<Dismissal>>,
    answers: Answers,
}

impl Dispatch {
    pub(super) fn new(session: Session, measure: PluginMeasure, saying: mpsc::Receiver<Said>) -> Self {
        let now = Instant::now();
        let Session { host, greeting, begun, fence, gauges, answers, dismiss, dismissal, typings } = session;
        Self {
            owed: host.inner.store.owed(),
            host,
            plugin: greeting.hello.name,
            instance: greeting.hello.instance,
            can: greeting.can,
            fence,
            in_hand: begun.in_hand.into_iter().map(|id| (id, now)).collect(),
            paused: HashMap::new(),
            credit: 0,
            gauges,
            measure,
            saying,
            typings,
            dismiss,
            dismissal,
            answers,
        }
    }

    /// Works until nothing more is said by the plugin.
    pub(super) async fn run(mut self) {
        let mut said = Vec::with_capacity(REPORTS);
        let mut typings_end = false;
        loop {
            let pause = self.hand_out_all().await;
            tokio::select! {
                biased;
                count = self.saying.recv_many(&mut said, REPORTS) => {
                    if count == 0 {
                        return;
                    }
                    self.gather(&mut said).await;
                    self.hear(&mut said).await;
                }
                typing = self.typings.recv(), if !typings_end => match typing {
                    Some(typing) => self.answers.say(attach_response::Message::Typing(typing)).await,
                    None => typings_end = true,
                },
                () = self.owed.next() => {}
                () = tokio::time::sleep(pause) => self.look_for_silence(),
            }
        }
    }

    /// Hands out what is due, as far as there is credit; how long there is nothing to do then.
    async fn hand_out_all(&mut self) -> Duration {
        loop {
            let is_going = self.host.inner.stop.is_cancelled() || self.dismissal.borrow().is_some();
            if self.credit == 0 || is_going {
                return self.look();
            }
            match self.hand_out().await {
                Ok(None) => {}
                Ok(Some(pause)) => return pause.min(self.look()),
                Err(error) => {
                    tracing::warn!(plugin = self.plugin, %error, "deliveries cannot be handed out");
                    return STORE_PAUSE;
                }
            }
        }
    }

    fn look(&self) -> Duration {
        if self.host.inner.store.is_shared() { LOOK_AT_OTHERS } else { LOOK }
    }

    /// Hands out a batch; when nothing is due, how long until something is.
    async fn hand_out(&mut self) -> Result<Option<Duration>, Error> {
        self.owed.mark_seen();
        let now = self.host.inner.store.clock().now_micros();
        self.paused.retain(|_, until| *until > now);
        let accounts: Vec<&String> = self.paused.keys().collect();
        let paused = serde_json::to_string(&accounts).map_err(Error::internal)?;
        let limit = BATCH.min(self.credit as usize);
        let outbox = desk::kind(&self.plugin);
        let kind = outbox.clone();
        let read = self.host.inner.store.read(move |reader| line::due(reader, &kind, now, &paused, limit));
        let due = read.await?;
        if due.is_empty() {
            return self.until_due(outbox, now).await.map(Some);
        }
        let (host, plugin, instance, can) =
            (self.host.inner.clone(), self.plugin.clone(), self.instance.clone(), self.can.clone());
        let fence = self.fence.clone();
        let write = self.host.inner.store.write(move |tx| {
            fence.check(tx)?;
            due.into_iter()
                .map(|item| in_hand::take_in_hand(tx, &host, &plugin, &instance, &can, item))
                .collect()
        });
        let ready: Vec<Option<Delivery>> = write.await?;
        for delivery in ready.into_iter().flatten() {
            self.in_hand.insert(i64::try_from(delivery.id).unwrap_or(i64::MAX), Instant::now());
            self.set_credit(self.credit.saturating_sub(1));
            self.measure.delivery("handed_out");
            self.answers.say(attach_response::Message::Delivery(delivery)).await;
        }
        Ok(None)
    }

    /// How long until the next delivery is due, or an account may be used again.
    async fn until_due(&self, outbox: String, now: i64) -> Result<Duration, Error> {
        let next =
            self.host.inner.store.read(move |reader| line::next_due_after(reader, &outbox, now)).await?;
        let next = next.into_iter().chain(self.paused.values().copied()).min().unwrap_or(i64::MAX);
        Ok(Duration::from_micros(u64::try_from(next.saturating_sub(now)).unwrap_or(0)))
    }

    /// Waits a little for more, where more can be expected: a commit for each report, and one for each delivery that takes its
    /// place, would be slower than most providers.
    async fn gather(&mut self, said: &mut Vec<Said>) {
        if self.in_hand.len() < 2 {
            return;
        }
        tokio::time::sleep(GATHER).await;
        while said.len() < REPORTS
            && let Ok(more) = self.saying.try_recv()
        {
            said.push(more);
        }
    }

    /// Takes what the plugin said, in order; reports that come together are noted together.
    async fn hear(&mut self, said: &mut Vec<Said>) {
        let mut reports = Vec::new();
        for said in said.drain(..) {
            match said {
                Said::Report(report) => reports.push(report),
                Said::Credit(more) => self.set_credit(self.credit.saturating_add(more)),
                Said::Account(account) => {
                    let plugin = self.plugin.clone();
                    let write =
                        self.host.inner.store.write(move |tx| registry::note_account(tx, &plugin, &account));
                    if let Err(error) = write.await {
                        tracing::debug!(plugin = self.plugin, %error, "an account's state is not noted");
                    }
                }
            }
        }
        if !reports.is_empty() {
            self.record(reports).await;
        }
    }

    /// Notes reports, however long that takes: what is not noted would be done again. What an instance did it did, whichever
    /// process has it by now.
    async fn record(&mut self, reports: Vec<DeliveryReport>) {
        loop {
            let (host, plugin, instance) =
                (self.host.inner.clone(), self.plugin.clone(), self.instance.clone());
            let again = reports.clone();
            let write = self.host.inner.store.write(move |tx| {
                again.iter().map(|report| report::note(tx, &host, &plugin, &instance, report)).collect()
            });
            match write.await {
                Ok(pauses) => return self.recorded(&reports, pauses).await,
                Err(error) => {
                    tracing::warn!(plugin = self.plugin, %error, "reports of deliveries could not be stored");
                    if self.host.inner.stop.is_cancelled() {
                        return;
                    }
                    tokio::time::sleep(STORE_PAUSE).await;
                }
            }
        }
    }

    async fn recorded(&mut self, reports: &[DeliveryReport], pauses: Vec<Option<report::Pause>>) {
        for pause in pauses.into_iter().flatten() {
            self.paused.insert(pause.account, pause.until);
        }
        for report in reports {
            self.in_hand.remove(&i64::try_from(report.delivery_id).unwrap_or(i64::MAX));
            self.measure.delivery(report::label(report.state()));
            let recorded = Recorded { delivery_id: report.delivery_id, part: report.part };
            self.answers.say(attach_response::Message::Recorded(recorded)).await;
        }
    }

    /// Ends an attachment whose plugin has something in hand and says nothing about it.
    fn look_for_silence(&self) {
        let lease = self.host.inner.options.lease;
        if self.in_hand.values().any(|since| since.elapsed() > lease) {
            self.dismiss.send_if_modified(|dismissal| {
                let is_first = dismissal.is_none();
                dismissal.get_or_insert(Dismissal::Silent);
                is_first
            });
        }
    }

    fn set_credit(&mut self, credit: u32) {
        self.credit = credit;
        self.gauges.delivery_credit.store(credit, Ordering::Relaxed);
    }
}
