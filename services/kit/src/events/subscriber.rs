//! One subscription: topics that come and go, and their events once and in order.
//!
//! It works when its stream is polled. A step either reads a page for a topic that is behind, or waits for a request or a
//! signal of the bus; what it finds to send is put into `ready`, which holds little more than a page. Here is how events are passed
//! on, and in `topics` how topics come and go.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use causeway_proto::event::{Source, SubscribeRequest};
use futures_util::FutureExt;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};

use super::{
    Hub,
    behind::Behind,
    cursor::{Cursor, Step},
    measure::EventMetrics,
    requests::{Key, Requests},
    settling::Settling,
    wire::Frame,
};
use crate::{
    bus::{BusReceiver, Envelope, Signal},
    error::Error,
};

mod topics;

/// Events that are read from the log at once; as many signals get in between.
const PAGE: usize = 256;

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
