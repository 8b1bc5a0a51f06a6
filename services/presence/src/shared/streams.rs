//! Bridges that attach, report and go.

use std::{collections::HashSet, sync::Arc};

use causeway_kit::Error;
use causeway_proto::presence::SessionOpened;
use futures_util::future::join_all;
use tokio::time::Instant;

use super::{
    Shared,
    desk::{Desk, Held},
    partition::{Answer, Away, Status},
    reports::{Entry, user},
    told,
};
use crate::{
    ledger::{Report, Stream},
    refusal::{superseded, too_many_bridges},
};

/// Reports that go to Redis at once.
pub(super) const BATCH: usize = 256;
/// Streams that may be remembered, for each bridge that may attach.
const STREAMS_PER_BRIDGE: usize = 8;

/// Reports on their way, by partition.
pub(super) type Batch = Vec<Vec<Entry>>;

/// Why a stream could not be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unwritten {
    /// Redis does not answer, or has lost the stream once more. It is stale from now on.
    Stale,
    /// There are too many bridges.
    Full,
    /// The bridge has attached with another stream.
    Superseded,
}

impl From<Away> for Unwritten {
    fn from(Away: Away) -> Self {
        Self::Stale
    }
}

impl Shared {
    /// A bridge attaches. While Redis is away it is attached to this process alone.
    pub(crate) async fn attach(&self, bridge_id: String) -> Result<Stream, Error> {
        if self.desks().len() >= self.0.settings.max_bridges.saturating_mul(STREAMS_PER_BRIDGE) {
            return Err(too_many_bridges());
        }
        let bridge: Arc<str> = bridge_id.into();
        let desk = Arc::new(Desk::new(bridge.clone(), self.0.partitions.len()));
        let number = self.next_stream();
        match self.write(&desk, &mut *desk.held.lock().await).await {
            Ok(()) | Err(Unwritten::Stale) => {}
            Err(Unwritten::Full) => return Err(too_many_bridges()),
            Err(Unwritten::Superseded) => return Err(superseded()),
        }
        let is_stale = desk.is_stale();
        self.desks().insert(number, desk);
        if is_stale {
            // Whoever writes it anew finds it now.
            self.0.stale.notify_one();
        }
        Ok(Stream::new(bridge, number))
    }

    /// A bridge reports. `FAILED_PRECONDITION` when it has attached again since.
    pub(crate) async fn report(&self, stream: &Stream, reports: Vec<Report>) -> Result<(), Error> {
        let desk = self.desks().get(&stream.number()).cloned().ok_or_else(superseded)?;
        let mut held = desk.held.lock().await;
        let mut batch = self.nothing();
        for report in reports {
            match report {
                Report::Opened(opened) => self.open(&mut held, opened, &mut batch),
                Report::Closed(closed) => self.close(&mut held, closed.session_id, &mut batch),
                Report::Synced => {
                    self.send(&desk, &mut held, std::mem::replace(&mut batch, self.nothing())).await?;
                    held.is_synced = true;
                    // As long as Redis does not have what is held, what it has of earlier streams is not gone.
                    let synced = if desk.is_stale() { Ok(()) } else { self.synced(&desk).await };
                    self.settle(&desk, synced)?;
                }
            }
        }
        self.send(&desk, &mut held, batch).await?;
        desk.count(&held);
        Ok(())
    }

    /// A bridge's stream has ended. It is remembered for as long as its sessions count.
    pub(crate) async fn lose(&self, stream: &Stream) {
        let Some(desk) = self.desks().get(&stream.number()).cloned() else { return };
        // What is on its way arrives first.
        let _held = desk.held.lock().await;
        desk.known_as().lost = Some(Instant::now());
        if !desk.is_stale() {
            // Where Redis does not hear it, the lease is not renewed.
            let _ = self.end(&desk).await;
        }
    }

    fn open(&self, held: &mut Held, opened: SessionOpened, batch: &mut Batch) {
        if held.is_full_for(&opened.session_id, self.0.settings.max_sessions_per_bridge) {
            self.0.gauges.turn_away();
            return;
        }
        let place = self.place(user(&opened));
        let session_id = opened.session_id.clone();
        let before = held.open(opened.clone());
        batch[place].push(Entry::Opened { opened, is_known: false });
        // The script knows what a session replaces in its own partition only.
        let elsewhere = before.map(|before| self.place(user(&before.opened))).filter(|other| *other != place);
        if let Some(elsewhere) = elsewhere {
            batch[elsewhere].push(Entry::Closed { session_id });
        }
    }

