//! Topics that are asked for: taken of the bus, added where the log is, and dropped.

use std::{mem, time::Duration};

use causeway_proto::event::TopicAdded;
use tokio::time::Instant;

use super::{STALLED, Subscriber};
use crate::{
    error::Error,
    events::{
        cursor::Cursor,
        requests::{Ask, Key},
        wire::Frame,
    },
    store::log::Extent,
};

/// Topics that are added with one reading of the log.
const ADDS: usize = 256;

/// Topics that one subscription may have.
const TOPICS: usize = 200_000;

/// How long a topic waits to be on its way from other processes before it is added nevertheless.
const SETTLING: Duration = Duration::from_secs(1);

impl Subscriber {
    /// Does what was asked, and what is already there to be asked behind it.
    pub(super) async fn asked(&mut self, ask: Ask) -> Result<(), Error> {
        let mut adds = Vec::new();
        let mut next = Some(Ok(ask));
        while let Some(ask) = next.take() {
            match ask? {
                Ask::Add(..) if self.cursors.len() + self.settling.len() + adds.len() >= TOPICS => {
                    return Err(Error::Exhausted { why: "too many topics".into(), retry: STALLED });
                }
                Ask::Add(key, after) => adds.push((key, after)),
                Ask::Drop(key) => {
                    self.take(mem::take(&mut adds)).await?;
                    if self.settling.has(&key) {
                        // Who adds a topic and drops it is answered to both.
                        self.unsure.push(key.clone());
                        self.make_sure().await?;
                    }
                    self.bus.release(key.0, &key.1);
                    self.cursors.remove(&key);
                }
            }
            if adds.len() < ADDS {
                next = self.requests.ready();
            }
        }
        self.take(adds).await
    }

    /// Takes topics, and adds those whose events come from now on. The others are added when the bus says that theirs do.
    async fn take(&mut self, adds: Vec<(Key, Option<u64>)>) -> Result<(), Error> {
        let until = Instant::now() + SETTLING;
        let mut settled = Vec::new();
        for (key, after) in adds {
            if let Some(before) = self.settling.take(&key) {
                // Added twice, it is answered twice, and the second counts.
                settled.extend([(key.clone(), before), (key, after)]);
            } else if self.bus.take(key.0, key.1.clone()) {
                settled.push((key, after));
            } else {
                self.settling.push(key, after, until);
            }
        }
        self.add(settled).await
    }

    /// Adds topics. The bus is listened to before the log is read, so that nothing falls in between.
    async fn add(&mut self, adds: Vec<(Key, Option<u64>)>) -> Result<(), Error> {
        if adds.is_empty() {
            return Ok(());
        }
        let (keys, wanted): (Vec<_>, Vec<_>) = adds.into_iter().unzip();
        let extents = self.extents(keys.clone()).await?;
        for ((key, after), extent) in keys.into_iter().zip(wanted).zip(extents) {
            let (cursor, history_lost) = Cursor::start(after, extent);
            self.begin(key.clone(), cursor, history_lost);
            self.compare(key, extent.head);
        }
        Ok(())
    }

    /// Adds the unsure topics that wait for it, and those that have waited too long; compares the others with the log.
    pub(super) async fn make_sure(&mut self) -> Result<(), Error> {
        self.unsure.extend(self.settling.overdue());
        let mut adds = Vec::new();
        let mut compared = Vec::new();
        for key in mem::take(&mut self.unsure) {
            match self.settling.take(&key) {
                Some(after) => adds.push((key, after)),
                None => compared.push(key),
            }
        }
        self.add(adds).await?;
        self.compare_with_log(compared).await
    }

    /// How far each of the topics goes, with one reading for each service.
    pub(super) async fn extents(&self, keys: Vec<Key>) -> Result<Vec<Extent>, Error> {
        let mut extents = vec![Extent::EMPTY; keys.len()];
        for hub in self.hubs.iter() {
            let mine: Vec<_> = (0..keys.len()).filter(|at| keys[*at].0 == hub.source()).collect();
            if mine.is_empty() {
                continue;
            }
            let topics = mine.iter().map(|at| keys[*at].1.clone()).collect();
            for (at, extent) in mine.into_iter().zip(hub.extents(topics).await?) {
                extents[at] = extent;
            }
        }
        Ok(extents)
    }

    pub(super) fn begin(&mut self, key: Key, cursor: Cursor, history_lost: bool) {
        self.ready.push_back(Frame::Added(TopicAdded {
            source: key.0.into(),
            topic: key.1.to_string(),
            after: cursor.position(),
            history_lost,
        }));
        self.cursors.insert(key, cursor);
    }
}
