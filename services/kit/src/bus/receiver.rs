//! A subscriber's end of the bus.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
};

use causeway_proto::event::Source;

use super::{Bus, Signal, queue::Queue};

/// Receives the events of the topics that it took. Dropping it releases them.
pub struct BusReceiver {
    bus: Bus,
    queue: Arc<Queue>,
    taken: HashSet<(Source, Arc<str>)>,
    /// Signals that left the queue together.
    ready: VecDeque<Signal>,
}

impl BusReceiver {
    pub(super) fn new(bus: Bus) -> Self {
        Self { bus, queue: Arc::default(), taken: HashSet::new(), ready: VecDeque::new() }
    }

    /// Takes a topic. What this process publishes after this returns is received, and when it is true also what others do;
    /// when it is false, [`Signal::Check`] says from when on. It is also true where that is not known: while the driver is not
    /// well, nothing comes from others, and [`Signal::Lagged`] follows when it does again. Taking a topic again changes nothing.
    pub fn take(&mut self, source: Source, topic: impl Into<Arc<str>>) -> bool {
        let topic = topic.into();
        !self.taken.insert((source, topic.clone())) || self.bus.take(source, topic, &self.queue)
    }

    /// Releases a topic. What was queued before may still come.
    pub fn release(&mut self, source: Source, topic: &str) {
        if let Some((source, topic)) = self.taken.take(&(source, topic.into())) {
            self.bus.release(source, &topic, &self.queue);
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
            self.bus.release(*source, topic, &self.queue);
        }
    }
}
