//! A subscriber's end of the bus.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
};

use causeway_proto::event::Source;

use super::{Local, Signal, queue::Queue};

/// Receives the events of the topics that it took. Dropping it releases them.
pub struct BusReceiver {
    local: Local,
    queue: Arc<Queue>,
    taken: HashSet<(Source, Arc<str>)>,
    /// Signals that left the queue together.
    ready: VecDeque<Signal>,
}

impl BusReceiver {
    pub(super) fn new(local: Local) -> Self {
        Self { local, queue: Arc::default(), taken: HashSet::new(), ready: VecDeque::new() }
    }

    /// Takes a topic: what is published after this returns is received. Taking it again changes nothing.
    pub fn take(&mut self, source: Source, topic: impl Into<Arc<str>>) {
        let topic = topic.into();
        if self.taken.insert((source, topic.clone())) {
            self.local.take(source, topic, &self.queue);
        }
    }

    /// Releases a topic. What was queued before may still come.
    pub fn release(&mut self, source: Source, topic: &str) {
        if self.taken.remove(&(source, topic.into())) {
            self.local.release(source, topic, &self.queue);
        }
    }

    /// The next signal. Nothing is lost when the future is dropped.
    pub async fn recv(&mut self) -> Signal {
        loop {
            if let Some(signal) = self.ready.pop_front() {
                return signal;
            }
            self.queue.swap(&mut self.ready).await;
        }
    }
}

impl Drop for BusReceiver {
    fn drop(&mut self) {
        for (source, topic) in &self.taken {
            self.local.release(*source, topic, &self.queue);
        }
    }
}
