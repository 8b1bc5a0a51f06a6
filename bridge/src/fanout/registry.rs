//! Who wants which topic of one service. This file knows that there is a lock; what a topic is, stands in
//! [`entry`].
//!
//! A topic is asked for when its first reader joins, and given back when the last has left; what is to be
//! said to the service is worked out from the state of the topic, so that however fast readers come and go,
//! one change at most waits for each.

mod entry;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use causeway_proto::event::Source;
use tokio::sync::{Notify, oneshot};

use self::entry::{Entry, Settled};
use crate::fanout::{
    Topic,
    mailbox::{Loss, Mailbox, Wakes},
    packet::Packet,
};

/// Readers by topic.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    topics: Mutex<Topics>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Topics {
    entries: HashMap<Arc<str>, Entry>,
    /// Topics about which something is to be said to the service, each once.
    dirty: Vec<Arc<str>>,
}

/// Which events of a topic a reader wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interest {
    /// All.
    Everything,
    /// Of a user's topic, what concerns the right to be here.
    Account,
}

/// What is to be said to the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// Events of the topic are wanted, after a position.
    Add(Arc<str>, Option<u64>),
    /// They are not wanted any more.
    Drop(Arc<str>),
}

/// What became of a few events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Published {
    /// So many were passed on; nobody wants the others, or everybody had them.
    pub(crate) events: usize,
    /// So many times one was put into a mailbox.
    pub(crate) deliveries: usize,
    /// Events are missing in between; they are asked for.
    pub(crate) gap: bool,
}

/// A place among the readers, that becomes good when the service has answered.
#[derive(Debug)]
pub(crate) enum Joined {
    /// Events after this position come.
    Live(u64),
    /// The service is being asked; its answer is the position.
    Asked(oneshot::Receiver<u64>),
}

impl Registry {
    /// Adds a reader, and returns the topic's name as it is shared by all readers.
    pub(crate) fn join(
        &self,
        name: Arc<str>,
        mailbox: &Arc<Mailbox>,
        interest: Interest,
    ) -> (Arc<str>, Joined) {
        let mut topics = self.lock();
        let name = topics.entries.get_key_value(&name).map_or(name, |(known, _)| known.clone());
        let joined = topics.entries.entry(name.clone()).or_default().join(mailbox, interest);
        if matches!(joined, Joined::Asked(_)) {
            topics.mark(&name);
            self.changed.notify_one();
        }
        (name, joined)
    }

    /// Takes a reader away.
    pub(crate) fn leave(&self, name: &Arc<str>, mailbox: &Arc<Mailbox>) {
        let mut topics = self.lock();
        let Some(entry) = topics.entries.get_mut(name) else { return };
        entry.leave(mailbox);
        if !entry.is_wanted() {
            topics.mark(name);
            self.changed.notify_one();
        }
    }

    /// Passes events on to everybody who wants them, and then wakes each reader once.
    pub(crate) fn publish(&self, packets: &[Arc<Packet>]) -> Published {
        let mut published = Published::default();
        // Dropped after the lock.
        let mut wakes = Wakes::default();
        let mut topics = self.lock();
        for run in packets.chunk_by(|one, next| one.event().topic == next.event().topic) {
            let Some(first) = run.first() else { continue };
            let Some((name, entry)) = topics.find(&first.event().topic) else { continue };
            let Published { events, deliveries, gap } = entry.publish(run, &mut wakes);
            published.events += events;
            published.deliveries += deliveries;
            if gap {
                published.gap = true;
                topics.mark(&name);
                self.changed.notify_one();
            }
        }
        published
    }

    /// The service answered: events after a position follow. `lost` says that it could not go on where it was
    /// asked to.
    pub(crate) fn added(&self, source: Source, name: &str, after: u64, lost: bool) {
        let mut wakes = Wakes::default();
        let mut topics = self.lock();
        let Some((name, entry)) = topics.find(name) else { return };
        let loss = lost.then(|| Arc::new(Loss { topic: Topic { source, name: name.clone() }, after }));
        entry.added(after, loss.as_ref(), &mut wakes);
        if !entry.is_wanted() {
            topics.mark(&name);
            self.changed.notify_one();
        }
    }

    /// The stream is gone: everything that somebody wants is to be asked for again.
    pub(crate) fn disconnected(&self) {
        let mut guard = self.lock();
        let topics = &mut *guard;
        topics.dirty.clear();
        for (name, entry) in &mut topics.entries {
            entry.disconnected();
            entry.dirty = true;
            topics.dirty.push(name.clone());
        }
        drop(guard);
        self.changed.notify_one();
    }

    /// Waits until something is to be said to the service, and adds it to `into`.
    pub(crate) async fn changes(&self, into: &mut impl Extend<Change>) {
        self.changed.notified().await;
        let mut topics = self.lock();
        for name in std::mem::take(&mut topics.dirty) {
            match topics.entries.get_mut(&name).map(|entry| entry.settle(&name)) {
                Some(Settled::Kept(changes)) => into.extend(changes.into_iter().flatten()),
                Some(Settled::Gone(change)) => {
                    topics.entries.remove(&name);
                    into.extend(change);
                }
                None => {}
            }
        }
    }

    /// The last sequence number of a topic that was passed on, as far as it is known.
    pub(crate) fn position(&self, name: &str) -> Option<u64> {
        self.lock().entries.get(name)?.position()
    }

    fn lock(&self) -> MutexGuard<'_, Topics> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Topics {
    fn find(&mut self, name: &str) -> Option<(Arc<str>, &mut Entry)> {
        let name = self.entries.get_key_value(name)?.0.clone();
        let entry = self.entries.get_mut(&name)?;
        Some((name, entry))
    }

    /// Something is to be said about a topic.
    fn mark(&mut self, name: &Arc<str>) {
        if let Some(entry) = self.entries.get_mut(name)
            && !std::mem::replace(&mut entry.dirty, true)
        {
            self.dirty.push(name.clone());
        }
    }
}

#[cfg(test)]
mod tests;
