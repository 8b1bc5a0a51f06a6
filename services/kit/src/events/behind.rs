//! The topics of a subscription that have events in the log which were not passed on.

use std::collections::{HashSet, VecDeque};

use super::requests::Key;

/// Each topic once, in the order in which it was noticed.
#[derive(Default)]
pub(super) struct Behind {
    order: VecDeque<Key>,
    known: HashSet<Key>,
}

impl Behind {
    /// Notes that a topic is behind.
    pub(super) fn push(&mut self, topic: Key) {
        if self.known.insert(topic.clone()) {
            self.order.push_back(topic);
        }
    }

    /// The topic that waited longest.
    pub(super) fn pop(&mut self) -> Option<Key> {
        let topic = self.order.pop_front()?;
        self.known.remove(&topic);
        Some(topic)
    }
}

#[cfg(test)]
mod tests {
    use causeway_proto::event::Source;

    use super::*;

    #[test]
    fn a_topic_waits_once_and_may_come_again() {
        let (one, two): (Key, Key) = ((Source::Chat, "user/1".into()), (Source::Chat, "user/2".into()));
        let mut behind = Behind::default();
        for topic in [&one, &two, &one] {
            behind.push(topic.clone());
        }
        assert_eq!(behind.pop(), Some(one.clone()));
        behind.push(one.clone());
        assert_eq!([behind.pop(), behind.pop(), behind.pop()], [Some(two), Some(one), None]);
    }
}
