//! The topics of a subscription that wait for the bus: Redis has not confirmed yet that their events come.

use std::collections::{HashMap, VecDeque};

use tokio::time::Instant;

use super::requests::Key;

/// Each topic once, with the last sequence number that its subscriber has.
#[derive(Default)]
pub(super) struct Settling {
    topics: HashMap<Key, Option<u64>>,
    /// Until when each of them waits, in order; those that were taken out before are still in here.
    order: VecDeque<(Instant, Key)>,
}

impl Settling {
    /// Adds a topic that is not here, until no earlier than the others.
    pub(super) fn push(&mut self, topic: Key, after: Option<u64>, until: Instant) {
        self.order.push_back((until, topic.clone()));
        self.topics.insert(topic, after);
    }

    /// Takes a topic out.
    pub(super) fn take(&mut self, topic: &Key) -> Option<Option<u64>> {
        let after = self.topics.remove(topic);
        if self.topics.is_empty() {
            self.order.clear();
        }
        after
    }

    pub(super) fn has(&self, topic: &Key) -> bool {
        self.topics.contains_key(topic)
    }

    pub(super) fn len(&self) -> usize {
        self.topics.len()
    }

    /// Until when the one that came first waits.
    pub(super) fn until(&self) -> Option<Instant> {
        self.order.front().map(|(until, _)| *until)
    }

    /// Those that have waited long enough.
    pub(super) fn overdue(&mut self) -> Vec<Key> {
        let now = Instant::now();
        let count = self.order.partition_point(|(until, _)| *until <= now);
        let overdue = self.order.drain(..count).map(|(_, topic)| topic);
        overdue.filter(|topic| self.topics.contains_key(topic)).collect()
    }

    /// All of them.
    pub(super) fn all(&self) -> Vec<Key> {
        self.topics.keys().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use causeway_proto::event::Source;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_topic_waits_until_it_is_taken_out_or_overdue() {
        let (one, two): (Key, Key) = ((Source::Chat, "user/1".into()), (Source::Chat, "user/2".into()));
        let mut settling = Settling::default();
        let until = Instant::now() + Duration::from_secs(1);
        settling.push(one.clone(), Some(3), until);
        settling.push(two.clone(), None, until);
        assert_eq!((settling.until(), settling.overdue()), (Some(until), Vec::new()));
        assert_eq!((settling.take(&one), settling.take(&one)), (Some(Some(3)), None));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(settling.overdue(), std::slice::from_ref(&two));
        assert_eq!((settling.until(), settling.len(), settling.take(&two)), (None, 1, Some(None)));
    }
}
