//! What the plugin says: past the rules, answered, and kept for the check that waits for it.

use causeway_proto::plugin::{
    DeliveryReport, DeliveryState, InboundEvent, Outcome, OutcomeCode, attach_request, attach_response,
};
use tokio::time::{Instant, timeout_at};

use super::Stage;
use crate::{conformance::rules::Part, played::recorded};

/// What came of waiting for the plugin.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::conformance) enum Heard {
    /// It said something, which is dealt with.
    Something,
    /// It said nothing for as long as was waited.
    Nothing,
    /// It ended the stream; `Some` when that was not in order.
    End(Option<String>),
}

impl Stage {
    /// Waits for one message.
    pub(in crate::conformance) async fn hear(&mut self, until: Instant) -> Heard {
        let Some(stream) = &mut self.stream else { return Heard::End(None) };
        let message = match timeout_at(until, stream.receive()).await {
            Err(_) => return Heard::Nothing,
            Ok(Ok(Some(message))) => message,
            Ok(Ok(None)) => return Heard::End(None),
            Ok(Err(status)) => return Heard::End(Some(status.message().to_owned())),
        };
        match message {
            Some(attach_request::Message::Event(event)) => self.hear_event(event).await,
            Some(attach_request::Message::Report(report)) => self.hear_report(report).await,
            Some(attach_request::Message::Account(report)) => {
                self.rules.account(&report);
                self.account.get_or_insert_with(|| report.account.clone());
                self.accounts.push((report.account, Instant::now()));
            }
            Some(attach_request::Message::Credit(more)) => {
                self.rules.credit(more.amount);
                self.delivery_credit = self.delivery_credit.saturating_add(more.amount);
            }
            Some(attach_request::Message::Hello(_)) => self.rules.second_hello(),
            // What a newer plugin says is not for this version.
            None => {}
        }
        Heard::Something
    }

    async fn hear_event(&mut self, event: InboundEvent) {
        self.rules.event(&event);
        self.is_silent = false;
        self.unsettled.retain(|known| known.sequence != event.sequence);
        self.unsettled.push(event.clone());
        if !self.held.outcomes {
            self.accept(event.sequence).await;
        }
        self.events.push(event);
    }

    async fn hear_report(&mut self, report: DeliveryReport) {
        self.rules.report(&report);
        match report.state() {
            DeliveryState::Delivered | DeliveryState::Read | DeliveryState::Unspecified => return,
            DeliveryState::Sent | DeliveryState::Failed | DeliveryState::Uncertain => {}
        }
        let part = (report.delivery_id, report.part);
        self.open.retain(|delivery| (delivery.id, delivery.part) != part);
        if !self.held.records {
            self.record(part).await;
        }
        self.reports.push(report);
    }

    /// Accepts an event, and gives its credit back.
    pub(in crate::conformance) async fn accept(&mut self, sequence: u64) {
        self.settled.insert(sequence);
        self.unsettled.retain(|event| event.sequence != sequence);
        self.rules.outcome(sequence, true);
        self.say_outcome(sequence, OutcomeCode::Accepted, 0).await;
        if self.held.credit {
            self.owed_credit += 1;
        } else {
            self.grant(1).await;
        }
    }

    /// Asks for an event again, after so many milliseconds, and gives its credit back.
    pub(in crate::conformance) async fn ask_again(&mut self, sequence: u64, retry_after_ms: u32) {
        self.unsettled.retain(|event| event.sequence != sequence);
        self.rules.outcome(sequence, false);
        self.say_outcome(sequence, OutcomeCode::RetryAfter, retry_after_ms).await;
        self.grant(1).await;
    }

    async fn say_outcome(&self, sequence: u64, code: OutcomeCode, retry_after_ms: u32) {
        let outcome = Outcome {
            sequence,
            code: code.into(),
            retry_after_ms,
            reason: String::new(),
            settled_through: self.settled_through(),
        };
        self.say(attach_response::Message::Outcome(outcome)).await;
    }

    /// Says that a report is durable.
    pub(in crate::conformance) async fn record(&mut self, part: Part) {
        self.say(recorded(part.0, part.1)).await;
    }
}
