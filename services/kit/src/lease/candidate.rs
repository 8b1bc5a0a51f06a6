//! Waits for a lease: sees whether its holder still renews it, and takes it when not.

use std::sync::Arc;

use tokio::time::Instant;
use uuid::Uuid;

use super::{Held, LASTS};
use crate::{
    error::Error,
    store::{
        Store, Tx,
        lease::{self, Entry},
    },
};

/// Who waits for a lease.
pub(crate) struct Candidate {
    store: Store,
    name: Arc<str>,
    /// The lease as it was seen last, and since when it stands like that.
    seen: Option<(Entry, Instant)>,
}

/// How a lease stands, as far as who waits can tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It can be taken: nobody has it, or who had it does not renew it.
    Free,
    /// Somebody has it.
    Held {
        /// As it is written.
        entry: Entry,
        /// Whether it was seen to be renewed: the holder lives.
        is_renewed: bool,
    },
}

impl Candidate {
    pub(crate) fn new(store: &Store, name: Arc<str>) -> Self {
        Self { store: store.clone(), name, seen: None }
    }

    /// Looks how the lease stands.
    pub(crate) async fn look(&mut self) -> Result<Standing, Error> {
        if !self.store.is_shared() {
            return Ok(Standing::Free);
        }
        let name = self.name.clone();
        let Some(entry) = self.store.read(move |reader| lease::get(reader, &name)).await? else {
            self.seen = None;
            return Ok(Standing::Free);
        };
        // Not earlier: it may have been renewed right before it was read.
        let now = Instant::now();
        let is_same = |seen: &Entry| (&seen.holder, seen.until) == (&entry.holder, entry.until);
        match &self.seen {
            Some((seen, since)) if is_same(seen) => {
                if now.duration_since(*since) >= LASTS {
                    return Ok(Standing::Free);
                }
                Ok(Standing::Held { entry, is_renewed: false })
            }
            seen => {
                let is_renewed = seen.is_some();
                self.seen = Some((entry.clone(), now));
                Ok(Standing::Held { entry, is_renewed })
            }
        }
    }

    /// Takes the lease, if it is as free as it was when it was looked at, and does `job` in the same transaction. `None` when
    /// somebody was faster.
    pub(crate) async fn take<T: Send + 'static>(
        &mut self,
        job: impl FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<Option<(Held, T)>, Error> {
        if !self.store.is_shared() {
            let done = self.store.write(job).await?;
            return Ok(Some((Held::alone(&self.store, self.name.clone()), done)));
        }
        let (name, holder) = (self.name.clone(), Uuid::new_v4().to_string());
        let stale = self.seen.take().map(|(entry, _)| entry);
        let (until, taker) = (super::held::until, holder.clone());
        let begun = Instant::now();
        let taken = self.store.write(move |tx| {
            if !lease::take(tx, &name, &taker, until(tx), stale.as_ref())? {
                return Ok(None);
            }
            job(tx).map(Some)
        });
        let done = taken.await?;
        Ok(done.map(|done| (Held::since(&self.store, self.name.clone(), holder, begun), done)))
    }

    /// Takes the lease if it is free.
    pub(super) async fn attempt(&mut self) -> Result<Option<Held>, Error> {
        if !self.store.is_shared() {
            return Ok(Some(Held::alone(&self.store, self.name.clone())));
        }
        match self.look().await? {
            Standing::Held { .. } => Ok(None),
            Standing::Free => Ok(self.take(|_| Ok(())).await?.map(|(held, ())| held)),
        }
    }
}
