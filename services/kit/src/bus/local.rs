//! Who in this process took which topic.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use causeway_proto::event::Source;

use super::{Envelope, Signal, queue::Queue};

/// The subscribers of this process by topic. Cloning is cheap.
#[derive(Clone, Default)]
pub struct Local(Arc<Mutex<HashMap<Source, Topics>>>);

type Topics = HashMap<Arc<str>, Vec<Arc<Queue>>>;

impl Local {
    /// Gives events to those who took their topics, and wakes each of them once. Never blocks; who does not keep up is
    /// marked as lagging.
    pub fn deliver(&self, envelopes: &[Arc<Envelope>]) {
        let mut filled: Vec<Arc<Queue>> = Vec::new();
        let sources = self.lock();
        for envelope in envelopes {
            let Some((_, queues)) = find(&sources, envelope.source, &envelope.topic) else { continue };
            for queue in queues {
                queue.push(Signal::Event(envelope.clone()));
                if !filled.iter().any(|other| Arc::ptr_eq(other, queue)) {
                    filled.push(queue.clone());
                }
            }
        }
        drop(sources);
        filled.iter().for_each(|queue| queue.wake());
    }

    /// Tells all subscribers that events may be lost, for example because a driver lost its connection for a while.
    pub fn lag(&self) {
        let sources = self.lock();
        sources.values().flat_map(HashMap::values).flatten().for_each(|queue| queue.lag());
    }

    /// Tells those who took a topic that what was published to it before may have been lost, and that from now on it comes.
    pub fn check(&self, source: Source, topic: &str) {
        self.tell(source, topic, |topic| Signal::Check { source, topic });
    }

    pub(super) fn wants(&self, source: Source, topic: &str) -> bool {
        find(&self.lock(), source, topic).is_some()
    }

    pub(super) fn remind(&self, source: Source, topic: &str, sequence: u64) {
        self.tell(source, topic, |topic| Signal::Head { source, topic, sequence });
    }

    fn tell(&self, source: Source, topic: &str, signal: impl Fn(Arc<str>) -> Signal) {
        let sources = self.lock();
        let Some((topic, queues)) = find(&sources, source, topic) else { return };
        for queue in queues {
            queue.push(signal(topic.clone()));
            queue.wake();
        }
    }

    pub(super) fn take(&self, source: Source, topic: Arc<str>, queue: &Arc<Queue>) {
        self.lock().entry(source).or_default().entry(topic).or_default().push(queue.clone());
    }

    /// True when that was the last who had it.
    pub(super) fn release(&self, source: Source, topic: &str, queue: &Arc<Queue>) -> bool {
        let mut sources = self.lock();
        let Some(topics) = sources.get_mut(&source) else { return false };
        let Some(queues) = topics.get_mut(topic) else { return false };
        queues.retain(|other| !Arc::ptr_eq(other, queue));
        let was_last = queues.is_empty();
        if was_last {
            topics.remove(topic);
        }
        was_last
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Source, Topics>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn find<'a>(
    sources: &'a HashMap<Source, Topics>,
    source: Source,
    topic: &str,
) -> Option<(&'a Arc<str>, &'a Vec<Arc<Queue>>)> {
    sources.get(&source)?.get_key_value(topic)
}
