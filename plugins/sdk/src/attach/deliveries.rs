//! Deliveries in the plugin's hands, and reports until the host has recorded them.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use causeway_proto::plugin::{Delivery, DeliveryReport};

/// Deliveries that may be on their way to the plugin and in its hands.
const WINDOW: u32 = 64;
/// Reports that may wait to be recorded; beyond that no more deliveries are asked for.
const MAX_REPORTS: usize = 1_024;

/// A part of a delivery.
pub(super) type Part = (u64, u32);

/// All deliveries that the host was not told of, or has not recorded.
#[derive(Debug, Default)]
pub(super) struct Deliveries {
    /// The partitions of those that the plugin works on.
    running: HashMap<Part, String>,
    /// Those whose partition the plugin works on.
    queued: VecDeque<Delivery>,
    /// Not recorded.
    reports: BTreeMap<Part, DeliveryReport>,
    /// Of these, those to send on this stream, in this order.
    unsent: VecDeque<Part>,
    /// Deliveries that the host may still send on this stream.
    granted: u32,
}

/// What to do with a delivery that arrives.
#[derive(Debug, PartialEq)]
pub(super) enum Arrival {
    /// Hand it to the plugin.
    Start(Box<Delivery>),
    /// It is in hand, or its report goes out again.
    Known,
    /// The host had no credit for it.
    TooMany,
}

impl Deliveries {
    /// Every delivery that is in hand or whose report is not recorded, for Hello.
    pub(super) fn holding(&self) -> Vec<u64> {
        let queued = self.queued.iter().map(|delivery| delivery.id);
        let parts = self.running.keys().chain(self.reports.keys()).map(|(id, _)| *id);
        parts.chain(queued).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// A new stream begins: all reports are sent again.
    pub(super) fn welcome(&mut self) {
        self.unsent = self.reports.keys().copied().collect();
        self.granted = 0;
    }

    /// How many more deliveries the host may send from now on.
    pub(super) fn grant(&mut self) -> Option<u32> {
        if self.reports.len() >= MAX_REPORTS {
            return None;
        }
        let busy = self.granted as usize + self.running.len() + self.queued.len();
        let more = WINDOW.saturating_sub(u32::try_from(busy).unwrap_or(WINDOW));
        self.granted += more;
        Some(more).filter(|more| *more > 0)
    }

    /// The host hands over a delivery.
    pub(super) fn arrives(&mut self, delivery: Delivery) -> Arrival {
        let Some(left) = self.granted.checked_sub(1) else { return Arrival::TooMany };
        self.granted = left;
        let part = (delivery.id, delivery.part);
        if self.reports.contains_key(&part) {
            self.unsent.push_back(part);
            return Arrival::Known;
        }
        let is_queued = self.queued.iter().any(|other| (other.id, other.part) == part);
        if is_queued || self.running.contains_key(&part) {
            return Arrival::Known;
        }
        if self.running.values().any(|partition| *partition == delivery.partition) {
            self.queued.push_back(delivery);
            return Arrival::Known;
        }
        Arrival::Start(self.start(delivery))
    }

    /// The plugin is done with a delivery: what it can do now.
    pub(super) fn ends(&mut self, report: DeliveryReport) -> Option<Box<Delivery>> {
        let part = (report.delivery_id, report.part);
        let partition = self.running.remove(&part);
        self.reports.insert(part, report);
        self.unsent.push_back(part);
        let next = self.queued.iter().position(|queued| Some(&queued.partition) == partition.as_ref())?;
        let next = self.queued.remove(next)?;
        Some(self.start(next))
    }

    /// The next report to send.
    pub(super) fn next_report(&mut self) -> Option<DeliveryReport> {
        std::iter::from_fn(|| self.unsent.pop_front()).find_map(|part| self.reports.get(&part).cloned())
    }

    /// The host has recorded a report.
    pub(super) fn recorded(&mut self, part: Part) {
        self.reports.remove(&part);
    }

    /// Whether nothing is in hand and every report is recorded.
    pub(super) fn is_idle(&self) -> bool {
        self.running.is_empty() && self.queued.is_empty() && self.reports.is_empty()
    }

    fn start(&mut self, delivery: Delivery) -> Box<Delivery> {
        self.running.insert((delivery.id, delivery.part), delivery.partition.clone());
        Box::new(delivery)
    }
}

#[cfg(test)]
mod tests;
