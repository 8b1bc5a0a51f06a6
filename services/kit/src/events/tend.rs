//! What a hub needs done from time to time: the sweep for events that the bus lost, trimming the log, and trying whether a
//! store that could not be written can be again.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::Hub;
use crate::{
    error::{Error, chain},
    store::{Store, log},
};

const SWEEP: Duration = Duration::from_secs(2);
const TRIM: Duration = Duration::from_secs(60);
const PROBE: Duration = Duration::from_secs(1);

impl Hub {
    /// Tends the hub until `stop`. One task for each hub of a process, however many subscribers it has.
    pub async fn tend(self, stop: CancellationToken) {
        if let Some(store) = self.store() {
            stop.run_until_cancelled(self.keep_tending(store)).await;
        }
    }

    async fn keep_tending(&self, store: &Store) {
        let [mut sweep, mut trim, mut probe] = [SWEEP, TRIM, PROBE].map(interval);
        for ticks in [&mut sweep, &mut trim, &mut probe] {
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        }
        let mut swept = None;
        loop {
            tokio::select! {
                _ = sweep.tick() => report("sweep", self.sweep(store, &mut swept).await),
                _ = trim.tick() => report("trim", store.trim().await),
                _ = probe.tick() => store.probe().await,
            }
        }
    }

    /// Tells the subscribers how far the topics go that moved since the last sweep. When nothing did, this is one look at the
    /// end of a table.
    pub(super) async fn sweep(&self, store: &Store, swept: &mut Option<i64>) -> Result<(), Error> {
        let Some(position) = *swept else {
            *swept = Some(store.read(log::newest).await?);
            return Ok(());
        };
        let (moved, last) = store.read(move |reader| log::moved(reader, position)).await?;
        *swept = Some(last);
        for topic in moved {
            self.bus().remind(self.source(), &topic.topic, topic.head);
        }
        Ok(())
    }
}

fn report(what: &str, result: Result<(), Error>) {
    if let Err(error) = result {
        tracing::warn!(what, error = %chain(&error), "the log could not be tended");
    }
}
