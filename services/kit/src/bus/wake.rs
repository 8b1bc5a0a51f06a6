//! Signals without content: there is work of some kind. They go over the bus like events of a topic that no service has.

use bytes::Bytes;
use causeway_proto::event::Source;
use futures_util::FutureExt;

use super::{BusReceiver, Envelope};

/// Is woken when there may be work of a kind.
pub struct Wakes(BusReceiver);

impl Wakes {
    pub(super) fn new(mut receiver: BusReceiver, kind: &str) -> Self {
        receiver.take(Source::Unspecified, topic(kind));
        Self(receiver)
    }

    /// Waits until there may be work; several signals at once are one. Nothing is lost when the future is dropped.
    pub async fn next(&mut self) {
        // Whatever comes says so: a signal, or that one may have been lost.
        self.0.recv().await;
        while self.0.recv().now_or_never().is_some() {}
    }
}

pub(super) fn envelope(kind: &str) -> Envelope {
    Envelope { source: Source::Unspecified, topic: topic(kind).into(), sequence: 0, event: Bytes::new() }
}

fn topic(kind: &str) -> String {
    format!("wake/{kind}")
}
