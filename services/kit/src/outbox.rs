//! Carries out what a service owes others: see [`crate::store::Tx::owe`].
//!
//! An item is owed in the transaction that causes it, and stays until it is carried out or given up. It may be carried out
//! twice, when the process dies in between: the handler makes its call with an idempotency key. The items of a kind have one
//! owner, by a [`crate::lease`] where several processes have the store, so what is in hand needs no mark in the database: after a
//! crash it is simply due again, for whoever owns the kind then.

use std::{
    future::Future,
    pin::pin,
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;

use crate::{
    error::{Error, chain},
    lease::{self, Fence, Lease},
    store::{
        Store,
        owed::{self, Mark},
        signal::OwedSignal,
    },
};

pub(crate) mod measure;
mod options;
#[cfg(test)]
mod tests;

use measure::OutboxMeasure;
pub use options::Options;

/// However quiet it is, the table is looked at this often: the wall clock may have been set. Where other processes owe as well, it
/// is looked at as often as they may go unheard.
const LOOK: Duration = Duration::from_secs(30);

/// How long to leave the store alone after it failed.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// Something owed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its number in the outbox.
    pub id: i64,
    /// What it is about; several items may have the same.
    pub key: String,
    /// What whoever owed it wrote.
    pub payload: Vec<u8>,
    /// How often it was tried before.
    pub attempts: u32,
}

/// What became of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is carried out, and forgotten.
    Done,
    /// It is tried again.
    Retry {
        /// Why, for whoever looks into the outbox.
        reason: String,
        /// How long to wait; `None`: longer with each attempt, with jitter.
        after: Option<Duration>,
    },
    /// It can never be carried out. It stays, with the reason, and is not tried again.
    Dead(String),
}

impl Outcome {
    /// Tries again, later with each attempt.
    pub fn retry(reason: impl Into<String>) -> Self {
        Self::Retry { reason: reason.into(), after: None }
    }
}

/// Carries out the items of one kind until `stop`, while no other process does. `handler` gets due items, oldest first, and answers
/// an outcome for each, in the same order; an item without an answer is tried again. One at a time for each kind: batches do not
/// overlap. A handler's future is dropped when this process loses the kind to another.
pub async fn run<H, F>(
    store: Store,
    kind: &'static str,
    options: Options,
    stop: CancellationToken,
    mut handler: H,
) where
    H: FnMut(Vec<Item>) -> F + Send,
    F: Future<Output = Vec<Outcome>> + Send,
{
    let lease = Lease::new(&store, format!("outbox/{kind}"));
    while let Some(held) = lease.take(&stop).await {
        let mut worker = Worker::new(&store, kind, &options, held.fence());
        let done = held.run(worker.work(&stop, &mut handler)).await;
        held.release().await;
        if done.is_some() {
            return;
        }
    }
}

struct Worker {
    store: Store,
    kind: &'static str,
    options: Options,
    owed: OwedSignal,
    measure: OutboxMeasure,
    fence: Fence,
}

impl Worker {
    fn new(store: &Store, kind: &'static str, options: &Options, fence: Fence) -> Self {
        let measure = store.metrics().outboxes.of(kind);
        let (owed, store) = (store.owed(), store.clone());
        Self { store, kind, options: options.clone(), owed, measure, fence }
    }

