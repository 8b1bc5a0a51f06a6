//! What a hub needs done from time to time: the sweep for events that the bus lost, trimming the log, and trying whether a
//! store that could not be written can be again.
//!
//! While the bus hears nothing from other processes, the sweep takes its place and comes much oftener.

use std::{future, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::Hub;
use crate::{
    bus::redis::LOOK_AT_LOG,
    error::{Error, chain},
    lease::Lease,
    store::{Store, log},
};

const SWEEP: Duration = Duration::from_secs(2);
const TRIM: Duration = Duration::from_secs(60);
const PROBE: Duration = Duration::from_secs(1);

impl Hub {
    /// Tends the hub until `stop`. One task for each hub of a process, however many subscribers it has.
    pub async fn tend(self, stop: CancellationToken) {
        if let Some(store) = self.store() {
            // Each process sweeps for its own subscribers, and one of those that have the store trims it.
            let trim = Lease::new(store, "sweep/log");
            tokio::join!(
                stop.run_until_cancelled(self.keep_tending(store)),
                trim.keep_at(&stop, |_| stop.run_until_cancelled(keep_trimming(store))),
            );
        }
    }

    async fn keep_tending(&self, store: &Store) {
        let mut probe = interval(PROBE);
        probe.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut losses = self.bus().wakes(LOOK_AT_LOG);
        let mut health = self.bus().health();
        // What was written before the first look, and lost on the way, is found as well.
        let mut swept = store.opened_at();
        let mut last = None;
        loop {
            let pace = if hears(health.as_ref()) { SWEEP } else { self.bus().fallback_poll() };
            let next = last.map_or_else(Instant::now, |last| last + pace);
            tokio::select! {
                () = sleep_until(next) => {}
                () = losses.next() => {}
                () = changed(&mut health) => {}
                _ = probe.tick() => {
                    store.probe().await;
                    continue;
                }
            }
            report("sweep", self.sweep(store, &mut swept).await);
            last = Some(Instant::now());
            if !hears(health.as_ref()) {
                self.bus().polled();
            }
        }
    }

    /// Tells the subscribers how far the topics go that moved since the last sweep. When nothing did, this is one look at the
    /// end of a table.
    pub(super) async fn sweep(&self, store: &Store, swept: &mut i64) -> Result<(), Error> {
        let position = *swept;
        let (moved, last) = store.read(move |reader| log::moved(reader, position)).await?;
        *swept = last;
        for topic in moved {
            self.bus().remind(self.source(), &topic.topic, topic.head);
        }
        Ok(())
    }
}

async fn keep_trimming(store: &Store) {
    let mut trim = interval(TRIM);
    trim.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        trim.tick().await;
        report("trim", store.trim().await);
    }
}

/// Whether what other processes publish comes here.
fn hears(health: Option<&watch::Receiver<bool>>) -> bool {
    health.is_none_or(|health| *health.borrow())
}

async fn changed(health: &mut Option<watch::Receiver<bool>>) {
    let changed = match health {
        Some(health) => health.changed().await.is_ok(),
        None => false,
    };
    // The bus is gone at the end of the process only.
    if !changed {
        future::pending().await
    }
}

fn report(what: &str, result: Result<(), Error>) {
    if let Err(error) = result {
        tracing::warn!(what, error = %chain(&error), "the log could not be tended");
    }
}
