//! Deliveries that were given, and how often each may be reported.

use std::collections::{BTreeMap, BTreeSet};

use causeway_proto::plugin::DeliveryState;

use super::{Breach, Rule};

/// A part of a delivery.
pub(in crate::conformance) type Part = (u64, u32);

/// The deliveries of one instance.
#[derive(Debug, Default)]
pub(super) struct Deliveries {
    /// How many reports of each may come on this stream.
    expected: BTreeMap<Part, u32>,
    conversations: BTreeSet<String>,
}

impl Deliveries {
    /// A stream begins: reports may be repeated once.
    pub(super) fn welcome(&mut self) {
        for expected in self.expected.values_mut() {
            *expected = 1;
        }
    }

    /// The host handed over a delivery.
    pub(super) fn given(&mut self, part: Part, conversation: &str) {
        *self.expected.entry(part).or_default() += 1;
        self.conversations.insert(conversation.to_owned());
    }

    /// Whether a conversation was named to the plugin.
    pub(super) fn knows(&self, conversation: &str) -> bool {
        self.conversations.contains(conversation)
    }

    /// What is wrong with what the plugin says it holds.
    pub(super) fn holding(&self, ids: &[u64]) -> Option<String> {
        let given = |id: u64| self.expected.range((id, 0)..=(id, u32::MAX)).next().is_some();
        let other = ids.iter().find(|id| !given(**id))?;
        Some(format!("it says that it holds delivery {other}, which this instance was not given"))
    }

    /// The plugin reported a delivery: what is wrong with that.
    pub(super) fn reported(&mut self, part: Part, state: DeliveryState) -> Option<Breach> {
        let (id, number) = part;
        let Some(expected) = self.expected.get_mut(&part) else {
            return Some((
                Rule::Reports,
                format!("part {number} of delivery {id} was reported and never given"),
            ));
        };
        // These come on top, when the provider says so.
        if matches!(state, DeliveryState::Delivered | DeliveryState::Read) {
            return None;
        }
        match expected.checked_sub(1) {
            Some(left) => {
                *expected = left;
                None
            }
            None => {
                Some((Rule::OneReport, format!("delivery {id} was reported more often than it was given")))
            }
        }
    }
}
