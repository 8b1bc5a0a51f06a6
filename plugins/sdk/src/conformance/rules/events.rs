//! Numbers and credit of events.

use std::collections::{BTreeMap, BTreeSet};

use causeway_proto::plugin::InboundEvent;

use super::{Breach, Rule};

/// The events of one instance.
#[derive(Debug, Default)]
pub(super) struct Events {
    /// Accounts and provider ids of those that were seen, by number.
    known: BTreeMap<u64, (String, String)>,
    settled: BTreeSet<u64>,
    /// All up to this one were settled when the stream began.
    resume_after: u64,
    /// Those that were sent on this stream.
    sent: BTreeSet<u64>,
    /// Of these, those that were asked for again.
    again: BTreeSet<u64>,
    credit: u64,
}

impl Events {
    /// A stream begins.
    pub(super) fn welcome(&mut self, credit: u32, resume_after: u64) {
        self.resume_after = resume_after;
        self.credit = credit.into();
        self.sent.clear();
        self.again.clear();
    }

    /// The host grants more.
    pub(super) fn grant(&mut self, amount: u32) {
        self.credit += u64::from(amount);
    }

    /// The host settled an event, or wants it again later.
    pub(super) fn outcome(&mut self, sequence: u64, settles: bool) {
        if settles {
            self.settled.insert(sequence);
        } else {
            self.again.insert(sequence);
        }
    }

    /// The plugin sent an event: what is wrong with that.
    pub(super) fn sent(&mut self, event: &InboundEvent) -> Vec<Breach> {
        let sequence = event.sequence;
        let number = self.number(event).map(|how| (Rule::Sequences, how));
        let credit = match self.credit.checked_sub(1) {
            Some(left) => {
                self.credit = left;
                None
            }
            None => Some((Rule::EventCredit, format!("event {sequence} was sent without credit"))),
        };
        self.sent.insert(sequence);
        self.again.remove(&sequence);
        self.known.insert(sequence, (event.account.clone(), event.provider_id.clone()));
        number.into_iter().chain(credit).collect()
    }

    fn number(&self, event: &InboundEvent) -> Option<String> {
        let sequence = event.sequence;
        if sequence <= self.resume_after {
            return Some(format!(
                "event {sequence} was sent again, though the host had said that all up to {} are settled",
                self.resume_after
            ));
        }
        if self.sent.contains(&sequence) && !self.again.contains(&sequence) {
            return Some(format!("event {sequence} was sent twice on a stream, and not asked for again"));
        }
        let mut before = self.known.range(self.resume_after + 1..sequence).map(|(number, _)| *number);
        if let Some(left) =
            before.find(|number| !self.settled.contains(number) && !self.sent.contains(number))
        {
            return Some(format!("event {sequence} was sent before event {left}, which is not settled"));
        }
        let last = self.known.last_key_value().map_or(0, |(last, _)| *last).max(self.resume_after);
        match self.known.get(&sequence) {
            Some(known) if *known != (event.account.clone(), event.provider_id.clone()) => {
                Some(format!("event {sequence} was another one when it was sent first"))
            }
            Some(_) => None,
            None if sequence == last + 1 => None,
            None => Some(format!("event {sequence} was sent after event {last}: a number is left out")),
        }
    }
}