    /// Works until the stop.
    async fn work<H, F>(&mut self, stop: &CancellationToken, handler: &mut H)
    where
        H: FnMut(Vec<Item>) -> F + Send,
        F: Future<Output = Vec<Outcome>> + Send,
    {
        while !stop.is_cancelled() {
            let pause = match self.turn(stop, handler).await {
                Ok(pause) => pause,
                Err(error) => {
                    let (kind, error) = (self.kind, chain(&error));
                    tracing::warn!(kind, %error, "the outbox cannot be read or marked");
                    STORE_PAUSE
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
                () = self.gathered() => {}
            }
        }
    }

    /// Waits until something is owed, and then for what comes right behind it.
    async fn gathered(&mut self) {
        self.owed.next().await;
        tokio::time::sleep(self.options.gather).await;
    }

    /// Works off what is due, and says how long there is nothing to do.
    async fn turn<H, F>(&mut self, stop: &CancellationToken, handler: &mut H) -> Result<Duration, Error>
    where
        H: FnMut(Vec<Item>) -> F + Send,
        F: Future<Output = Vec<Outcome>> + Send,
    {
        let (kind, limit) = (self.kind, self.options.batch);
        while !stop.is_cancelled() {
            self.owed.mark_seen();
            let now = self.store.clock().now_micros();
            let items = self.store.read(move |reader| owed::due(reader, kind, now, limit)).await?;
            if items.is_empty() {
                return self.wait(now).await;
            }
            let started = Instant::now();
            let ids: Vec<_> = items.iter().map(|item| (item.id, item.attempts)).collect();
            let Some(outcomes) = self.finish(stop, handler(items)).await else { break };
            self.settle(ids, outcomes).await?;
            self.measure.batch(started.elapsed());
        }
        Ok(self.look())
    }

    /// How long until the next item is due.
    async fn wait(&self, now: i64) -> Result<Duration, Error> {
        let kind = self.kind;
        let next = self.store.read(move |reader| owed::next_due(reader, kind)).await?;
        let micros = next.map_or(u64::MAX, |at| u64::try_from(at.saturating_sub(now)).unwrap_or(0));
        Ok(Duration::from_micros(micros).min(self.look()))
    }

    /// However quiet it is, the table is looked at this often.
    fn look(&self) -> Duration {
        if self.store.is_shared() { lease::LOOK } else { LOOK }
    }

    /// Lets the handler finish, also for a while after the stop; `None` when it did not.
    async fn finish<F: Future>(&self, stop: &CancellationToken, batch: F) -> Option<F::Output> {
        let mut batch = pin!(batch);
        tokio::select! {
            output = &mut batch => Some(output),
            () = stop.cancelled() => tokio::time::timeout(self.options.grace, batch).await.ok(),
        }
    }

    /// Writes the outcomes down; in one transaction, so that a batch costs one commit.
    async fn settle(&self, ids: Vec<(i64, u32)>, outcomes: Vec<Outcome>) -> Result<(), Error> {
        let now = self.store.clock().now_micros();
        let mut outcomes = outcomes.into_iter();
        let marks: Vec<_> = ids
            .into_iter()
            .map(|(id, attempts)| {
                let outcome = outcomes.next().unwrap_or_else(|| Outcome::retry("not answered"));
                (id, self.mark(outcome, attempts, now))
            })
            .collect();
        let fence = self.fence.clone();
        let write = self.store.write(move |tx| {
            fence.check(tx)?;
            marks.iter().try_for_each(|(id, mark)| owed::mark(tx, *id, mark))?;
            Ok(marks)
        });
        write.await?.iter().for_each(|(_, mark)| self.measure.mark(mark));
        Ok(())
    }

    fn mark(&self, outcome: Outcome, attempts: u32, now: i64) -> Mark {
        let (reason, after) = match outcome {
            Outcome::Done => return Mark::Done,
            Outcome::Dead(reason) => {
                tracing::warn!(kind = self.kind, reason, "an owed item is given up");
                return Mark::Dead { reason };
            }
            Outcome::Retry { reason, after } => (reason, after),
        };
        if self.options.attempts.is_some_and(|most| attempts + 1 >= most) {
            tracing::warn!(kind = self.kind, reason, "an owed item is given up after too many attempts");
            return Mark::Dead { reason };
        }
        let wait = after.unwrap_or_else(|| self.options.backoff(attempts));
        let wait = i64::try_from(wait.as_micros()).unwrap_or(i64::MAX);
        Mark::Due { at: now.saturating_add(wait), reason }
    }
}
