//! The two tasks of each process: one lets time pass in Redis, the other keeps the streams of this process there.

use std::{
    future::pending,
    sync::{Arc, PoisonError},
    time::Duration,
};

use futures_util::{StreamExt, future::join_all, stream};
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval, sleep, sleep_until},
};

use super::{
    FAR, Shared,
    desk::Desk,
    partition::{Away, Partition, Status},
    streams::Unwritten,
    told,
};
use crate::gauges::Counts;

/// Runs of the sweep in a row. What is left waits a moment, so that others get their turn.
const RUNS: usize = 16;
/// Streams that are written anew at once.
const WRITES: usize = 4;
/// Streams whose leases are renewed at once.
const RENEWALS: usize = 256;
/// How long to wait after Redis did not take what it should.
const PAUSE: Duration = Duration::from_millis(200);

/// What a sweep finds in a partition: its epoch, and how many users, bridges and typing users it has.
pub(super) struct Found {
    pub epoch: String,
    pub counts: [usize; 3],
}

impl Shared {
    /// Lets time pass: as soon as something is due, and now and then, because other processes know of more.
    pub(super) async fn sweep(&self) {
        let mut due = self.0.due.subscribe();
        loop {
            let last = Instant::now();
            self.0.due.send_replace(last + FAR);
            let sweeps = self.0.partitions.iter().map(|partition| self.sweep_one(partition));
            let swept: Result<Vec<Found>, Away> = join_all(sweeps).await.into_iter().collect();
            match swept {
                Ok(found) => self.take_stock(&found, last),
                Err(Away) => sleep(PAUSE).await,
            }
            // However much is due, not at once again: what gathers meanwhile is one run, and every process makes runs.
            sleep(self.0.interval / 10).await;
            loop {
                let until = (*due.borrow_and_update()).min(last + self.0.interval);
                tokio::select! {
                    () = sleep_until(until) => break,
                    _ = due.changed() => {}
                }
            }
        }
    }

    /// Lets time pass in one partition.
    pub(super) async fn sweep_one(&self, partition: &Partition) -> Result<Found, Away> {
        let mut found = Found { epoch: String::new(), counts: [0; 3] };
        for _ in 0..RUNS {
            let answer = self.hear(partition.run(&self.0.scripts.sweep, |_| {}).await?);
            if let [epoch, users, bridges, typing] = answer.more.as_slice() {
                found.epoch = told::text(epoch);
                found.counts = [users, bridges, typing].map(|count| told::number(count));
            }
            if answer.wait != Some(Duration::ZERO) {
                break;
            }
        }
        Ok(found)
    }

    /// What was found by a sweep that began at `begun`. A stream whose epoch is over is not in Redis any more.
    fn take_stock(&self, found: &[Found], begun: Instant) {
        let desks = self.all_desks();
        let is_gone = |desk: &Desk| {
            let known_as = desk.known_as();
            let mut pairs = known_as.epochs.iter().zip(found);
            pairs.any(|(known, found)| !known.is_empty() && *known != found.epoch)
        };
        let mut gone = desks.iter().filter(|(_, desk)| !desk.is_superseded() && is_gone(desk)).peekable();
        if gone.peek().is_none() {
            *self.0.swept.lock().unwrap_or_else(PoisonError::into_inner) = begun;
        } else {
            gone.for_each(|(_, desk)| desk.set_stale(true));
            self.0.stale.notify_one();
        }
        let sum = |which: usize| found.iter().map(|found| found.counts[which]).sum();
        self.0.gauges.set(Counts {
            users: sum(0),
            // Each bridge is in every partition.
            bridges: found.iter().map(|found| found.counts[1]).max().unwrap_or(0),
            typing: sum(2),
            sessions: desks.iter().map(|(_, desk)| desk.session_count()).sum(),
        });
    }

