//! What waits for one socket: bounded in bytes, woken once, and emptied in batches.
//!
//! A reader who is too slow finds the mailbox overflowed: what waited is gone, and nothing more is taken until
//! [`Mailbox::restart`]. Nobody else waits for it.

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

/// A queue that has grown above this is given back once it is empty.
const KEPT: usize = 64;

impl Mailbox {
    /// A mailbox in which at most `limit` bytes wait.
    pub(crate) fn new(limit: usize, waiting: Gauge) -> Self {
        Self { limit, waiting, state: Mutex::default() }
    }

    /// Puts something in; false when it does not wait there now. Over the limit everything is thrown away.
    pub(crate) fn push(&self, delivery: Delivery) -> bool {
        let mut state = self.lock();
        if state.overflowed {
            return false;
        }
        state.bytes += delivery.bytes();
        if state.bytes > self.limit {
            state.overflowed = true;
            self.empty(&mut state);
        } else {
            state.queue.push_back(delivery);
        }
        let (accepted, waker) = (!state.overflowed, state.wake_up());
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        accepted
    }

    /// Waits until there is something and moves up to `most` of it to `into`. Nothing is lost when it is given up early.
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
mod tests {
    use causeway_proto::event::Source;
    use futures_util::FutureExt;

    use super::*;

    fn lost(bytes: usize) -> Delivery {
        let topic = Topic { source: Source::Chat, name: "x".repeat(bytes).into() };
        Delivery::Lost(Arc::new(Loss { topic, after: 0 }))
    }

    fn mailbox(limit: usize) -> Mailbox {
        Mailbox::new(limit, Gauge::default())
    }

    fn take(mailbox: &Mailbox, most: usize) -> Option<Result<usize, Overflow>> {
        let mut into = Vec::new();
        mailbox.take(&mut into, most).now_or_never().map(|result| result.map(|()| into.len()))
    }

    #[test]
    fn mail_is_taken_in_batches() {
        let mailbox = mailbox(100);
        assert_eq!(take(&mailbox, 2), None);
        for _ in 0..3 {
            mailbox.push(lost(1));
        }
        assert_eq!(take(&mailbox, 2), Some(Ok(2)));
        assert_eq!(take(&mailbox, 2), Some(Ok(1)));
        assert_eq!(take(&mailbox, 2), None);
    }

    #[test]
    fn what_was_taken_makes_room() {
        let mailbox = mailbox(100);
        for _ in 0..10 {
            mailbox.push(lost(60));
            assert_eq!(take(&mailbox, 1), Some(Ok(1)));
        }
    }

    #[test]
    fn over_the_limit_everything_is_gone_until_it_starts_again() {
        let mailbox = mailbox(100);
        mailbox.push(lost(60));
        mailbox.push(lost(60));
        mailbox.push(lost(1));
        assert_eq!(take(&mailbox, 9), Some(Err(Overflow)));
        mailbox.restart();
        assert_eq!(take(&mailbox, 9), None);
        mailbox.push(lost(1));
        assert_eq!(take(&mailbox, 9), Some(Ok(1)));
    }

    #[tokio::test]
    async fn a_waiting_reader_is_woken() {
        let mailbox = Arc::new(mailbox(100));
        let reader = tokio::spawn({
            let mailbox = mailbox.clone();
            async move { mailbox.take(&mut Vec::new(), 1).await }
        });
        tokio::task::yield_now().await;
        mailbox.push(lost(1));
        assert!(reader.await.is_ok_and(|taken| taken.is_ok()));
    }

    #[tokio::test]
    async fn a_writing_reader_is_woken_for_an_overflow_only() {
        let mailbox = Arc::new(mailbox(100));
        let writer = tokio::spawn({
            let mailbox = mailbox.clone();
            async move { mailbox.overflow().await }
        });
        tokio::task::yield_now().await;
        mailbox.push(lost(60));
        tokio::task::yield_now().await;
        assert!(!writer.is_finished());
        mailbox.push(lost(60));
        assert!(writer.await.is_ok());
    }
}
