//! What waits for one socket: bounded in bytes, woken once, and emptied in batches.
//!
//! A reader who is too slow finds the mailbox overflowed: what waited is gone, and nothing more is taken
//! until [`Mailbox::restart`]. Nobody else waits for it. Too slow is whose peer does not read; a reader whose turn has not
//! come yet, because much happened at once, has room for more.

use std::{
    collections::VecDeque,
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use prometheus_client::metrics::gauge::Gauge;

use crate::fanout::{Topic, packet::Packet};

/// What a socket is given.
#[derive(Debug, Clone)]
pub(crate) enum Delivery {
    /// Something happened.
    Event(Arc<Packet>),
    /// Something happened that is not kept any more.
    Lost(Arc<Loss>),
}

/// A hole in a topic, as far as one reader is concerned.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Loss {
    /// Where.
    pub(crate) topic: Topic,
    /// Events after this sequence number follow.
    pub(crate) after: u64,
}

/// The reader was too slow; what waited is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Overflow;

/// What waits for one socket.
#[derive(Debug)]
pub(crate) struct Mailbox {
    limit: usize,
    /// What waits in all mailboxes together: counted up by who publishes, and down here.
    waiting: Gauge,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Delivery>,
    bytes: usize,
    overflowed: bool,
    reader: Reader,
}

/// What the reader is to be woken for. While it writes, only an overflow concerns it.
#[derive(Debug, Default)]
enum Reader {
    #[default]
    Awake,
    WaitsForMail(Waker),
    WaitsForOverflow(Waker),
}

/// Readers that are to be woken, each once and all together, when this is dropped: by then what came together lies together
/// in their mailboxes, and goes out with one write.
#[derive(Debug, Default)]
pub(crate) struct Wakes(Vec<Waker>);

impl Drop for Wakes {
    fn drop(&mut self) {
        self.0.drain(..).for_each(Waker::wake);
    }
}

/// How many times the limit may wait for a reader whose peer reads.
const TURN: usize = 4;

/// A queue that has grown above this is given back once it is empty.
const KEPT: usize = 64;

impl Mailbox {
    /// A mailbox in which at most `limit` bytes wait for a peer that does not read.
    pub(crate) fn new(limit: usize, waiting: Gauge) -> Self {
        Self { limit, waiting, state: Mutex::default() }
    }

    /// Puts mail in, and returns how much of it was taken. Over the limit everything is thrown away, and
    /// nothing more is taken.
    pub(crate) fn push(&self, mail: impl IntoIterator<Item = Delivery>, wakes: &mut Wakes) -> usize {
        let mut state = self.lock();
        let mut accepted = 0;
        for delivery in mail {
            if state.overflowed {
                break;
            }
            state.bytes += delivery.bytes();
            if state.bytes > self.limit_for(&state.reader) {
                state.overflowed = true;
                self.empty(&mut state);
            } else {
                state.queue.push_back(delivery);
                accepted += 1;
            }
        }
        if accepted > 0 || state.overflowed {
            wakes.0.extend(state.wake_up());
        }
        accepted
    }

    /// Waits until there is something and moves up to `most` of it to `into`. Nothing is lost when it is
    /// given up early.
    pub(crate) async fn take(&self, into: &mut Vec<Delivery>, most: usize) -> Result<(), Overflow> {
        poll_fn(|context| self.poll_take(context, into, most)).await
    }

    fn poll_take(
        &self,
        context: &mut Context<'_>,
        into: &mut Vec<Delivery>,
        most: usize,
    ) -> Poll<Result<(), Overflow>> {
        let mut state = self.lock();
        if state.overflowed {
            return Poll::Ready(Err(Overflow));
        }
        if state.queue.is_empty() {
            state.reader = Reader::WaitsForMail(context.waker().clone());
            return Poll::Pending;
        }
        state.reader = Reader::Awake;
        let count = most.min(state.queue.len());
        let before = into.len();
        into.extend(state.queue.drain(..count));
        state.bytes -= into[before..].iter().map(Delivery::bytes).sum::<usize>();
        if state.queue.is_empty() && state.queue.capacity() > KEPT {
            state.queue = VecDeque::new();
        }
        self.waiting.dec_by(into[before..].len() as i64);
        Poll::Ready(Ok(()))
    }

    /// Waits for an overflow and for nothing else.
    pub(crate) async fn overflow(&self) {
        poll_fn(|context| {
            let mut state = self.lock();
            if state.overflowed {
                return Poll::Ready(());
            }
            state.reader = Reader::WaitsForOverflow(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Whether it has overflowed.
    pub(crate) fn overflowed(&self) -> bool {
        self.lock().overflowed
    }

    /// Takes mail again after an overflow, from now on.
    pub(crate) fn restart(&self) {
        let mut state = self.lock();
        self.empty(&mut state);
        state.overflowed = false;
    }

    fn limit_for(&self, reader: &Reader) -> usize {
        match reader {
            Reader::WaitsForOverflow(_) => self.limit,
            Reader::Awake | Reader::WaitsForMail(_) => self.limit.saturating_mul(TURN),
        }
    }

    fn empty(&self, state: &mut State) {
        self.waiting.dec_by(state.queue.len() as i64);
        state.queue = VecDeque::new();
        state.bytes = 0;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        let waiting = self.lock().queue.len();
        self.waiting.dec_by(waiting as i64);
    }
}

impl State {
    fn wake_up(&mut self) -> Option<Waker> {
        match (std::mem::take(&mut self.reader), self.overflowed) {
            (Reader::WaitsForMail(waker), _) | (Reader::WaitsForOverflow(waker), true) => Some(waker),
            (waiting @ Reader::WaitsForOverflow(_), false) => {
                self.reader = waiting;
                None
            }
            (Reader::Awake, _) => None,
        }
    }
}

impl Delivery {
    fn bytes(&self) -> usize {
        match self {
            Self::Event(packet) => packet.bytes(),
            Self::Lost(loss) => loss.topic.name.len(),
        }
    }
}

#[cfg(test)]
mod tests;
