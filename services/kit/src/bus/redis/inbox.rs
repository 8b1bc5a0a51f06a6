//! What a node sends without being asked: messages, and that it began or ended a subscription.

use std::sync::Arc;

use redis::{PushInfo, PushKind, Value};

use super::{Shared, channel::Message, link::Link, measure::Arrived};
use crate::bus::Envelope;

pub(super) struct Inbox {
    pub(super) shared: Arc<Shared>,
    pub(super) link: Arc<Link>,
}

impl Inbox {
    /// Never blocks: the subscribers' queues are bounded, and say so when they are full.
    pub(super) fn take(&self, push: PushInfo) {
        let PushInfo { kind, data } = push;
        let mut data = data.into_iter().filter_map(bytes);
        match (kind, data.next()) {
            (PushKind::Message | PushKind::SMessage, Some(channel)) => {
                data.next().into_iter().for_each(|message| self.arrived(&channel, message));
            }
            (PushKind::Subscribe | PushKind::SSubscribe, Some(channel)) => self.subscribed(&text(&channel)),
            (PushKind::Unsubscribe | PushKind::SUnsubscribe, Some(channel)) => self.left(&text(&channel)),
            (PushKind::Disconnection, _) => self.link.broken.notify_one(),
            // Patterns and keys, which nobody here asks for, and what the library may learn.
            (kind, _) => tracing::debug!(%kind, "Redis sent something that nobody asked for"),
        }
    }

    fn arrived(&self, channel: &[u8], message: Vec<u8>) {
        let measure = &self.shared.measure;
        let Some(arrival) = self.shared.topics.arrival(&text(channel)) else {
            measure.arrived(Arrived::Unwanted);
            return;
        };
        match self.shared.channels.decode(message) {
            Message::Echo => measure.arrived(Arrived::Echo),
            Message::Event { sequence, event } => {
                let (source, topic) = (arrival.source, arrival.topic);
                let envelope = Envelope { source, topic, sequence, event };
                self.shared.local.deliver(&[Arc::new(envelope)]);
                measure.arrived(if arrival.is_wanted { Arrived::Event } else { Arrived::Late });
            }
            Message::Unreadable => {
                // Whatever it is, the log knows better.
                measure.arrived(Arrived::Unreadable);
                self.shared.local.check(arrival.source, &arrival.topic);
            }
        }
    }

    fn subscribed(&self, channel: &str) {
        let confirmed = self.shared.topics.confirm(channel, self.link.id);
        // Before the link is up, all its topics are compared at once when it is.
        if let Some((source, topic)) = confirmed.filter(|_| self.link.is_up()) {
            self.shared.local.check(source, &topic);
        }
    }

    fn left(&self, channel: &str) {
        if self.link.orders.left(channel) {
            self.shared.topics.left(channel, self.link.id);
        } else {
            // The node gave the slot away. A new connection finds out who has what.
            self.link.broken.notify_one();
        }
    }
}

/// What is not bytes is a count of subscriptions.
fn bytes(value: Value) -> Option<Vec<u8>> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        Value::SimpleString(text) => Some(text.into_bytes()),
        _ => None,
    }
}

fn text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}