    /// Renews leases, and writes anew what Redis does not have.
    pub(super) async fn renew(&self) {
        let mut health = self.0.health.clone();
        health.borrow_and_update();
        let mut ticks = interval(self.0.lease / 3);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => self.renew_leases().await,
                () = self.0.stale.notified() => {}
                is_back = back(&mut health) => if is_back {
                    // What was written last may be lost: by a crash, or on the way to the replica that is the primary now.
                    self.all_desks().iter().for_each(|(_, desk)| desk.set_stale(true));
                },
            }
            self.forget_lost();
            if *self.0.health.borrow() && !self.write_stale().await {
                sleep(PAUSE).await;
                self.0.stale.notify_one();
            }
        }
    }

    pub(super) async fn renew_leases(&self) {
        let attached: Vec<Arc<Desk>> = self.all_desks().into_iter().map(|(_, desk)| desk).collect();
        let is_attached = |desk: &Arc<Desk>| {
            let known_as = desk.known_as();
            !known_as.stream.is_empty() && known_as.lost.is_none() && !desk.is_superseded()
        };
        let attached: Vec<_> = attached.into_iter().filter(is_attached).collect();
        for some in attached.chunks(RENEWALS) {
            let places = 0..self.0.partitions.len();
            join_all(places.map(|place| self.renew_some(place, some))).await;
        }
    }

    async fn renew_some(&self, place: usize, desks: &[Arc<Desk>]) {
        let names: Vec<_> = desks
            .iter()
            .map(|desk| {
                let known_as = desk.known_as();
                (desk.bridge.to_string(), known_as.stream.clone(), known_as.since[place].clone())
            })
            .collect();
        let answer = self.0.partitions[place].run(&self.0.scripts.renew, |call| {
            for (bridge, stream, since) in &names {
                call.arg(bridge).arg(stream).arg(since);
            }
        });
        let Ok(answer) = answer.await.map(|answer| self.hear(answer)) else { return };
        for ((desk, (_, stream, _)), status) in desks.iter().zip(&names).zip(&answer.more) {
            // It may have been written anew meanwhile.
            let is_same = desk.known_as().stream == *stream;
            match Status::read(&told::text(status)) {
                // By itself, perhaps, when it was to be written anew and no answer came. Writing it tells.
                Ok(Status::Superseded) if desk.is_stale() => {}
                Ok(Status::Superseded) if is_same => desk.supersede(),
                Ok(Status::Lost) if is_same => desk.set_stale(true),
                Ok(Status::Done | Status::More | Status::Full | Status::Superseded | Status::Lost)
                | Err(Away) => {}
            }
        }
    }

    /// Writes the streams that Redis does not have. False when some are left.
    pub(super) async fn write_stale(&self) -> bool {
        let stale = self.all_desks().into_iter().map(|(_, desk)| desk);
        let stale: Vec<_> = stale.filter(|desk| desk.is_stale() && !desk.is_superseded()).collect();
        let writes = stream::iter(stale).map(|desk| self.write_one(desk)).buffer_unordered(WRITES);
        // All of them: one that cannot be written is no reason to leave the others.
        writes.fold(true, async |all, is_written| all && is_written).await
    }

    async fn write_one(&self, desk: Arc<Desk>) -> bool {
        let mut held = desk.held.lock().await;
        if !desk.is_stale() {
            return true;
        }
        match self.write(&desk, &mut held).await {
            Ok(()) => {
                self.0.gauges.rebuild();
                tracing::info!(
                    bridge = &*desk.bridge,
                    sessions = desk.session_count(),
                    "the sessions of a bridge are written to Redis anew"
                );
                true
            }
            Err(Unwritten::Superseded) => {
                desk.supersede();
                true
            }
            Err(Unwritten::Stale | Unwritten::Full) => false,
        }
    }

    /// Streams that ended so long ago that none of their sessions counts, and that Redis knows of. Of one that it has never known,
    /// nobody has heard: written now, it would only seem to come after those that the bridge has had since.
    pub(super) fn forget_lost(&self) {
        let patience = self.0.settings.orphan_grace + self.0.settings.offline_after;
        self.desks().retain(|_, desk| {
            let known_as = desk.known_as();
            let Some(lost) = known_as.lost else { return true };
            let counts = lost.elapsed() < patience || (desk.is_stale() && !desk.is_superseded());
            counts && !known_as.stream.is_empty()
        });
    }
}

/// Waits for a change; whether Redis is there now.
async fn back(health: &mut watch::Receiver<bool>) -> bool {
    if health.changed().await.is_err() {
        // The connection has ended with the process.
        pending::<()>().await;
    }
    *health.borrow_and_update()
}
