//! The task that carries bulk messages out, group by group, and the stream that tells how far one is.
//!
//! Of several processes of the service one carries out, by a lease. The others wake it, and follow the database.

use std::{sync::Arc, time::Duration};

use causeway_kit::{
    Error, Store,
    bus::Wakes,
    lease::{Fence, LOOK, Lease},
};
use causeway_proto::notification::{Bulk, WatchBulkResponse};
use futures_util::{Stream, stream};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use crate::{bulk, counters::Counters};

/// How long to wait after a group that could not be stored.
const RETRY: Duration = Duration::from_secs(1);

/// What couriers of other processes are woken by.
const KIND: &str = "bulk";

/// How the task is woken, and how it tells that a message moved. Cloning is cheap.
#[derive(Clone)]
pub(crate) struct Courier {
    store: Store,
    wake: Arc<Notify>,
    moves: watch::Sender<u64>,
    stop: CancellationToken,
}

impl Courier {
    /// A courier that sleeps until [`Courier::run`].
    pub(crate) fn new(store: Store, stop: CancellationToken) -> Self {
        Self { store, wake: Arc::default(), moves: watch::Sender::new(0), stop }
    }

    /// A bulk message was started or cancelled. To be called from within the job that does it: a caller that
    /// goes away before the job is answered must not leave the message lying, and what the courier asks of
    /// the store comes after that job.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
        if self.store.is_shared() {
            self.store.bus().wake(KIND);
        }
    }

    /// Carries out what is under way, until `stop` and while no other process does: first of all what was
    /// under way when the service last stopped.
    pub(crate) async fn run(self, group: usize, counters: Counters) {
        let lease = Lease::new(&self.store, KIND);
        lease.keep_at(&self.stop, |fence| self.carry_out(fence, group, &counters)).await;
    }

    async fn carry_out(&self, fence: Fence, group: usize, counters: &Counters) {
        let mut wakes = self.store.is_shared().then(|| self.store.bus().wakes(KIND));
        let mut failing = false;
        while !self.stop.is_cancelled() {
            let fence = fence.clone();
            let step = self.store.write(move |tx| {
                fence.check(tx)?;
                bulk::step(tx, group)
            });
            let step = step.await;
            if let Err(error) = &step
                && !failing
            {
                tracing::warn!(%error, "bulk messages wait, because they cannot be stored");
            }
            failing = step.is_err();
            // Also when there was nothing to carry out: a message may have been cancelled.
            self.moves.send_modify(|moves| *moves = moves.wrapping_add(1));
            match step {
                Ok(Some(notified)) => counters.bulk(notified),
                Ok(None) => self.pause(self.woken(wakes.as_mut())).await,
                Err(_) => self.pause(tokio::time::sleep(RETRY)).await,
            }
        }
    }

    /// Waits until there may be something to carry out. What other processes say may be lost, so it is looked
    /// for as well.
    async fn woken(&self, wakes: Option<&mut Wakes>) {
        let Some(wakes) = wakes else { return self.wake.notified().await };
        loop {
            tokio::select! {
                () = self.wake.notified() => return,
                () = wakes.next() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
            // A failure is told by whoever tries to carry out.
            if self.store.read(bulk::is_under_way).await.unwrap_or(true) {
                return;
            }
        }
    }

    async fn pause(&self, until: impl Future<Output = ()>) {
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = until => {}
        }
    }

    /// How far a bulk message is: at once, whenever it moved, and for the last time when it has ended.
    /// Whoever reads slowly misses steps and not the end.
    pub(crate) async fn watch(
        &self,
        id: i64,
    ) -> Result<impl Stream<Item = Result<WatchBulkResponse, Status>> + Send + use<>, Error> {
        let moves = self.moves.subscribe();
        let bulk = self.store.read(move |reader| bulk::get(reader, id)).await?;
        let progress = Progress { courier: self.clone(), moves, id, told: None, next: Some(bulk) };
        Ok(stream::try_unfold(progress, |mut progress| async move {
            let bulk = progress.next().await?;
            Ok(bulk.map(|bulk| (WatchBulkResponse { bulk: Some(bulk) }, progress)))
        }))
    }
}

/// A bulk message that is watched.
struct Progress {
    courier: Courier,
    moves: watch::Receiver<u64>,
    id: i64,
    told: Option<Bulk>,
    next: Option<Bulk>,
}

impl Progress {
    /// Where it stands once that is something new; `None` when its end was told.
    async fn next(&mut self) -> Result<Option<Bulk>, Error> {
        if self.told.as_ref().is_some_and(bulk::has_ended) {
            return Ok(None);
        }
        loop {
            if let Some(bulk) = self.next.take() {
                self.told = Some(bulk);
                return Ok(Some(bulk));
            }
            let moved = tokio::select! {
                () = self.courier.stop.cancelled() => false,
                moved = self.moves.changed() => moved.is_ok(),
                // Another process may carry it out.
                () = tokio::time::sleep(LOOK), if self.courier.store.is_shared() => true,
            };
            if !moved {
                return Err(Error::unavailable("the notification service is stopping"));
            }
            let id = self.id;
            let bulk = self.courier.store.read(move |reader| bulk::get(reader, id)).await?;
            self.next = Some(bulk).filter(|bulk| self.told.as_ref() != Some(bulk));
        }
    }
}
