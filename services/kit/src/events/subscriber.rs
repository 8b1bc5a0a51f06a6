//! One subscription: topics that come and go, and their events once and in order.
//!
//! It works when its stream is polled. A step either reads a page for a topic that is behind, or waits for a request or a
//! signal of the bus; what it finds to send is put into `ready`, which holds little more than a page.

use std::{
    collections::{HashMap, VecDeque},
    mem,
    sync::Arc,
    time::Duration,
};

use causeway_proto::event::{Source, SubscribeRequest, TopicAdded};
use futures_util::FutureExt;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};

use super::{
    Hub,
    behind::Behind,
    cursor::{Cursor, Step},
    measure::EventMetrics,
    requests::{Ask, Key, Requests},
    settling::Settling,
    wire::Frame,
};
use crate::{
    bus::{BusReceiver, Envelope, Signal},
    error::Error,
    store::log::Extent,
};

/// Events that are read from the log at once; as many signals get in between.
const PAGE: usize = 256;

/// Topics that are added with one reading of the log.
const ADDS: usize = 256;

/// Topics that one subscription may have.
const TOPICS: usize = 200_000;

/// How long a topic waits to be on its way from other processes before it is added nevertheless.
const SETTLING: Duration = Duration::from_secs(1);

/// Who took nothing for this long since its queue was full is turned away.
const STALLED: Duration = Duration::from_secs(10);

pub(super) struct Subscriber {
    requests: Requests,
    hubs: Arc<[Hub]>,
    bus: BusReceiver,
    closing: CancellationToken,
    measure: EventMetrics,
    cursors: HashMap<Key, Cursor>,
    /// Topics that are taken and not added yet: events of other processes do not come before the bus says so.
    settling: Settling,
    /// Topics of which events may have been lost up to now.
    unsure: Vec<Key>,
    behind: Behind,
    ready: VecDeque<Frame>,
    /// When the last frame was taken.
    taken: Instant,
}

impl Subscriber {
    pub(super) fn new(
        requests: Streaming<SubscribeRequest>,
        hubs: Arc<[Hub]>,
        bus: BusReceiver,
        closing: CancellationToken,
        measure: EventMetrics,
    ) -> Self {
        measure.opened();
        Self {
            requests: Requests::new(requests, hubs.iter().map(Hub::source).collect()),
            hubs,
            bus,
            closing,
            measure,
            cursors: HashMap::new(),
            settling: Settling::default(),
            unsure: Vec::new(),
            behind: Behind::default(),
            ready: VecDeque::new(),
            taken: Instant::now(),
        }
    }

    /// The next frame to send. After an error there is none.
    pub(super) async fn next(&mut self) -> Result<Frame, Status> {
        let frame = loop {
            match self.ready.pop_front() {
                Some(frame) => break frame,
                None => self.step().await?,
            }
        };
        self.taken = Instant::now();
        Ok(frame)
    }

    /// Does the next thing.
    async fn step(&mut self) -> Result<(), Error> {
        if let Some(topic) = self.behind.pop() {
            self.catch_up(topic).await?;
            self.look_up().await?;
            return self.make_sure().await;
        }
        if !self.unsure.is_empty() {
            // More of them are there already, mostly: one reading of the log is for all.
            self.look_up().await?;
            return self.make_sure().await;
        }
        let settling = self.settling.until();
        tokio::select! {
            () = sleep_until(settling.unwrap_or(self.taken)), if settling.is_some() => self.make_sure().await,
            () = self.closing.cancelled() => Err(Error::Stopping),
            ask = self.requests.next() => self.asked(ask?).await,
            signal = self.bus.recv() => self.signalled(signal).await,
        }
    }

    /// Between two pages: a topic that is far behind keeps neither requests nor other topics waiting.
    async fn look_up(&mut self) -> Result<(), Error> {
        if let Some(ask) = self.requests.ready() {
            self.asked(ask?).await?;
        }
        for _ in 0..PAGE {
            let Some(signal) = self.bus.recv().now_or_never() else { break };
            self.signalled(signal).await?;
        }
        Ok(())
    }

