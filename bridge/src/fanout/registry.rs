//! Who wants which topic of one service. This file knows that there is a lock, and how a topic is agreed on with the service.
//!
//! A topic is asked for when its first reader joins, and given back when the last has left; what is to be said to the service
//! is worked out from the state of the topic, so that however fast readers come and go, one change at most waits for each.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use causeway_proto::event::{Event, Source, event::Body};
use tokio::sync::{Notify, oneshot};

use crate::fanout::{
    Topic,
    mailbox::{Delivery, Loss, Mailbox},
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

#[derive(Debug, Default)]
struct Entry {
    readers: Vec<Reader>,
    state: State,
    dirty: bool,
    /// Who joined and waits for the service's answer.
    waiting: Vec<oneshot::Sender<u64>>,
}

#[derive(Debug)]
struct Reader {
    mailbox: Arc<Mailbox>,
    interest: Interest,
    /// It joined before the service answered, so that it has lost nothing when the service says that something is lost.
    fresh: bool,
}

/// Which events of a topic a reader wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interest {
    /// All.
    Everything,
    /// Of a user's topic, what concerns the right to be here.
    Account,
}

/// How far a topic is agreed on with the service.
#[derive(Debug, Clone, Copy, Default)]
enum State {
    /// It is to be asked for.
    #[default]
    New,
    /// It is to be asked for, from a position on.
    Again { after: u64 },
    /// The service skipped something: it is to be dropped, and asked for from the position on.
    Broken { after: u64 },
    /// It has been asked for.
    Asked { after: Option<u64> },
    /// Events flow; this is the last that was passed on.
    Live { position: u64 },
}

