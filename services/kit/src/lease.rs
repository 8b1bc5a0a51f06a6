//! Leases: of the processes that have a store, one at a time does a piece of work in the background.
//!
//! Whoever has a [`Lease`] renews it every `RENEW`. Who waits for it looks at it every `LOOK`, and takes it when it is given up,
//! or when it was not renewed for as long as it `LASTS` on the clock of who waits. The owner counts from before each renewal, and
//! stops a `MARGIN` earlier; so there are never two, however a clock is set and whoever is paused. A piece of work that lost its
//! lease is dropped where it stands. What it writes it writes with a [`Fence`], which the database keeps: a write that was on its
//! way as the lease was lost does nothing.
//!
//! A store that only this process has needs none of it: there the work just runs, and no lease is written.
//!
//! `candidate` waits, `held` keeps; the SQL is in `store/lease.rs`.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use crate::{
    error::{Error, chain},
    store::{Reader, Store, lease},
};

mod candidate;
mod held;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use candidate::{Candidate, Standing};
pub(crate) use held::Held;

/// How long a lease lasts without being renewed: so long that a renewal may wait for the longest transaction of another process,
/// and that work moves on within 10 s all the same.
pub(crate) const LASTS: Duration = Duration::from_secs(7);

/// How often it is renewed.
const RENEW: Duration = Duration::from_secs(2);

/// How much earlier than others may take it its owner stops.
const MARGIN: Duration = Duration::from_secs(1);

/// How often those look who wait for something of another process: that it gives a lease up, or owes something. Wakes come sooner,
/// and may be lost.
pub const LOOK: Duration = Duration::from_millis(500);

/// How long to leave the store alone after it failed.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// A piece of work that one process at a time may do.
#[derive(Clone)]
pub struct Lease {
    store: Store,
    name: Arc<str>,
}

impl Lease {
    /// The one of this name among the processes that have `store`.
    pub fn new(store: &Store, name: impl Into<Arc<str>>) -> Self {
        Self { store: store.clone(), name: name.into() }
    }

    /// Does the work while it is this process's turn, and again when it is once more, until it ends by itself. It has to end soon
    /// after `stop`; nothing is begun then. `None`: it was never done to its end.
    pub async fn keep_at<F: Future>(
        &self,
        stop: &CancellationToken,
        mut work: impl FnMut(Fence) -> F,
    ) -> Option<F::Output> {
        while let Some(held) = self.take(stop).await {
            let done = held.run(work(held.fence())).await;
            held.release().await;
            if done.is_some() {
                return done;
            }
        }
        None
    }

    /// Waits until this process has it; `None` at the stop.
    pub(crate) async fn take(&self, stop: &CancellationToken) -> Option<Held> {
        let mut candidate = Candidate::new(&self.store, self.name.clone());
        let mut is_failing = false;
        while !stop.is_cancelled() {
            // A store that is away does not keep the process from stopping.
            let Some(attempt) = stop.run_until_cancelled(candidate.attempt()).await else { break };
            let pause = match attempt {
                Ok(Some(held)) => return Some(held),
                Ok(None) => LOOK,
                Err(error) => {
                    if !is_failing {
                        tracing::warn!(lease = &*self.name, error = %chain(&error), "a lease cannot be had");
                    }
                    STORE_PAUSE
                }
            };
            is_failing = pause == STORE_PAUSE;
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        None
    }
}

/// Lets write jobs through while the lease is held under which they were asked for.
#[derive(Debug, Clone)]
pub struct Fence {
    /// Name and holder; `None` where there is nobody to keep out.
    lease: Option<Arc<(Arc<str>, String)>>,
}

impl Fence {
    /// Fails with `UNAVAILABLE` when another process has taken over. To be called in the write job, before anything is written.
    pub fn check(&self, reader: &Reader<'_>) -> Result<(), Error> {
        match &self.lease {
            Some(lease) if !lease::is_held(reader, &lease.0, &lease.1)? => {
                Err(Error::unavailable("another process has taken this over"))
            }
            Some(_) | None => Ok(()),
        }
    }
}
