//! Events on their way to the host: numbered, kept until they are settled, sent within credit.
//!
//! On each stream, events are sent for the first time in the order of their numbers, and without a number left out but those
//! that are settled: a host may take a number that it does not see for settled. Those that the host answers with RETRY_AFTER
//! wait in their partition's lane.

use std::{collections::BTreeMap, time::Duration};

use causeway_proto::plugin::{InboundEvent, Malformed, Outcome, OutcomeCode, inbound_event::Body};
use prost::Message;
use tokio::{sync::oneshot, time::Instant};

use super::lanes::Lanes;
use crate::{Settled, host::Push, malformed::KEPT};

/// Events that may be unsettled; beyond that, `Host::push` waits.
const MAX_EVENTS: usize = 4_096;
/// And bytes of them.
const MAX_BYTES: usize = 16 << 20;
/// The largest event that a host takes, in bytes.
const LARGEST: usize = 256 << 10;
/// An event is not sent again sooner, whatever the host says.
const SHORTEST_WAIT: Duration = Duration::from_millis(10);

/// All events that are not settled.
#[derive(Debug, Default)]
pub(super) struct Events {
    /// Number of the newest event.
    last: u64,
    unsettled: BTreeMap<u64, Unsettled>,
    bytes: usize,
    /// Events that were answered with RETRY_AFTER on this stream.
    lanes: Lanes,
    /// What comes before was sent on this stream.
    cursor: u64,
    /// Events that may be sent.
    credit: u64,
    /// Events that were sent on this stream and have no outcome yet.
    in_flight: usize,
}

#[derive(Debug)]
struct Unsettled {
    event: Box<InboundEvent>,
    size: usize,
    settle: oneshot::Sender<Settled>,
    in_flight: bool,
}

impl Events {
    /// Whether another event may come in.
    pub(super) fn has_room(&self) -> bool {
        self.unsettled.len() < MAX_EVENTS && self.bytes < MAX_BYTES
    }

    /// How many events are not settled.
    pub(super) fn len(&self) -> usize {
        self.unsettled.len()
    }

    /// How many events were sent on this stream and have no outcome yet.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Numbers an event and keeps it.
    pub(super) fn push(&mut self, push: Push) {
        let Push { mut event, settle } = push;
        let size = fit(&mut event);
        self.last += 1;
        event.sequence = self.last;
        self.bytes += size;
        self.unsettled.insert(self.last, Unsettled { event, size, settle, in_flight: false });
    }

    /// A new stream begins. What the host has settled is settled, though the outcomes are lost; all else is sent again.
    /// Returns how many were settled.
    pub(super) fn welcome(&mut self, credit: u32, resume_after: u64) -> usize {
        let rest = self.unsettled.split_off(&resume_after.saturating_add(1));
        let settled = std::mem::replace(&mut self.unsettled, rest);
        for unsettled in self.unsettled.values_mut() {
            unsettled.in_flight = false;
        }
        (self.lanes, self.cursor, self.in_flight) = (Lanes::default(), 0, 0);
        self.credit = credit.into();
        let count = settled.len();
        for unsettled in settled.into_values() {
            self.bytes -= unsettled.size;
            // Whoever pushed it may have gone away; the host has it all the same.
            let _ = unsettled.settle.send(Settled::Accepted);
        }
        count
    }

    /// The host grants more.
    pub(super) fn grant(&mut self, amount: u32) {
        self.credit = self.credit.saturating_add(amount.into());
    }

    /// The next event to send, which is taken for sent.
    pub(super) fn next(&mut self, now: Instant) -> Option<InboundEvent> {
        if self.credit == 0 {
            return None;
        }
        let sequence = match self.lanes.due(now) {
            Some(sequence) => sequence,
            None => *self.unsettled.range(self.cursor..).next()?.0,
        };
        self.cursor = self.cursor.max(sequence + 1);
        let unsettled = self.unsettled.get_mut(&sequence)?;
        self.lanes.remove(&unsettled.event.partition, sequence);
        self.credit -= 1;
        self.in_flight += 1;
        unsettled.in_flight = true;
        Some(unsettled.event.as_ref().clone())
    }

    /// When there is an event to send that waits only for its time.
    pub(super) fn wake(&self) -> Option<Instant> {
        self.lanes.next().filter(|_| self.credit > 0)
    }

    /// The host says what became of an event: the label of that. `None` when it is about an event that is settled already.
    pub(super) fn outcome(&mut self, outcome: Outcome, now: Instant) -> Option<&'static str> {
        let code = outcome.code();
        let unsettled = self.unsettled.get_mut(&outcome.sequence)?;
        if std::mem::take(&mut unsettled.in_flight) {
            self.in_flight -= 1;
        }
        let partition = &unsettled.event.partition;
        let (settled, label) = match code {
            OutcomeCode::RetryAfter => {
                let wait = Duration::from_millis(outcome.retry_after_ms.into()).max(SHORTEST_WAIT);
                self.lanes.add(partition, outcome.sequence, now + wait);
                return Some("retry_after");
            }
            OutcomeCode::Accepted => (Settled::Accepted, "accepted"),
            OutcomeCode::Duplicate => (Settled::Duplicate, "duplicate"),
            // All but RETRY_AFTER settle, also what a newer host may say.
            OutcomeCode::Ignored | OutcomeCode::Unspecified => (Settled::Ignored(outcome.reason), "ignored"),
            OutcomeCode::Rejected => (Settled::Rejected(outcome.reason), "rejected"),
        };
        self.lanes.remove(partition, outcome.sequence);
        if let Some(unsettled) = self.unsettled.remove(&outcome.sequence) {
            self.bytes -= unsettled.size;
            let _ = unsettled.settle.send(settled);
        }
        Some(label)
    }
}

/// Makes an event fit for the host, which would end the stream over one that is too large, again and again: what it says is
/// kept for a person in its place. Returns its size.
fn fit(event: &mut InboundEvent) -> usize {
    // The sequence is still to come.
    let size = event.encoded_len() + 11;
    if size <= LARGEST {
        return size;
    }
    let mut payload =
        event.body.take().map(|body| InboundEvent { body: Some(body), ..InboundEvent::default() });
    let mut payload = payload.take().unwrap_or_default().encode_to_vec();
    payload.truncate(KEPT);
    let reason = format!("an event of {size} bytes is too large for the host");
    tracing::warn!(account = %event.account, size, "an event is too large and is kept in part, for a person");
    event.body = Some(Body::Malformed(Malformed { reason, payload }));
    for (text, length) in
        [(&mut event.account, 128), (&mut event.provider_id, 256), (&mut event.partition, 256)]
    {
        *text = text.chars().take(length).collect();
    }
    event.encoded_len() + 11
}

#[cfg(test)]
mod tests;
