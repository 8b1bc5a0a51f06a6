//! A subscriber's queue, bounded in bytes.

use std::{
    collections::VecDeque,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::{sync::Notify, time::Instant};

use super::Signal;

/// What a queue may hold, in bytes. Beyond it everything in it is dropped, and the subscriber reads the log instead.
const LIMIT: usize = 4 << 20;

/// What a signal costs besides its event.
const OVERHEAD: usize = 128;

#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    filled: Notify,
}

#[derive(Default)]
struct State {
    signals: VecDeque<Signal>,
    bytes: usize,
}

impl Queue {
    /// Adds a signal; the reader learns of it by [`Queue::wake`].
    pub(super) fn push(&self, signal: Signal) {
        let mut state = self.lock();
        let bytes = cost(&signal);
        if state.bytes + bytes > LIMIT {
            state.lag();
        }
        state.bytes += bytes;
        state.signals.push_back(signal);
    }

    /// Has the reader look.
    pub(super) fn wake(&self) {
        self.filled.notify_one();
    }

    /// Drops what is queued, and says so.
    pub(super) fn lag(&self) {
        self.lock().lag();
        self.wake();
    }

    /// Waits for signals and swaps all of them into `taken`, which is empty. For one reader.
    pub(super) async fn swap(&self, taken: &mut VecDeque<Signal>) {
        loop {
            {
                let mut state = self.lock();
                if !state.signals.is_empty() {
                    mem::swap(&mut state.signals, taken);
                    state.bytes = 0;
                    return;
                }
            }
            self.filled.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn lag(&mut self) {
        let since = match self.signals.front() {
            Some(Signal::Lagged { since }) => *since,
            _ => Instant::now(),
        };
        self.signals.clear();
        self.signals.push_back(Signal::Lagged { since });
        self.bytes = OVERHEAD;
    }
}

fn cost(signal: &Signal) -> usize {
    OVERHEAD
        + match signal {
            Signal::Event(envelope) => envelope.event.len() + envelope.topic.len(),
            Signal::Head { .. } | Signal::Check { .. } | Signal::Lagged { .. } => 0,
        }
}
