//! Pages of the logs. Whoever needs a page that is being read waits for it, and the last ones read are kept,
//! so that a thousand sockets that come back at once read each page once and share its encoded frames.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use causeway_proto::event::ReadResponse;
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared, WeakShared},
};
use tonic::Status;

use crate::fanout::{Topic, packet::Packet};

/// Events in a page. Pages begin at multiples of it, so that cursors near each other want the same ones.
const PAGE: u64 = 128;

/// What is kept of pages that were read, in bytes.
const KEPT_BYTES: usize = 8 << 20;

/// Longest wait before a page that could not be read is tried again.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Reads events of a topic after a sequence number, at most so many.
pub(crate) trait Log: Send + Sync {
    /// One page.
    fn read(&self, topic: &Topic, after: u64, limit: u32)
    -> BoxFuture<'static, Result<ReadResponse, Status>>;
}

/// All pages; cloning shares them.
#[derive(Clone)]
pub(crate) struct Pages {
    log: Arc<dyn Log>,
    state: Arc<Mutex<State>>,
}

/// What the log says about the events after a sequence number.
#[derive(Debug)]
pub(crate) enum Stretch {
    /// The next ones, in order; there are none when the log ends there.
    Events(Vec<Arc<Packet>>),
    /// The reader has seen more than this bridge, and it is true.
    Ahead,
    /// They are not kept any more, or the number is not one of this log.
    Lost,
}

#[derive(Default)]
struct State {
    kept: HashMap<Key, Arc<Page>>,
    /// Oldest first.
    order: VecDeque<Key>,
    bytes: usize,
    /// Pages that are being read, for as long as somebody waits for them.
    flights: HashMap<Key, WeakShared<Read>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    topic: Topic,
    after: u64,
}

/// How a page is read.
type Read = BoxFuture<'static, Result<Arc<Page>, Status>>;

type Flight = Shared<Read>;

#[derive(Debug)]
struct Page {
    events: Vec<Arc<Packet>>,
    head: u64,
    lost: bool,
    bytes: usize,
}

impl Pages {
    /// No pages yet.
    pub(crate) fn new(log: Arc<dyn Log>) -> Self {
        Self { log, state: Arc::default() }
    }

    /// Events after `after`, where the log is known to go up to `until` at least. While the service is away
    /// it waits.
    pub(crate) async fn read(&self, topic: &Topic, after: u64, until: u64) -> Stretch {
        let mut wait = Duration::from_millis(100);
        loop {
            match self.try_read(topic, after, until).await {
                Ok(stretch) => return stretch,
                Err(status) => {
                    tracing::debug!(topic = %topic.name, code = ?status.code(), "a page of the log could not be read");
                    tokio::time::sleep(wait.mul_f64(rand::random_range(0.5..1.0))).await;
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
            }
        }
    }

    async fn try_read(&self, topic: &Topic, after: u64, until: u64) -> Result<Stretch, Status> {
        let key = |after| Key { topic: topic.clone(), after };
        if after > until {
            let lost = self.page(key(after), after).await?.lost;
            return Ok(if lost { Stretch::Lost } else { Stretch::Ahead });
        }
        let start = after - after % PAGE;
        let mut page = self.page(key(start), until).await?;
        if page.lost && start != after {
            // The page begins before what is kept; that does not mean that the reader does.
            page = self.page(key(after), until).await?;
        }
        if page.lost {
            return Ok(Stretch::Lost);
        }
        let unseen = page.events.iter().filter(|packet| packet.event().sequence > after);
        Ok(Stretch::Events(unseen.cloned().collect()))
    }

    /// The page after `key`, as new as it must be to show the log up to `until`.
    async fn page(&self, key: Key, until: u64) -> Result<Arc<Page>, Status> {
        loop {
            let (flight, is_new) = match self.find(&key, until) {
                Found::Page(page) => return Ok(page),
                Found::Flight(flight) => (flight, false),
                Found::NewFlight(flight) => (flight, true),
            };
            let page = flight.await?;
            // A flight that had begun before the reader joined may not show everything.
            if is_new || page.shows(until) {
                return Ok(page);
            }
        }
    }

    /// What there is of a page; when it is neither kept nor being read, it is now.
    fn find(&self, key: &Key, until: u64) -> Found {
        let mut state = self.lock();
        if let Some(page) = state.kept.get(key).filter(|page| page.shows(until)) {
            return Found::Page(page.clone());
        }
        if let Some(flight) = state.flights.get(key).and_then(WeakShared::upgrade) {
            return Found::Flight(flight);
        }
        let flight = self.depart(key.clone());
        // What everybody has turned away from is read no further.
        state.flights.retain(|_, flight| flight.upgrade().is_some());
        state.flights.extend(flight.downgrade().map(|flight| (key.clone(), flight)));
        Found::NewFlight(flight)
    }

    fn depart(&self, key: Key) -> Flight {
        let limit = u32::try_from(PAGE).unwrap_or(u32::MAX);
        let (read, state) = (self.log.read(&key.topic, key.after, limit), self.state.clone());
        let flight = async move {
            let page = read.await.map(|response| Arc::new(Page::from(response)));
            lock(&state).land(key, page.as_ref().ok());
            page
        };
        flight.boxed().shared()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl std::fmt::Debug for Pages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pages").field("kept", &self.lock().kept.len()).finish_non_exhaustive()
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

enum Found {
    Page(Arc<Page>),
    Flight(Flight),
    NewFlight(Flight),
}

impl State {
    fn land(&mut self, key: Key, page: Option<&Arc<Page>>) {
        self.flights.remove(&key);
        // What is lost to one who asks now may be there for nobody later either, but it costs nothing to ask
        // again.
        let Some(page) = page.filter(|page| !page.lost && page.bytes <= KEPT_BYTES) else { return };
        self.bytes += page.bytes;
        match self.kept.insert(key.clone(), page.clone()) {
            Some(replaced) => self.bytes -= replaced.bytes,
            None => self.order.push_back(key),
        }
        while self.bytes > KEPT_BYTES
            && let Some(oldest) = self.order.pop_front()
        {
            self.bytes -= self.kept.remove(&oldest).map_or(0, |page| page.bytes);
        }
    }
}

impl Page {
    /// Whether there is nothing up to `until` that belongs on this page and is not on it.
    fn shows(&self, until: u64) -> bool {
        self.lost || self.events.len() as u64 >= PAGE || self.head >= until
    }
}

impl From<ReadResponse> for Page {
    fn from(response: ReadResponse) -> Self {
        let events: Vec<_> = response.events.into_iter().map(|event| Arc::new(Packet::new(event))).collect();
        let bytes = events.iter().map(|packet| packet.bytes()).sum();
        Self { events, head: response.head, lost: response.history_lost, bytes }
    }
}
