//! Keeps the search index close behind the messages: in batches a little after they are sent, and at once before a search.

use std::{ops::RangeInclusive, sync::Arc, time::Duration};

use causeway_kit::{Error, Store};
use tokio::{sync::Notify, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::{messages, search};

/// How long messages gather before they are indexed together.
const GATHER: Duration = Duration::from_secs(1);

/// Messages indexed in one write job, which other writes wait for: a part of those that wait, so that a little is indexed in
/// small steps that nobody notices and much is caught up with.
const BATCH: RangeInclusive<i64> = 20..=100;
const PART: i64 = 32;

/// How long to wait after the store refused a write.
const PAUSE: Duration = Duration::from_secs(5);

/// The way to the index.
pub(crate) struct Indexer {
    store: Store,
    sent: Notify,
}

impl Indexer {
    /// An indexer that does nothing until [`Indexer::run`] or [`Indexer::catch_up`].
    pub(crate) fn new(store: Store) -> Self {
        Self { store, sent: Notify::new() }
    }

    /// Says that there are new messages.
    pub(crate) fn wake(&self) {
        self.sent.notify_one();
    }

    /// Indexes every message that is stored now.
    pub(crate) async fn catch_up(&self) -> Result<(), Error> {
        let head = self.store.read(messages::head).await?;
        loop {
            let waiting = head - self.store.read(search::indexed).await?;
            if waiting <= 0 {
                return Ok(());
            }
            let batch = (waiting / PART).clamp(*BATCH.start(), *BATCH.end());
            self.store.write(move |tx| search::index_next(tx, batch)).await?;
        }
    }

    /// Catches up at the start and after new messages, until `stop`.
    pub(crate) async fn run(self: Arc<Self>, stop: CancellationToken) {
        let work = async {
            loop {
                if let Err(error) = self.catch_up().await {
                    tracing::warn!(%error, "messages could not be indexed; search will find them later");
                    sleep(PAUSE).await;
                    continue;
                }
                self.sent.notified().await;
                sleep(GATHER).await;
            }
        };
        stop.run_until_cancelled(work).await;
    }
}
