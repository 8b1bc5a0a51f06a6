//! What the stand-in does with what a plugin says.

use std::collections::{BTreeMap, HashSet};

use causeway_proto::plugin::{
    Credit, Delivery, DeliveryReport, DeliveryState, Hello, InboundEvent, OutcomeCode, Welcome,
    attach_request, attach_response,
};
use tokio::sync::{mpsc, oneshot, watch};

use super::Accounts;
use crate::played::{Call, outcome, recorded};

/// Events that a plugin may have sent without an outcome.
const CREDIT: u32 = 256;

/// What a test wants of the plugin.
#[derive(Debug)]
pub(super) enum Order {
    Deliver(Box<Delivery>, oneshot::Sender<DeliveryReport>),
    Say(Box<attach_response::Message>),
}

/// What a test can see of the plugin.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) hello: Option<Hello>,
    pub(super) accounts: Accounts,
}

/// Parts of deliveries.
type Part = (u64, u32);

/// The state of the host.
pub(super) struct Desk {
    accepted: mpsc::Sender<InboundEvent>,
    seen: watch::Sender<Seen>,
    /// Accounts and provider ids.
    known: HashSet<(String, String)>,
    instance: String,
    settled: u64,
    last_delivery: u64,
    /// Handed over or waiting, without a report.
    owed: BTreeMap<Part, (Delivery, oneshot::Sender<DeliveryReport>)>,
    /// Of these, those that wait for credit.
    waiting: Vec<Part>,
    credit: u32,
}

impl Desk {
    pub(super) fn new(accepted: mpsc::Sender<InboundEvent>, seen: watch::Sender<Seen>) -> Self {
        Self {
            accepted,
            seen,
            known: HashSet::new(),
            instance: String::new(),
            settled: 0,
            last_delivery: 0,
            owed: BTreeMap::new(),
            waiting: Vec::new(),
            credit: 0,
        }
    }

    /// Serves one stream after another until the test is over.
    pub(super) async fn run(mut self, mut calls: mpsc::Receiver<Call>, mut orders: mpsc::Receiver<Order>) {
        let mut call = None;
        loop {
            tokio::select! {
                opened = calls.recv() => {
                    let Some(opened) = opened else { return };
                    call = self.welcome(opened).await;
                }
                order = orders.recv() => {
                    let Some(order) = order else { return };
                    self.take(order, call.as_ref()).await;
                }
                said = next(&mut call) => match said {
                    Some(message) => self.hear(message, call.as_ref()).await,
                    None => call = None,
                },
            }
            self.hand_over(call.as_ref()).await;
        }
    }

    async fn welcome(&mut self, mut call: Call) -> Option<Call> {
        let hello = call.hello().await?;
        if self.instance != hello.instance {
            (self.instance, self.settled) = (hello.instance.clone(), 0);
        }
        let welcome = Welcome {
            session: "stand-in".to_owned(),
            capabilities: hello.capabilities.clone(),
            credit: CREDIT,
            resume_after: self.settled,
        };
        call.send(attach_response::Message::Welcome(welcome)).await;
        self.credit = 0;
        self.waiting = self.owed.keys().copied().filter(|(id, _)| !hello.holding.contains(id)).collect();
        self.seen.send_modify(|seen| seen.hello = Some(hello));
        Some(call)
    }

    async fn take(&mut self, order: Order, call: Option<&Call>) {
        match order {
            Order::Deliver(mut delivery, tell) => {
                if delivery.id == 0 {
                    delivery.id = self.last_delivery + 1;
                }
                self.last_delivery = self.last_delivery.max(delivery.id);
                let part = (delivery.id, delivery.part);
                self.waiting.push(part);
                self.owed.insert(part, (*delivery, tell));
            }
            Order::Say(message) => {
                if let Some(call) = call {
                    call.send(*message).await;
                }
            }
        }
    }

    async fn hand_over(&mut self, call: Option<&Call>) {
        let Some(call) = call else { return };
        while self.credit > 0 && !self.waiting.is_empty() {
            if let Some((delivery, _)) = self.owed.get(&self.waiting.remove(0)) {
                self.credit -= 1;
                call.send(attach_response::Message::Delivery(delivery.clone())).await;
            }
        }
    }

    async fn hear(&mut self, message: Option<attach_request::Message>, call: Option<&Call>) {
        let Some(call) = call else { return };
        match message {
            Some(attach_request::Message::Event(event)) => self.settle(event, call).await,
            Some(attach_request::Message::Report(report)) => self.note(report, call).await,
            Some(attach_request::Message::Account(report)) => self.seen.send_modify(|seen| {
                seen.accounts.insert(report.account.clone(), report);
            }),
            Some(attach_request::Message::Credit(more)) => {
                self.credit = self.credit.saturating_add(more.amount);
            }
            Some(attach_request::Message::Hello(_)) | None => {}
        }
    }

    async fn settle(&mut self, event: InboundEvent, call: &Call) {
        let sequence = event.sequence;
        self.settled = self.settled.max(sequence);
        let is_new = self.known.insert((event.account.clone(), event.provider_id.clone()));
        let code = if is_new { OutcomeCode::Accepted } else { OutcomeCode::Duplicate };
        if is_new {
            // A test that is over asks for no more.
            let _ = self.accepted.send(event).await;
        }
        call.send(outcome(sequence, code, self.settled)).await;
        call.send(attach_response::Message::Credit(Credit { amount: 1 })).await;
    }

    async fn note(&mut self, report: DeliveryReport, call: &Call) {
        match report.state() {
            DeliveryState::Sent | DeliveryState::Failed | DeliveryState::Uncertain => {
                let part = (report.delivery_id, report.part);
                call.send(recorded(part.0, part.1)).await;
                if let Some((_, tell)) = self.owed.remove(&part) {
                    let _ = tell.send(report);
                }
            }
            DeliveryState::Unspecified | DeliveryState::Delivered | DeliveryState::Read => {}
        }
    }
}

/// What the plugin says next; `None` when the stream is over. Without a stream, never.
async fn next(call: &mut Option<Call>) -> Option<Option<attach_request::Message>> {
    match call {
        Some(call) => call.receive().await.ok().flatten(),
        None => std::future::pending().await,
    }
}
