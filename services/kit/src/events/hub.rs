//! The topics of one service: its log, when it has one, and the bus.

use std::sync::Arc;

use bytes::Bytes;
use causeway_proto::{
    event::{Event, Source, event},
    time::Clock,
    topic::Topic,
};
use prost::Message;

use crate::{
    bus::{Bus, Envelope},
    error::Error,
    store::{
        Store,
        log::{self, Extent, Page},
    },
};

/// The topics of one service. Cloning is cheap.
#[derive(Clone)]
pub struct Hub {
    source: Source,
    store: Option<Store>,
    bus: Bus,
    clock: Clock,
}

impl Hub {
    /// The topics of `source`, with durable events in `store`.
    pub fn durable(source: Source, store: Store, bus: Bus, clock: Clock) -> Self {
        Self { source, store: Some(store), bus, clock }
    }

    /// The topics of `source`, which has ephemeral events only.
    pub fn ephemeral(source: Source, bus: Bus, clock: Clock) -> Self {
        Self { source, store: None, bus, clock }
    }

    /// Whose topics they are.
    pub fn source(&self) -> Source {
        self.source
    }

    /// Tells whoever listens now. Nobody can read it later, and when nobody listens it costs nothing.
    pub fn publish_ephemeral(&self, topic: Topic<'_>, body: event::Body) {
        let topic = topic.to_string();
        if !self.bus.reaches(self.source, &topic) {
            return;
        }
        let time = Some(self.clock.now());
        let event = Event { source: self.source.into(), topic, sequence: 0, time, body: Some(body) };
        let encoded = Bytes::from(event.encode_to_vec());
        let (source, sequence) = (self.source, event.sequence);
        self.bus.publish(&[Arc::new(Envelope {
            source,
            topic: event.topic.into(),
            sequence,
            event: encoded,
        })]);
    }

    /// Closes the store, when there is one. See [`Store::close`].
    pub async fn close(&self) {
        if let Some(store) = &self.store {
            store.close().await;
        }
    }

    pub(super) fn bus(&self) -> &Bus {
        &self.bus
    }

    pub(super) fn store(&self) -> Option<&Store> {
        self.store.as_ref()
    }

    /// At most `limit` events of a topic after a sequence number.
    pub(super) async fn page(&self, topic: Arc<str>, after: u64, limit: usize) -> Result<Page, Error> {
        let Some(store) = &self.store else { return Ok(Page { events: Vec::new(), extent: Extent::EMPTY }) };
        store.read(move |reader| log::page(reader, &topic, after, limit)).await
    }

    /// How far each of the topics goes, in one reading.
    pub(super) async fn extents(&self, topics: Vec<Arc<str>>) -> Result<Vec<Extent>, Error> {
        let Some(store) = &self.store else { return Ok(vec![Extent::EMPTY; topics.len()]) };
        let read = store.read(move |reader| {
            topics.iter().try_for_each(|topic| log::foresee_extent(reader, topic))?;
            topics.iter().map(|topic| log::extent(reader, topic)).collect()
        });
        read.await
    }
}
