//! Keeps a lease, and drops the work when it is lost.

use std::{
    future::{pending, poll_fn},
    pin::pin,
    sync::{Arc, LazyLock, Mutex, PoisonError},
    task::Poll,
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

use super::{Fence, LASTS, MARGIN, RENEW};
use crate::{
    error::Error,
    store::{Store, Tx, lease},
};

/// How soon a renewal that failed is tried again.
const AGAIN: Duration = Duration::from_millis(250);

/// A lease that this process has. One that is dropped without [`Held::release`] runs out.
pub(crate) struct Held {
    store: Store,
    name: Arc<str>,
    /// `None` where nobody else can have it.
    term: Option<Term>,
}

struct Term {
    holder: String,
    /// When the work stops unless the lease is renewed before.
    deadline: Mutex<Instant>,
}

impl Held {
    /// One that was asked for at `begun`.
    pub(super) fn since(store: &Store, name: Arc<str>, holder: String, begun: Instant) -> Self {
        let term = Term { holder, deadline: Mutex::new(begun + LASTS - MARGIN) };
        Self { store: store.clone(), name, term: Some(term) }
    }

    /// One of a store that nobody else has.
    pub(super) fn alone(store: &Store, name: Arc<str>) -> Self {
        Self { store: store.clone(), name, term: None }
    }

    /// Lets through what is written while it is held.
    pub(crate) fn fence(&self) -> Fence {
        let lease = self.term.as_ref().map(|term| Arc::new((self.name.clone(), term.holder.clone())));
        Fence { lease }
    }

    /// Does the work while the lease is held, which is renewed meanwhile; `None`: it was lost, and the work is dropped.
    pub(crate) async fn run<F: Future>(&self, work: F) -> Option<F::Output> {
        self.run_beside(work, pending(), String::new).await
    }

    /// The same, with a note for the others at each renewal, until the work or `attendance` ends: then the lease counts as lost.
    pub(crate) async fn run_beside<F: Future>(
        &self,
        work: F,
        attendance: impl Future<Output = ()>,
        note: impl Fn() -> String,
    ) -> Option<F::Output> {
        let Some(term) = &self.term else { return Some(work.await) };
        let mut work = pin!(work);
        // A process that was paused may find its work ready before its timer: time is looked at first.
        let guarded = poll_fn(|context| match term.is_over() {
            true => Poll::Ready(None),
            false => work.as_mut().poll(context).map(Some),
        });
        let done = tokio::select! {
            biased;
            () = self.keep(term, note) => None,
            () = attendance => None,
            done = guarded => done,
        };
        if done.is_none() {
            tracing::warn!(lease = &*self.name, "a lease is lost: its work goes on elsewhere, or here later");
        }
        done
    }

    /// What another process asks of this one, in its words; `None`: the lease is another's.
    pub(crate) async fn wanted(&self) -> Result<Option<String>, Error> {
        let Some(term) = &self.term else { return Ok(Some(String::new())) };
        let name = self.name.clone();
        let entry = self.store.read(move |reader| lease::get(reader, &name)).await?;
        Ok(entry.filter(|entry| entry.holder == term.holder).map(|entry| entry.wanted))
    }

    /// Renews until it cannot be done in time.
    async fn keep(&self, term: &Term, note: impl Fn() -> String) {
        let mut next = tick();
        loop {
            tokio::select! {
                () = sleep_until(term.deadline()) => return,
                () = sleep_until(next) => {}
            }
            let begun = Instant::now();
            let renewed = tokio::select! {
                () = sleep_until(term.deadline()) => return,
                renewed = self.renew(term, note()) => renewed,
            };
            match renewed {
                Ok(true) => {
                    term.extend(begun + LASTS - MARGIN);
                    next = tick();
                }
                Ok(false) => return,
                Err(error) => {
                    tracing::debug!(lease = &*self.name, %error, "a lease is not renewed");
                    next = Instant::now() + AGAIN;
                }
            }
        }
    }

    async fn renew(&self, term: &Term, note: String) -> Result<bool, Error> {
        let (name, holder) = (self.name.clone(), term.holder.clone());
        self.store.write(move |tx| lease::renew(tx, &name, &holder, until(tx), &note)).await
    }

    /// Gives it up, so that another process goes on at once.
    pub(crate) async fn release(self) {
        if self.term.is_some() {
            self.release_with(|_| Ok(())).await;
        }
    }

    /// Gives it up and does `job` in the same transaction, unless it is another's by now.
    pub(crate) async fn release_with(
        self,
        job: impl FnOnce(&mut Tx<'_>) -> Result<(), Error> + Send + 'static,
    ) {
        let (name, holder) = (self.name.clone(), self.term.map(|term| term.holder));
        let released = self.store.write(move |tx| match holder {
            None => job(tx),
            Some(holder) if lease::is_held(tx, &name, &holder)? => {
                job(tx)?;
                lease::release(tx, &name, &holder)
            }
            Some(_) => Ok(()),
        });
        if let Err(error) = released.await {
            tracing::debug!(lease = &*self.name, %error, "a lease is not given up: it runs out");
        }
    }
}

impl Term {
    fn deadline(&self) -> Instant {
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn extend(&self, deadline: Instant) {
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner) = deadline;
    }

    fn is_over(&self) -> bool {
        Instant::now() >= self.deadline()
    }
}

/// Until when a lease would last that is written now, in microseconds since the epoch.
pub(super) fn until(tx: &Tx<'_>) -> i64 {
    tx.now_micros().saturating_add(i64::try_from(LASTS.as_micros()).unwrap_or(i64::MAX))
}

/// When leases are renewed next: all of a process at the same time, so that they share a commit.
fn tick() -> Instant {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let since = START.elapsed().as_millis() / RENEW.as_millis();
    *START + RENEW * u32::try_from(since + 1).unwrap_or(u32::MAX)
}