    /// Does what was asked, and what is already there to be asked behind it.
    async fn asked(&mut self, ask: Ask) -> Result<(), Error> {
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
    async fn make_sure(&mut self) -> Result<(), Error> {
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
    async fn extents(&self, keys: Vec<Key>) -> Result<Vec<Extent>, Error> {
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

    fn begin(&mut self, key: Key, cursor: Cursor, history_lost: bool) {
        self.ready.push_back(Frame::Added(TopicAdded {
            source: key.0.into(),
            topic: key.1.to_string(),
            after: cursor.position(),
            history_lost,
        }));
        self.cursors.insert(key, cursor);
    }

    async fn signalled(&mut self, signal: Signal) -> Result<(), Error> {
        match signal {
            Signal::Event(envelope) => self.meet(&envelope),
            Signal::Head { source, topic, sequence } => self.compare((source, topic), sequence),
            Signal::Check { source, topic } => self.unsure.push((source, topic)),
            Signal::Lagged { since } if since.elapsed() >= STALLED && self.taken <= since => {
                let why = "the subscriber reads too slowly".into();
                return Err(Error::Exhausted { why, retry: Duration::ZERO });
            }
            Signal::Lagged { .. } => self.compare_all().await?,
        }
        Ok(())
    }

    /// Passes an event on when it is its turn.
    fn meet(&mut self, envelope: &Envelope) {
        let key = (envelope.source, envelope.topic.clone());
        let Some(cursor) = self.cursors.get_mut(&key) else { return };
        match cursor.meet(envelope.sequence) {
            Step::Pass => self.ready.push_back(Frame::Event(envelope.event.clone())),
            Step::Drop => {}
            Step::Gap => self.behind.push(key),
        }
    }

    /// Notes that a topic is behind when it goes as far as `head`.
    fn compare(&mut self, key: Key, head: u64) {
        if self.cursors.get(&key).is_some_and(|cursor| cursor.is_behind(head)) {
            self.behind.push(key);
        }
    }

    /// After signals were lost, any topic may be behind.
    async fn compare_all(&mut self) -> Result<(), Error> {
        self.measure.lagged();
        self.unsure.extend(self.settling.all());
        self.compare_with_log(self.cursors.keys().cloned().collect()).await
    }

    async fn compare_with_log(&mut self, keys: Vec<Key>) -> Result<(), Error> {
        if keys.is_empty() {
            return Ok(());
        }
        let extents = self.extents(keys.clone()).await?;
        keys.into_iter().zip(extents).for_each(|(key, extent)| self.compare(key, extent.head));
        Ok(())
    }

    /// Reads the next page for a topic that is behind.
    async fn catch_up(&mut self, key: Key) -> Result<(), Error> {
        let Some(mut cursor) = self.cursors.get(&key).copied() else { return Ok(()) };
        let Some(hub) = self.hub(key.0) else { return Ok(()) };
        self.measure.caught_up();
        let page = hub.page(key.1.clone(), cursor.position(), PAGE).await?;
        if !page.extent.covers(cursor.position()) {
            // It was trimmed while the subscriber was behind.
            let (cursor, history_lost) = Cursor::start(Some(cursor.position()), page.extent);
            self.begin(key, cursor, history_lost);
            return Ok(());
        }
        if page.events.is_empty() && cursor.is_behind(page.extent.head) {
            return Err(Error::internal("the log ends before its head"));
        }
        for logged in page.events {
            match cursor.meet(logged.sequence) {
                Step::Pass => self.ready.push_back(Frame::Event(logged.event)),
                Step::Drop => {}
                Step::Gap => return Err(Error::internal("the log has a gap")),
            }
        }
        self.cursors.insert(key.clone(), cursor);
        self.compare(key, page.extent.head);
        Ok(())
    }

    fn hub(&self, source: Source) -> Option<&Hub> {
        self.hubs.iter().find(|hub| hub.source() == source)
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.measure.closed();
    }
}
