//! Deliveries that are handed over, and what the plugin does about them.

use std::time::Duration;

use causeway_proto::plugin::{
    CustomerWrote, Delivery, DeliveryReport, InboundEvent, PluginKind, TextDelivery, Voice, attach_response,
    delivery::Body,
};
use tokio::time::Instant;

use super::{Heard, Stage, Step, failed, skipped};
use crate::conformance::rules::Part;

/// How long a plugin that pushes on its own is waited for.
const SPONTANEOUS: Duration = Duration::from_secs(3);
/// How long after its reports an agent's answers may come.
const AFTERTHOUGHT: Duration = Duration::from_millis(500);

impl Stage {
    /// Hands over a delivery in a conversation, once the plugin takes it.
    pub(in crate::conformance) async fn deliver(&mut self, conversation: &str) -> Step<Part> {
        let until = Instant::now() + self.timeout();
        while self.delivery_credit == 0 {
            match self.hear(until).await {
                Heard::Something => {}
                Heard::Nothing => return failed("it gives no credit for deliveries"),
                Heard::End(how) => return ended(how),
            }
        }
        self.last_delivery += 1;
        let delivery = self.delivery(self.last_delivery, conversation);
        self.open.push(delivery.clone());
        Ok(self.hand_over(delivery).await)
    }

    /// Hands over a delivery that was handed over before.
    pub(in crate::conformance) async fn deliver_again(&mut self, part: Part, conversation: &str) {
        let delivery = self.delivery(part.0, conversation);
        self.hand_over(delivery).await;
    }

    /// Hands over one delivery in each of so many conversations, or as many as the plugin takes at once.
    pub(in crate::conformance) async fn deliver_many(&mut self, count: usize) -> Step<Vec<Part>> {
        let mut parts = Vec::new();
        for _ in 0..count {
            if !parts.is_empty() && self.delivery_credit == 0 {
                break;
            }
            let conversation = self.conversation();
            parts.push(self.deliver(&conversation).await?);
        }
        Ok(parts)
    }

    /// A conversation that was not used before.
    pub(in crate::conformance) fn conversation(&self) -> String {
        format!("conformance/{}", self.last_delivery + 1)
    }

    /// Waits for the report of a delivery.
    pub(in crate::conformance) async fn report_of(&mut self, part: Part) -> Step<DeliveryReport> {
        let until = Instant::now() + self.timeout();
        loop {
            if let Some(index) =
                self.reports.iter().position(|report| (report.delivery_id, report.part) == part)
            {
                return Ok(self.reports.remove(index));
            }
            match self.hear(until).await {
                Heard::Something => {}
                Heard::Nothing => {
                    return failed(format!("no report of a delivery came within {:?}", self.timeout()));
                }
                Heard::End(how) => return ended(how),
            }
        }
    }

    /// Waits for an event.
    pub(in crate::conformance) async fn event(&mut self, within: Duration) -> Step<Option<InboundEvent>> {
        let until = Instant::now() + within;
        loop {
            if !self.events.is_empty() {
                return Ok(Some(self.events.remove(0)));
            }
            match self.hear(until).await {
                Heard::Something => {}
                Heard::Nothing => return Ok(None),
                Heard::End(how) => return ended(how),
            }
        }
    }

    /// Listens for a while, and answers.
    pub(in crate::conformance) async fn listen(&mut self, time: Duration) -> Step<()> {
        let until = Instant::now() + time;
        loop {
            match self.hear(until).await {
                Heard::Something => {}
                Heard::Nothing => return Ok(()),
                Heard::End(how) => return ended(how),
            }
        }
    }

    /// Makes an agent answer, or waits for what the plugin pushes on its own: so many events at most. Skips the check when
    /// there is none.
    pub(in crate::conformance) async fn provoke(&mut self, count: usize) -> Step<Vec<InboundEvent>> {
        self.provoke_by(count, count).await
    }

    /// The same by so many deliveries to an agent.
    pub(in crate::conformance) async fn provoke_by(
        &mut self,
        deliveries: usize,
        count: usize,
    ) -> Step<Vec<InboundEvent>> {
        if self.is_silent {
            return skipped("the plugin pushes no events by itself");
        }
        let is_agent = self.kind() == PluginKind::Agent;
        let parts = if is_agent { self.deliver_many(deliveries).await? } else { Vec::new() };
        let patience = if is_agent { self.timeout() } else { SPONTANEOUS };
        let until = Instant::now() + patience;
        let mut events = Vec::new();
        while events.len() < count {
            let is_waiting = !is_agent || parts.iter().any(|part| self.is_open(*part));
            let left =
                if is_waiting { until.saturating_duration_since(Instant::now()) } else { AFTERTHOUGHT };
            // Short steps, because a report may come in place of an event.
            match self.event(left.min(AFTERTHOUGHT)).await? {
                Some(event) => events.push(event),
                None if !is_waiting || Instant::now() >= until => break,
                None => {}
            }
        }
        if events.is_empty() {
            self.is_silent = true;
            return skipped(match is_agent {
                true => "the agent answered nothing; see what customers write in the suite's options",
                false => "the plugin pushes no events by itself",
            });
        }
        Ok(events)
    }

    async fn hand_over(&mut self, delivery: Delivery) -> Part {
        let part = (delivery.id, delivery.part);
        self.delivery_credit = self.delivery_credit.saturating_sub(1);
        self.rules.delivery(part, &delivery.partition);
        self.say(attach_response::Message::Delivery(delivery)).await;
        part
    }

    fn delivery(&self, id: u64, conversation: &str) -> Delivery {
        let text = self.options.text.clone();
        let delivery = Delivery { id, partition: conversation.to_owned(), ..Delivery::default() };
        if self.kind() == PluginKind::Agent {
            let wrote = CustomerWrote {
                conversation_id: conversation.to_owned(),
                message_id: id,
                text,
                source: "conformance".to_owned(),
                customer_user_id: self.options.customer.clone(),
                customer_name: "Connie".to_owned(),
                files: Vec::new(),
            };
            return Delivery { body: Some(Body::CustomerWrote(wrote)), ..delivery };
        }
        let account = match (self.options.account.as_str(), &self.account) {
            ("", Some(reported)) => reported.clone(),
            ("", None) => "conformance".to_owned(),
            (named, _) => named.to_owned(),
        };
        let text = TextDelivery { text, reply_to: String::new(), voice: Voice::Support.into() };
        Delivery {
            account,
            customer_id: self.options.customer.clone(),
            body: Some(Body::Text(text)),
            ..delivery
        }
    }
}

fn ended<T>(how: Option<String>) -> Step<T> {
    match how {
        Some(how) => failed(format!("it broke the stream off: {how}")),
        None => failed("it ended the stream"),
    }
}
