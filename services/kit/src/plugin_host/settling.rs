//! Which events of an instance are settled, and which must wait because one before them in their partition does.
//!
//! No store and no stream: what is decided here can be read, and tried, on its own.

use std::{
    collections::{BTreeSet, HashMap},
    time::{Duration, Instant},
};

/// Events that may wait to be sent again, at most. A plugin that goes on pushing beyond that does not keep to the protocol.
const WAITING: usize = 16_384;

/// What to do with an event that arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Apply it.
    Now,
    /// It was settled before.
    Settled,
    /// An earlier one of its partition has to come first: after that time.
    After(Duration),
    /// Too many wait to be sent again: the plugin goes on pushing, and has to stop.
    TooMany,
}

/// The events of one instance. A number that is left out counts as settled: after a reconnect a plugin does not repeat what it
/// knows to be.
#[derive(Debug)]
pub(super) struct Settling {
    /// The highest number that was seen.
    highest: u64,
    /// Those that were seen and are not settled.
    pending: BTreeSet<u64>,
    /// Events that were told to come again, by partition.
    held: HashMap<String, Held>,
}

/// The events of a partition that are told to come again, and when the first of them may.
#[derive(Debug)]
struct Held {
    sequences: BTreeSet<u64>,
    until: Instant,
}

impl Settling {
    /// An instance whose events are settled up to a number.
    pub(super) fn after(through: u64) -> Self {
        Self { highest: through, pending: BTreeSet::new(), held: HashMap::new() }
    }

    /// All events up to this one are settled.
    pub(super) fn through(&self) -> u64 {
        self.pending.first().map_or(self.highest, |first| first - 1)
    }

    /// What to do with an event that has arrived. One whose turn it is counts as applied for those behind it in the same batch;
    /// when it is not, [`Settling::hold`] says so.
    pub(super) fn arrives(&mut self, sequence: u64, partition: &str, now: Instant) -> Turn {
        if sequence > self.highest {
            self.highest = sequence;
            self.pending.insert(sequence);
        }
        if self.pending.len() > WAITING {
            return Turn::TooMany;
        }
        if !self.pending.contains(&sequence) {
            return Turn::Settled;
        }
        let Some(held) = self.held.get_mut(partition) else { return Turn::Now };
        if held.sequences.first().is_some_and(|first| *first < sequence) {
            held.sequences.insert(sequence);
            return Turn::After(held.until.saturating_duration_since(now));
        }
        held.sequences.remove(&sequence);
        if held.sequences.is_empty() {
            self.held.remove(partition);
        }
        Turn::Now
    }

    /// An event is told to come again after `until`.
    pub(super) fn hold(&mut self, sequence: u64, partition: &str, until: Instant) {
        let held = self
            .held
            .entry(partition.to_owned())
            .or_insert_with(|| Held { sequences: BTreeSet::new(), until });
        if held.sequences.first().is_none_or(|first| sequence <= *first) {
            held.until = until;
        }
        held.sequences.insert(sequence);
    }

    /// An event is settled.
    pub(super) fn settle(&mut self, sequence: u64) {
        self.pending.remove(&sequence);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Instant {
        Instant::now()
    }

    #[test]
    fn the_position_moves_when_there_is_no_gap() {
        let mut settling = Settling::after(7);
        for sequence in [8, 9, 10] {
            assert_eq!(settling.arrives(sequence, "a", now()), Turn::Now);
        }
        settling.settle(9);
        assert_eq!(settling.through(), 7);
        settling.settle(8);
        assert_eq!(settling.through(), 9);
        assert_eq!(settling.arrives(9, "a", now()), Turn::Settled);
        assert_eq!(settling.arrives(3, "a", now()), Turn::Settled);
    }

    #[test]
    fn what_is_left_out_is_settled() {
        let mut settling = Settling::after(7);
        assert_eq!(settling.arrives(9, "a", now()), Turn::Now);
        assert_eq!(settling.through(), 8);
        settling.settle(9);
        assert_eq!(settling.through(), 9);
        assert_eq!(settling.arrives(8, "a", now()), Turn::Settled);
    }

    #[test]
    fn a_partition_waits_for_its_first_event_and_others_do_not() {
        let mut settling = Settling::after(0);
        let start = now();
        let until = start + Duration::from_secs(1);
        assert_eq!(settling.arrives(1, "a", start), Turn::Now);
        settling.hold(1, "a", until);
        assert_eq!(settling.arrives(2, "a", start), Turn::After(Duration::from_secs(1)));
        assert_eq!(settling.arrives(3, "b", start), Turn::Now);
        settling.settle(3);
        assert_eq!(settling.through(), 0);

        assert_eq!(settling.arrives(1, "a", until), Turn::Now);
        settling.settle(1);
        assert_eq!(
            settling.arrives(4, "a", until),
            Turn::After(Duration::ZERO),
            "the second has not come again"
        );
        assert_eq!(settling.arrives(2, "a", until), Turn::Now);
        settling.settle(2);
        assert_eq!(settling.arrives(4, "a", until), Turn::Now);
        settling.settle(4);
        assert_eq!(settling.through(), 4);
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut settling = Settling::after(0);
        let mut refused = (1..).find(|sequence| settling.arrives(*sequence, "a", now()) == Turn::TooMany);
        assert_eq!(refused.take(), Some(WAITING as u64 + 1));
    }
}
