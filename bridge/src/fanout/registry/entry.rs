//! One topic: its readers, and how far it is agreed on with the service.

use std::sync::Arc;

use causeway_proto::event::event::Body;
use tokio::sync::oneshot;

use super::{Change, Interest, Joined, Published};
use crate::fanout::{
    mailbox::{Delivery, Loss, Mailbox, Wakes},
    packet::Packet,
};

/// A topic that somebody wants, or that is being given back.
#[derive(Debug, Default)]
pub(super) struct Entry {
    readers: Vec<Reader>,
    state: State,
    /// Something is to be said to the service.
    pub(super) dirty: bool,
    /// Who joined and waits for the service's answer.
    waiting: Vec<oneshot::Sender<u64>>,
}

#[derive(Debug)]
struct Reader {
    mailbox: Arc<Mailbox>,
    interest: Interest,
    /// It joined before the service answered, so that it has lost nothing when the service says that
    /// something is lost.
    fresh: bool,
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

impl Reader {
    fn wants(&self, packet: &Packet) -> bool {
        self.interest == Interest::Everything || matches!(packet.event().body, Some(Body::UserUpdated(_)))
    }
}

impl State {
    /// Whether an event is the next, or has no place in the order.
    fn advance(&mut self, sequence: u64) -> bool {
        let Self::Live { position } = self else { return false };
        let after = *position;
        let next = sequence == after + 1;
        if next {
            *position = sequence;
        } else if sequence > after {
            *self = Self::Broken { after };
        }
        next || sequence == 0
    }
}

/// What becomes of a topic once what there is to say has been said.
pub(super) enum Settled {
    /// It stays.
    Kept([Option<Change>; 2]),
    /// Nobody wants it.
    Gone(Option<Change>),
}

impl Entry {
    pub(super) fn is_wanted(&self) -> bool {
        !self.readers.is_empty()
    }

    /// The last sequence number that was passed on, as far as it is known.
    pub(super) fn position(&self) -> Option<u64> {
        match self.state {
            State::Live { position: after }
            | State::Again { after }
            | State::Broken { after }
            | State::Asked { after: Some(after) } => Some(after),
            State::New | State::Asked { after: None } => None,
        }
    }

    pub(super) fn join(&mut self, mailbox: &Arc<Mailbox>, interest: Interest) -> Joined {
        let live = matches!(self.state, State::Live { .. });
        self.readers.push(Reader { mailbox: mailbox.clone(), interest, fresh: !live });
        if let State::Live { position } = self.state {
            return Joined::Live(position);
        }
        let (sender, receiver) = oneshot::channel();
        self.waiting.push(sender);
        Joined::Asked(receiver)
    }

    pub(super) fn leave(&mut self, mailbox: &Arc<Mailbox>) {
        if let Some(at) = self.readers.iter().position(|reader| Arc::ptr_eq(&reader.mailbox, mailbox)) {
            self.readers.swap_remove(at);
        }
    }

    /// Passes on those of a few events that are new. After a gap nothing is passed on until the service has
    /// answered again.
    pub(super) fn publish(&mut self, packets: &[Arc<Packet>], wakes: &mut Wakes) -> Published {
        let was_live = matches!(self.state, State::Live { .. });
        let news: Vec<_> =
            packets.iter().filter(|packet| self.state.advance(packet.event().sequence)).collect();
        let readers = if news.is_empty() { &[][..] } else { &self.readers };
        let mail = |reader: &Reader| {
            let wanted = news.iter().filter(|packet| reader.wants(packet));
            reader.mailbox.push(wanted.map(|packet| Delivery::Event(Arc::clone(packet))), wakes)
        };
        Published {
            events: news.len(),
            deliveries: readers.iter().map(mail).sum(),
            gap: was_live && matches!(self.state, State::Broken { .. }),
        }
    }

    /// The service answered: events after a position follow. Readers who were there before are told of a
    /// `loss`.
    pub(super) fn added(&mut self, after: u64, loss: Option<&Arc<Loss>>, wakes: &mut Wakes) {
        self.state = State::Live { position: after };
        for reader in &mut self.readers {
            if let Some(loss) = loss.filter(|_| !reader.fresh) {
                reader.mailbox.push([Delivery::Lost(loss.clone())], wakes);
            }
            reader.fresh = false;
        }
        for waiting in std::mem::take(&mut self.waiting) {
            // Who went away in the meantime does not wait for the position.
            let _ = waiting.send(after);
        }
    }

    /// The stream is gone.
    pub(super) fn disconnected(&mut self) {
        self.state = self.position().map_or(State::New, |after| State::Again { after });
    }

    /// What is to be said about the topic, taking it as said.
    pub(super) fn settle(&mut self, name: &Arc<str>) -> Settled {
        let (add, give_back) =
            (|after| Some(Change::Add(name.clone(), after)), || Some(Change::Drop(name.clone())));
        self.dirty = false;
        match (self.is_wanted(), self.state) {
            (true, State::New) => {
                self.state = State::Asked { after: None };
                Settled::Kept([add(None), None])
            }
            (true, State::Again { after }) => {
                self.state = State::Asked { after: Some(after) };
                Settled::Kept([add(Some(after)), None])
            }
            (true, State::Broken { after }) => {
                self.state = State::Asked { after: Some(after) };
                Settled::Kept([give_back(), add(Some(after))])
            }
            (false, State::New | State::Again { .. }) => Settled::Gone(None),
            (false, State::Broken { .. } | State::Live { .. }) => Settled::Gone(give_back()),
            // The answer that is under way is waited for even when nobody wants it any more: only so is it
            // plain that an answer belongs to the last question.
            (_, State::Asked { .. }) | (true, State::Live { .. }) => Settled::Kept([None, None]),
        }
    }
}