/// What is to be said to the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// Events of the topic are wanted, after a position.
    Add(Arc<str>, Option<u64>),
    /// They are not wanted any more.
    Drop(Arc<str>),
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Published {
    /// It was put into this many mailboxes.
    To(usize),
    /// Nobody wants it, or everybody had it.
    Ignored,
    /// Events before it are missing; they are asked for.
    Gap,
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
        let entry = topics.entries.entry(name.clone()).or_default();
        let live = match entry.state {
            State::Live { position } => Some(position),
            State::New | State::Again { .. } | State::Broken { .. } | State::Asked { .. } => None,
        };
        entry.readers.push(Reader { mailbox: mailbox.clone(), interest, fresh: live.is_none() });
        if let Some(position) = live {
            return (name, Joined::Live(position));
        }
        let (sender, receiver) = oneshot::channel();
        entry.waiting.push(sender);
        topics.mark(&name);
        drop(topics);
        self.changed.notify_one();
        (name, Joined::Asked(receiver))
    }

    /// Takes a reader away.
    pub(crate) fn leave(&self, name: &Arc<str>, mailbox: &Arc<Mailbox>) {
        let mut topics = self.lock();
        let Some(entry) = topics.entries.get_mut(name) else { return };
        if let Some(at) = entry.readers.iter().position(|reader| Arc::ptr_eq(&reader.mailbox, mailbox)) {
            entry.readers.swap_remove(at);
        }
        if entry.readers.is_empty() {
            topics.mark(name);
            drop(topics);
            self.changed.notify_one();
        }
    }

    /// Passes an event on to everybody who wants it.
    pub(crate) fn publish(&self, event: Event) -> Published {
        let mut topics = self.lock();
        let Some(entry) = topics.entries.get_mut(event.topic.as_str()) else { return Published::Ignored };
        let State::Live { position } = &mut entry.state else { return Published::Ignored };
        if event.sequence > 0 {
            let after = *position;
            if event.sequence <= after {
                return Published::Ignored;
            }
            if event.sequence > after + 1 {
                entry.state = State::Broken { after };
                topics.mark(&Arc::from(event.topic));
                drop(topics);
                self.changed.notify_one();
                return Published::Gap;
            }
            *position = event.sequence;
        }
        let account = matches!(event.body, Some(Body::UserUpdated(_)));
        let packet = Arc::new(Packet::new(event));
        let mut count = 0;
        for reader in entry.readers.iter().filter(|reader| account || reader.interest == Interest::Everything)
        {
            count += usize::from(reader.mailbox.push(Delivery::Event(packet.clone())));
        }
        Published::To(count)
    }

    /// The service answered: events after a position follow. `lost` says that it could not go on where it was asked to.
    pub(crate) fn added(&self, source: Source, name: &str, after: u64, lost: bool) {
        let mut topics = self.lock();
        let Some((name, _)) = topics.entries.get_key_value(name) else { return };
        let name = name.clone();
        let Some(entry) = topics.entries.get_mut(&name) else { return };
        entry.state = State::Live { position: after };
        if lost {
            let loss = Arc::new(Loss { topic: Topic { source, name: name.clone() }, after });
            for reader in entry.readers.iter().filter(|reader| !reader.fresh) {
                reader.mailbox.push(Delivery::Lost(loss.clone()));
            }
        }
        for reader in &mut entry.readers {
            reader.fresh = false;
        }
        for waiting in entry.waiting.drain(..) {
            // Who went away in the meantime does not wait for the position.
            let _ = waiting.send(after);
        }
        if entry.readers.is_empty() {
            topics.mark(&name);
            drop(topics);
            self.changed.notify_one();
        }
    }

    /// The stream is gone: everything that somebody wants is to be asked for again.
    pub(crate) fn disconnected(&self) {
        let mut topics = self.lock();
        let names: Vec<_> = topics.entries.keys().cloned().collect();
        for name in names {
            if let Some(entry) = topics.entries.get_mut(&name) {
                entry.state = match entry.state {
                    State::Live { position: after }
                    | State::Again { after }
                    | State::Broken { after }
                    | State::Asked { after: Some(after) } => State::Again { after },
                    State::New | State::Asked { after: None } => State::New,
                };
            }
            topics.mark(&name);
        }
        drop(topics);
        self.changed.notify_one();
    }

    /// Waits until something is to be said to the service, and adds it to `into`.
    pub(crate) async fn changes(&self, into: &mut impl Extend<Change>) {
        self.changed.notified().await;
        let mut topics = self.lock();
        let dirty = std::mem::take(&mut topics.dirty);
        into.extend(dirty.into_iter().flat_map(|name| topics.settle(name)).flatten());
    }

    /// The last sequence number of a topic that was passed on, as far as it is known.
    pub(crate) fn position(&self, name: &str) -> Option<u64> {
        match self.lock().entries.get(name)?.state {
            State::Live { position: after }
            | State::Again { after }
            | State::Broken { after }
            | State::Asked { after: Some(after) } => Some(after),
            State::New | State::Asked { after: None } => None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Topics> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Topics {
    fn mark(&mut self, name: &Arc<str>) {
        if let Some(entry) = self.entries.get_mut(name)
            && !std::mem::replace(&mut entry.dirty, true)
        {
            self.dirty.push(name.clone());
        }
    }

    /// What is to be said about a topic, taking it as said.
    fn settle(&mut self, name: Arc<str>) -> [Option<Change>; 2] {
        let Some(entry) = self.entries.get_mut(&name) else { return [None, None] };
        entry.dirty = false;
        match (!entry.readers.is_empty(), entry.state) {
            (true, State::New) => {
                entry.state = State::Asked { after: None };
                [Some(Change::Add(name, None)), None]
            }
            (true, State::Again { after }) => {
                entry.state = State::Asked { after: Some(after) };
                [Some(Change::Add(name, Some(after))), None]
            }
            (true, State::Broken { after }) => {
                entry.state = State::Asked { after: Some(after) };
                [Some(Change::Drop(name.clone())), Some(Change::Add(name, Some(after)))]
            }
            (false, State::New | State::Again { .. }) => {
                self.entries.remove(&name);
                [None, None]
            }
            (false, State::Broken { .. } | State::Live { .. }) => {
                self.entries.remove(&name);
                [Some(Change::Drop(name)), None]
            }
            // The answer that is under way is waited for even when nobody wants it any more: only so is it plain that an
            // answer belongs to the last question.
            (_, State::Asked { .. }) | (true, State::Live { .. }) => [None, None],
        }
    }
}

#[cfg(test)]
mod tests;
