//! Carries events from whoever publishes them to the subscribers of this process.
//!
//! The bus is only speed: it may lose what it carries, and subscribers find that out from the log. Its two sizes: a narrow
//! [`Driver`] brings an envelope to every process that may want it, and the [`Bus`] over it gives it to those subscribers of
//! this process that took its topic, through a bounded queue each.
//!
//! To add another driver: implement [`Driver`], give the [`Local`] each envelope that comes from outside, tell it by
//! [`Local::check`] from when on a topic's envelopes come and by [`Local::lag`] when some of any topic may have been lost, and
//! run the tests of [`crate::events`] over it. [`redis`] is one.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use causeway_proto::event::Source;
use tokio::{sync::watch, time::Instant};

mod driver;
mod local;
mod queue;
mod receiver;
pub mod redis;
mod wake;

pub use driver::{Driver, InProcess};
pub use local::Local;
pub use receiver::BusReceiver;
pub use wake::Wakes;

/// An event on its way, encoded once for all who get it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Who wrote it.
    pub source: Source,
    /// The topic's name.
    pub topic: Arc<str>,
    /// Its sequence number; 0 when it is ephemeral.
    pub sequence: u64,
    /// `causeway.event.v1.Event`, encoded.
    pub event: Bytes,
}

/// What a subscriber receives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    /// An event of a topic that it took.
    Event(Arc<Envelope>),
    /// A topic that it took goes as far as this; the events up to there may have been lost on the way.
    Head {
        /// Whose topic.
        source: Source,
        /// Its name.
        topic: Arc<str>,
        /// Sequence number of the newest event.
        sequence: u64,
    },
    /// What comes from now on is received; what was published to this topic before may have been lost on the way.
    Check {
        /// Whose topic.
        source: Source,
        /// Its name.
        topic: Arc<str>,
    },
    /// Events of any of its topics are lost to it, because it did not keep up or the driver did not.
    Lagged {
        /// When the first was lost.
        since: Instant,
    },
}

/// The bus of a process. Cloning is cheap.
#[derive(Clone)]
pub struct Bus {
    driver: Arc<dyn Driver>,
    local: Local,
}

impl Default for Bus {
    fn default() -> Self {
        Self::new(InProcess, Local::default())
    }
}

impl Bus {
    /// A bus over `driver`, which has a clone of `local` when it receives from outside.
    pub fn new(driver: impl Driver, local: Local) -> Self {
        Self { driver: Arc::new(driver), local }
    }

    /// Sends events on their way, in this order. Never blocks.
    pub fn publish(&self, envelopes: &[Arc<Envelope>]) {
        self.driver.publish(envelopes, &self.local);
    }

    /// Whether publishing to this topic can reach anybody.
    pub fn reaches(&self, source: Source, topic: &str) -> bool {
        self.driver.reaches_others() || self.local.wants(source, topic)
    }

    /// Tells the subscribers of this process how far a topic goes.
    pub fn remind(&self, source: Source, topic: &str, sequence: u64) {
        self.local.remind(source, topic, sequence);
    }

    /// A subscriber without topics.
    pub fn subscribe(&self) -> BusReceiver {
        BusReceiver::new(self.clone())
    }

    /// Wakes all who wait for this kind of work, in every process. It may be lost, as everything here: who waits looks by itself
    /// from time to time.
    pub fn wake(&self, kind: &str) {
        self.publish(&[Arc::new(wake::envelope(kind))]);
    }

    /// Is woken by [`Bus::wake`].
    pub fn wakes(&self, kind: &str) -> Wakes {
        Wakes::new(self.subscribe(), kind)
    }

    /// Whether what other processes publish comes here; `None` where that is always so.
    pub fn health(&self) -> Option<watch::Receiver<bool>> {
        self.driver.health()
    }

    /// While it does not: how often the log is to be looked at instead.
    pub(crate) fn fallback_poll(&self) -> Duration {
        self.driver.fallback_poll()
    }

    /// The log was looked at instead.
    pub(crate) fn polled(&self) {
        self.driver.polled();
    }

    fn take(&self, source: Source, topic: Arc<str>, queue: &Arc<queue::Queue>) -> bool {
        // The driver asks the local subscribers whether a topic is wanted, so it comes after them.
        self.local.take(source, topic.clone(), queue);
        self.driver.take(source, &topic)
    }

    fn release(&self, source: Source, topic: &Arc<str>, queue: &Arc<queue::Queue>) {
        if self.local.release(source, topic, queue) {
            self.driver.release(source, topic);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn envelope(topic: &str, sequence: u64) -> Arc<Envelope> {
        let event = Bytes::from_static(b"event");
        Arc::new(Envelope { source: Source::Chat, topic: topic.into(), sequence, event })
    }

    #[tokio::test]
    async fn a_subscriber_gets_the_topics_it_took() {
        let bus = Bus::default();
        let mut receiver = bus.subscribe();
        receiver.take(Source::Chat, "user/1");
        bus.publish(&[envelope("user/2", 1)]);
        bus.publish(&[envelope("user/1", 1)]);
        assert_eq!(receiver.recv().await, Signal::Event(envelope("user/1", 1)));
    }

    #[tokio::test]
    async fn a_released_topic_is_silent() {
        let bus = Bus::default();
        let mut receiver = bus.subscribe();
        receiver.take(Source::Chat, "user/1");
        receiver.release(Source::Chat, "user/1");
        assert!(!bus.reaches(Source::Chat, "user/1"));
        receiver.take(Source::Chat, "user/2");
        bus.publish(&[envelope("user/1", 1)]);
        bus.publish(&[envelope("user/2", 1)]);
        assert_eq!(receiver.recv().await, Signal::Event(envelope("user/2", 1)));
    }

    #[tokio::test]
    async fn who_does_not_keep_up_is_told_and_goes_on() {
        let bus = Bus::default();
        let mut receiver = bus.subscribe();
        receiver.take(Source::Chat, "user/1");
        for sequence in 1..100_000 {
            bus.publish(&[envelope("user/1", sequence)]);
        }
        let mut lagged = 0;
        let mut last = 0;
        while last < 99_999 {
            match receiver.recv().await {
                Signal::Lagged { .. } => lagged += 1,
                Signal::Event(envelope) => last = envelope.sequence,
                Signal::Head { .. } | Signal::Check { .. } => unreachable!("nobody reminded"),
            }
        }
        assert!(lagged >= 1);
    }

    #[tokio::test]
    async fn who_waits_for_a_kind_of_work_is_woken_for_it_alone() {
        let bus = Bus::default();
        let (mut outbox, mut other) = (bus.wakes("outbox"), bus.wakes("other"));
        bus.wake("outbox");
        bus.wake("outbox");
        outbox.next().await;
        bus.wake("other");
        other.next().await;
        // Both were one.
        assert!(outbox.next().now_or_never().is_none());
    }

    #[test]
    fn a_dropped_subscriber_leaves_nothing_behind() {
        let bus = Bus::default();
        let mut receiver = bus.subscribe();
        receiver.take(Source::Chat, "user/1");
        assert!(bus.reaches(Source::Chat, "user/1"));
        drop(receiver);
        assert!(!bus.reaches(Source::Chat, "user/1"));
    }
}
