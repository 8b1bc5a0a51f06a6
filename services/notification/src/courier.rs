//! The task that carries bulk messages out, group by group, and the stream that tells how far one is.

use std::{sync::Arc, time::Duration};

use causeway_kit::{Error, Store};
use causeway_proto::notification::{Bulk, WatchBulkResponse};
use futures_util::{Stream, stream};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use crate::{bulk, counters::Counters};

/// How long to wait after a group that could not be stored.
const RETRY: Duration = Duration::from_secs(1);

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
    }

    /// Carries out what is under way, until `stop`: first of all what was under way when the service last
    /// stopped.
    pub(crate) async fn run(self, group: usize, counters: Counters) {
        let mut failing = false;
        while !self.stop.is_cancelled() {
            let step = self.store.write(move |tx| bulk::step(tx, group)).await;
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
                Ok(None) => self.pause(self.wake.notified()).await,
                Err(_) => self.pause(tokio::time::sleep(RETRY)).await,
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