    fn close(&self, held: &mut Held, session_id: String, batch: &mut Batch) {
        match held.close(&session_id, self.settled()) {
            Some(before) => batch[self.place(user(&before.opened))].push(Entry::Closed { session_id }),
            // An earlier stream may have reported it.
            None => batch.iter_mut().for_each(|entries| {
                entries.push(Entry::Closed { session_id: session_id.clone() });
            }),
        }
    }

    /// Sends reports, which are held already: so when Redis does not take them, they are written with everything else.
    async fn send(&self, desk: &Desk, held: &mut Held, batch: Batch) -> Result<(), Error> {
        let sent = if desk.is_stale() { Ok(()) } else { self.carry(desk, held, batch).await };
        self.settle(desk, sent)
    }

    /// A bridge hears that it has attached again, and of nothing else.
    fn settle(&self, desk: &Desk, result: Result<(), Unwritten>) -> Result<(), Error> {
        if result == Err(Unwritten::Superseded) {
            desk.supersede();
        } else if result.is_err() {
            desk.set_stale(true);
            self.0.stale.notify_one();
        }
        if desk.is_superseded() { Err(superseded()) } else { Ok(()) }
    }

    pub(super) async fn carry(&self, desk: &Desk, held: &mut Held, batch: Batch) -> Result<(), Unwritten> {
        let stream = desk.known_as().stream.clone();
        let calls = batch.iter().enumerate().filter(|(_, entries)| !entries.is_empty()).map(
            async |(place, entries)| {
                let limit = self.0.settings.max_sessions_per_bridge;
                let answer = self.0.partitions[place].run(&self.0.scripts.report, |call| {
                    call.arg(&*desk.bridge).arg(&stream).arg(limit);
                    entries.iter().for_each(|entry| entry.add_to(call));
                });
                (entries, answer.await)
            },
        );
        let mut result = Ok(());
        for (entries, answer) in join_all(calls).await {
            let taken = answer.map_err(Unwritten::from).and_then(|answer| done(self.hear(answer)));
            match taken {
                Ok(answer) => self.note(held, entries, &answer.more),
                Err(unwritten) => result = Err(unwritten),
            }
        }
        result
    }

    /// Notes which sessions Redis has now.
    fn note(&self, held: &mut Held, entries: &[Entry], refused: &[Vec<u8>]) {
        let refused: HashSet<usize> = refused.iter().map(|place| told::number(place)).collect();
        for (place, entry) in (1..).zip(entries) {
            let Entry::Opened { opened, .. } = entry else { continue };
            if refused.contains(&place) {
                self.0.gauges.turn_away();
                held.refuse(&opened.session_id);
            } else {
                held.written(&opened.session_id);
            }
        }
    }

    /// What earlier streams of the bridge reported and this one did not is gone.
    pub(super) async fn synced(&self, desk: &Desk) -> Result<(), Unwritten> {
        let stream = desk.known_as().stream.clone();
        let calls = self.0.partitions.iter().map(async |partition| {
            loop {
                let answer = partition.run(&self.0.scripts.synced, |call| {
                    call.arg(&*desk.bridge).arg(&stream);
                });
                let answer = self.hear(answer.await?);
                if answer.status != Status::More {
                    return done(answer).map(drop);
                }
            }
        });
        join_all(calls).await.into_iter().collect()
    }

    pub(super) async fn end(&self, desk: &Desk) -> Result<(), Unwritten> {
        let stream = desk.known_as().stream.clone();
        let calls = self.0.partitions.iter().map(async |partition| {
            let answer = partition.run(&self.0.scripts.lose, |call| {
                call.arg(&*desk.bridge).arg(&stream);
            });
            done(self.hear(answer.await?)).map(drop)
        });
        join_all(calls).await.into_iter().collect()
    }

    pub(super) fn nothing(&self) -> Batch {
        vec![Vec::new(); self.0.partitions.len()]
    }
}

/// The answer, unless it says that the stream is not what it was.
pub(super) fn done(answer: Answer) -> Result<Answer, Unwritten> {
    match answer.status {
        Status::Done | Status::More => Ok(answer),
        Status::Full => Err(Unwritten::Full),
        Status::Superseded => Err(Unwritten::Superseded),
        Status::Lost => Err(Unwritten::Stale),
    }
}
