//! A node: what is queued for it, and whether it is connected.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use causeway_link::redis::Endpoint;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use super::{Shared, orders::Orders, worker::Worker};
use crate::bus::Envelope;

/// Events that may wait to be sent.
const QUEUE: usize = 8192;

/// What they may come to, in bytes.
const QUEUE_BYTES: usize = 16 << 20;

/// Why an event did not get to Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loss {
    /// Too many wait already.
    Full,
    /// There is no connection.
    Away,
    /// Redis said no.
    Refused,
}

/// A node.
pub(super) struct Link {
    pub(super) id: u64,
    pub(super) endpoint: Endpoint,
    pub(super) orders: Orders,
    /// The connection is of no use any more.
    pub(super) broken: Notify,
    /// The node has no slots any more.
    pub(super) stop: CancellationToken,
    queue: mpsc::Sender<Arc<Envelope>>,
    queued: AtomicUsize,
    is_up: AtomicBool,
    has_lost: AtomicBool,
}

impl Link {
    /// A link whose task is spawned; it ends with `stop`.
    pub(super) fn spawn(shared: &Arc<Shared>, endpoint: Endpoint) -> Arc<Self> {
        let (queue, envelopes) = mpsc::channel(QUEUE);
        let link = Arc::new(Self {
            id: shared.next_link(),
            endpoint,
            orders: Orders::default(),
            broken: Notify::new(),
            stop: shared.stop.child_token(),
            queue,
            queued: AtomicUsize::new(0),
            is_up: AtomicBool::new(false),
            has_lost: AtomicBool::new(false),
        });
        let worker = Worker::new(shared.clone(), link.clone(), envelopes);
        shared.tasks.spawn(link.stop.clone().run_until_cancelled_owned(worker.run()));
        link
    }

    pub(super) fn is_up(&self) -> bool {
        self.is_up.load(Ordering::Acquire)
    }

    /// Queues an event.
    pub(super) fn send(&self, envelope: &Arc<Envelope>) -> Result<(), Loss> {
        let sent = self.try_send(envelope);
        if sent.is_err() {
            self.loses();
        }
        sent
    }

    /// What was queued is not any more.
    pub(super) fn sent(&self, envelope: &Envelope) {
        self.queued.fetch_sub(envelope.event.len(), Ordering::Relaxed);
    }

    /// Something that should have gone there did not.
    pub(super) fn loses(&self) {
        self.has_lost.store(true, Ordering::Release);
    }

    /// Whether something was lost since this was asked last.
    pub(super) fn has_lost(&self) -> bool {
        self.has_lost.swap(false, Ordering::AcqRel)
    }

    pub(super) fn set_up(&self, is_up: bool) {
        self.is_up.store(is_up, Ordering::Release);
    }

    fn try_send(&self, envelope: &Arc<Envelope>) -> Result<(), Loss> {
        if !self.is_up() {
            return Err(Loss::Away);
        }
        let bytes = envelope.event.len();
        if self.queued.fetch_add(bytes, Ordering::Relaxed) + bytes <= QUEUE_BYTES
            && self.queue.try_send(envelope.clone()).is_ok()
        {
            return Ok(());
        }
        self.queued.fetch_sub(bytes, Ordering::Relaxed);
        Err(Loss::Full)
    }
}
