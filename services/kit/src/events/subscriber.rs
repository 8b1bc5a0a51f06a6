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
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};

use super::{
    Hub,
    behind::Behind,
    cursor::{Cursor, Step},
    measure::EventMetrics,
    requests::{Ask, Key, Requests},
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

/// Who took nothing for this long since its queue was full is turned away.
const STALLED: Duration = Duration::from_secs(10);

pub(super) struct Subscriber {
    requests: Requests,
    hubs: Arc<[Hub]>,
    bus: BusReceiver,
    stop: CancellationToken,
    measure: EventMetrics,
    cursors: HashMap<Key, Cursor>,
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
        stop: CancellationToken,
        measure: EventMetrics,
    ) -> Self {
        measure.opened();
        Self {
            requests: Requests::new(requests, hubs.iter().map(Hub::source).collect()),
            hubs,
            bus,
            stop,
            measure,
            cursors: HashMap::new(),
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
            return self.look_up().await;
        }
        tokio::select! {
            () = self.stop.cancelled() => Err(Error::unavailable("the server stops")),
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
                Ask::Add(..) if self.cursors.len() + adds.len() >= TOPICS => {
                    return Err(Error::Exhausted { why: "too many topics".into(), retry: STALLED });
                }
                Ask::Add(key, after) => adds.push((key, after)),
                Ask::Drop(key) => {
                    self.add(mem::take(&mut adds)).await?;
                    self.bus.release(key.0, &key.1);
                    self.cursors.remove(&key);
                }
            }
            if adds.len() < ADDS {
                next = self.requests.ready();
            }
        }
        self.add(adds).await
    }

    /// Adds topics. The bus is listened to before the log is read, so that nothing falls in between.
    async fn add(&mut self, adds: Vec<(Key, Option<u64>)>) -> Result<(), Error> {
        for ((source, topic), _) in &adds {
            self.bus.take(*source, topic.clone());
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
        let keys: Vec<_> = self.cursors.keys().cloned().collect();
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
