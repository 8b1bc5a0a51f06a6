//! Events that the host wants later: each partition keeps its order, and none waits for another.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use tokio::time::Instant;

/// Sequences to be sent again, by partition, each not before its time and not before the earlier ones of its partition.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    lanes: HashMap<String, BTreeMap<u64, Instant>>,
    /// The first sequence of each lane, by its time.
    heads: BTreeSet<(Instant, u64)>,
}

impl Lanes {
    /// An event is to be sent again, not before `time`.
    pub(super) fn add(&mut self, partition: &str, sequence: u64, time: Instant) {
        self.change(partition, |lane| {
            lane.insert(sequence, time);
        });
    }

    /// An event need not be sent again.
    pub(super) fn remove(&mut self, partition: &str, sequence: u64) {
        self.change(partition, |lane| {
            lane.remove(&sequence);
        });
    }

    /// The first event whose time has come.
    pub(super) fn due(&self, now: Instant) -> Option<u64> {
        self.heads.first().filter(|(time, _)| *time <= now).map(|(_, sequence)| *sequence)
    }

    /// When the next event's time comes.
    pub(super) fn next(&self) -> Option<Instant> {
        self.heads.first().map(|(time, _)| *time)
    }

    fn change(&mut self, partition: &str, change: impl FnOnce(&mut BTreeMap<u64, Instant>)) {
        let lane = self.lanes.entry(partition.to_owned()).or_default();
        if let Some((sequence, time)) = lane.first_key_value() {
            self.heads.remove(&(*time, *sequence));
        }
        change(lane);
        match lane.first_key_value() {
            Some((sequence, time)) => drop(self.heads.insert((*time, *sequence))),
            None => drop(self.lanes.remove(partition)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_partition_goes_in_order_and_others_do_not_wait_for_it() {
        let (mut lanes, start) = (Lanes::default(), Instant::now());
        let later = start + Duration::from_secs(1);
        lanes.add("a", 2, start);
        lanes.add("a", 1, later);
        lanes.add("b", 3, start);
        assert_eq!(lanes.due(start), Some(3));
        lanes.remove("b", 3);
        assert_eq!((lanes.due(start), lanes.next()), (None, Some(later)), "2 waits for 1");
        assert_eq!(lanes.due(later), Some(1));
        lanes.remove("a", 1);
        assert_eq!(lanes.due(later), Some(2));
        lanes.remove("a", 2);
        assert_eq!((lanes.due(later), lanes.next()), (None, None));
        assert!(lanes.lanes.is_empty() && lanes.heads.is_empty());
    }
}
