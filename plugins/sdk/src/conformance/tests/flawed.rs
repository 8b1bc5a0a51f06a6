//! A plugin that is written by hand, without the SDK, and does one thing wrong.

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
};

use causeway_proto::plugin::{
    Answer, AttachRequest, Credit, Delivery, DeliveryReport, DeliveryState, Hello, InboundEvent, Outcome,
    OutcomeCode, PluginKind, Welcome, attach_request::Message, attach_response, delivery, inbound_event,
    plugin_host_client::PluginHostClient,
};
use tokio::{
    sync::mpsc,
    time::{Duration, Instant, sleep, sleep_until},
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Status, metadata::MetadataValue};
use tonic_types::StatusExt;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    None,
    ShowsNoCredential,
    SpeaksBeforeWelcome,
    GivesNoCredit,
    GivesCreditOnce,
    NeverReports,
    ReportsTwice,
    ForgetsReports,
    IgnoresRepeatedDelivery,
    OverdrawsCredit,
    LeavesOutNumbers,
    ForgetsEvents,
    RepeatsSettled,
    RetriesAtOnce,
    ComesBackTooSoon,
    StaysAway,
    IsAnotherEachTime,
    IgnoresDrain,
    EndsOverTheUnknown,
}

/// An agent that answers every customer and reports at once.
pub(super) struct Flawed {
    flaw: Flaw,
    starts: u32,
    last: u64,
    unsettled: BTreeMap<u64, InboundEvent>,
    reports: BTreeMap<u64, DeliveryReport>,
    to_send: VecDeque<u64>,
    again: Option<(Instant, u64)>,
    credit: u32,
}

/// One stream.
struct Out(mpsc::Sender<AttachRequest>);

impl Out {
    async fn say(&self, message: Message) {
        let _ = self.0.send(AttachRequest { message: Some(message) }).await;
    }
}

impl Flawed {
    pub(super) fn new(flaw: Flaw) -> Self {
        Self {
            flaw,
            starts: 0,
            last: 0,
            unsettled: BTreeMap::new(),
            reports: BTreeMap::new(),
            to_send: VecDeque::new(),
            again: None,
            credit: 0,
        }
    }

    /// Attaches again and again.
    pub(super) async fn run(mut self, address: SocketAddr, token: String) {
        loop {
            let ended = self.attach(address, &token).await;
            self.starts += 1;
            let asked = ended.err().and_then(|status| status.get_details_retry_info()?.retry_delay);
            match (self.flaw, asked) {
                (Flaw::StaysAway, _) => std::future::pending().await,
                (Flaw::ComesBackTooSoon, _) | (_, None) => sleep(Duration::from_millis(50)).await,
                (_, Some(pause)) => sleep(pause).await,
            }
        }
    }

    async fn attach(&mut self, address: SocketAddr, token: &str) -> Result<(), Status> {
        let Ok(mut client) = PluginHostClient::connect(format!("http://{address}")).await else {
            // The suite does not listen yet.
            self.starts = 0;
            return Ok(());
        };
        let (requests, outgoing) = mpsc::channel(64);
        let out = Out(requests);
        out.say(Message::Hello(self.hello())).await;
        if self.flaw == Flaw::SpeaksBeforeWelcome {
            let account = "flawed".to_owned();
            out.say(Message::Account(causeway_proto::plugin::AccountReport {
                account,
                state: 1,
                ..Default::default()
            }))
            .await;
        }
        let mut request = Request::new(ReceiverStream::new(outgoing));
        if self.flaw != Flaw::ShowsNoCredential {
            let value = MetadataValue::try_from(format!("Bearer {token}")).unwrap();
            request.metadata_mut().insert("authorization", value);
        }
        let mut responses = client.attach(request).await?.into_inner();
        let Some(first) = responses.message().await? else { return Ok(()) };
        let Some(attach_response::Message::Welcome(welcome)) = first.message else { return Ok(()) };
        self.welcome(welcome, &out).await;
        loop {
            self.send_events(&out).await;
            let again = self.again.map(|(time, _)| time);
            let response = tokio::select! {
                response = responses.message() => response?,
                () = sleep_until(again.unwrap_or_else(Instant::now)), if again.is_some() => {
                    self.to_send.extend(self.again.take().map(|(_, sequence)| sequence));
                    continue;
                }
            };
            let Some(response) = response else { return Ok(()) };
            if !self.hear(response.message, &out).await {
                // This side ends first.
                drop(out);
                while responses.message().await?.is_some() {}
                return Ok(());
            }
        }
    }

    fn hello(&self) -> Hello {
        let instance = if self.flaw == Flaw::IsAnotherEachTime { self.starts } else { 0 };
        Hello {
            name: "flawed".to_owned(),
            version: "1".to_owned(),
            protocol: 1,
            instance: format!("instance-{instance}"),
            kind: PluginKind::Agent.into(),
            capabilities: None,
            holding: self.reports.keys().copied().collect(),
        }
    }

    async fn welcome(&mut self, welcome: Welcome, out: &Out) {
        self.credit = welcome.credit;
        self.again = None;
        if self.flaw != Flaw::RepeatsSettled {
            self.unsettled = self.unsettled.split_off(&(welcome.resume_after + 1));
        }
        if self.flaw == Flaw::ForgetsEvents {
            self.unsettled.clear();
        }
        self.to_send = self.unsettled.keys().copied().collect();
        if self.flaw != Flaw::GivesNoCredit {
            out.say(Message::Credit(Credit { amount: 16 })).await;
        }
        for report in self.reports.values() {
            out.say(Message::Report(report.clone())).await;
        }
    }

    async fn send_events(&mut self, out: &Out) {
        while self.credit > 0 || self.flaw == Flaw::OverdrawsCredit {
            let Some(sequence) = self.to_send.pop_front() else { return };
            self.credit = self.credit.saturating_sub(1);
            if let Some(event) = self.unsettled.get(&sequence) {
                out.say(Message::Event(event.clone())).await;
            }
        }
    }

    /// False when this side is to end.
    async fn hear(&mut self, message: Option<attach_response::Message>, out: &Out) -> bool {
        match message {
            Some(attach_response::Message::Delivery(delivery)) => self.deliver(delivery, out).await,
            Some(attach_response::Message::Outcome(outcome)) => self.settle(outcome),
            Some(attach_response::Message::Credit(more)) => self.credit += more.amount,
            Some(attach_response::Message::Recorded(recorded)) => {
                drop(self.reports.remove(&recorded.delivery_id))
            }
            Some(attach_response::Message::Drain(_)) => return self.flaw == Flaw::IgnoresDrain,
            Some(attach_response::Message::Typing(_)) => {}
            Some(attach_response::Message::Welcome(_)) | None => {
                return self.flaw != Flaw::EndsOverTheUnknown;
            }
        }
        true
    }

    async fn deliver(&mut self, delivery: Delivery, out: &Out) {
        let is_known = self.reports.contains_key(&delivery.id);
        if is_known && self.flaw == Flaw::IgnoresRepeatedDelivery {
            return;
        }
        let state = DeliveryState::Sent.into();
        let report =
            DeliveryReport { delivery_id: delivery.id, part: delivery.part, state, ..Default::default() };
        if let Some(delivery::Body::CustomerWrote(wrote)) = delivery.body
            && !is_known
        {
            self.answer(wrote.conversation_id, wrote.message_id);
        }
        if self.flaw != Flaw::ForgetsReports {
            self.reports.insert(delivery.id, report.clone());
        }
        let times = match self.flaw {
            Flaw::NeverReports => 0,
            Flaw::ReportsTwice => 2,
            _ => 1,
        };
        for _ in 0..times {
            out.say(Message::Report(report.clone())).await;
        }
        if !matches!(self.flaw, Flaw::GivesNoCredit | Flaw::GivesCreditOnce) {
            out.say(Message::Credit(Credit { amount: 1 })).await;
        }
    }

    fn answer(&mut self, conversation: String, message: u64) {
        self.last += if self.flaw == Flaw::LeavesOutNumbers { 2 } else { 1 };
        let answer =
            Answer { conversation_id: conversation.clone(), text: "yes".to_owned(), marketing: false };
        let event = InboundEvent {
            sequence: self.last,
            body: Some(inbound_event::Body::Answer(answer)),
            ..crate::event(
                "flawed",
                format!("answer/{message}"),
                conversation,
                inbound_event::Body::Unknown(Default::default()),
            )
        };
        self.unsettled.insert(self.last, event);
        self.to_send.push_back(self.last);
    }

    fn settle(&mut self, outcome: Outcome) {
        if outcome.code() != OutcomeCode::RetryAfter {
            if self.flaw != Flaw::RepeatsSettled {
                self.unsettled.remove(&outcome.sequence);
            }
            return;
        }
        let wait = match self.flaw {
            Flaw::RetriesAtOnce => 0,
            _ => outcome.retry_after_ms,
        };
        self.again = Some((Instant::now() + Duration::from_millis(wait.into()), outcome.sequence));
    }
}
