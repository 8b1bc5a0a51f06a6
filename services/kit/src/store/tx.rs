//! What a write job sees: queries, statements, the event log and the outbox, in one transaction.

use std::{ops::Deref, sync::Arc};

use super::{Reader, batch::Batch, engine::Savepoint, line, log, owed, value::Params};
use crate::{bus::Envelope, error::Error};
use bytes::Bytes;
use causeway_proto::{
    event::{Event, Source, event},
    time,
    topic::Topic,
};
use prost::Message;
use prost_types::Timestamp;

/// Reads and writes within a write job. Everything is taken back when the job answers an error.
pub struct Tx<'c> {
    reader: Reader<'c>,
    batch: &'c mut Batch,
}

impl<'c> Deref for Tx<'c> {
    type Target = Reader<'c>;

    fn deref(&self) -> &Self::Target {
        &self.reader
    }
}

impl<'c> Tx<'c> {
    pub(super) fn new(reader: Reader<'c>, batch: &'c mut Batch) -> Self {
        Self { reader, batch }
    }

    /// Runs a statement; how many rows it changed. For `RETURNING`, use [`Reader::one`] or [`Reader::all`].
    pub fn execute(&self, sql: &str, params: impl Params) -> Result<usize, Error> {
        let changed = params.lend(|values| self.statements.execute(sql, values));
        changed.map_err(|failure| self.failed(failure))
    }

    /// Runs a statement that can only do what it says, as an UPDATE by key: it may be on its way while the job goes on.
    pub fn send(&self, sql: &str, params: impl Params) -> Result<(), Error> {
        let sent = params.lend(|values| self.statements.send(sql, values));
        sent.map_err(|failure| self.failed(failure))
    }

    /// Runs an INSERT of one row into a table that has a column `id`; the row's id.
    pub fn insert(&self, sql: &str, params: impl Params) -> Result<i64, Error> {
        let inserted = params.lend(|values| self.statements.insert(sql, values));
        inserted.map_err(|failure| self.failed(failure))
    }

    /// Does something that may fail on its own: when it does, its effects are taken back, and the job goes on.
    pub fn attempt<T, E>(&mut self, part: impl FnOnce(&mut Self) -> Result<T, E>) -> Result<T, E>
    where
        E: From<Error>,
    {
        self.savepoint(Savepoint::Set)?;
        let published = self.batch.events.len();
        let result = part(self);
        if result.is_err() {
            self.savepoint(Savepoint::GoBack)?;
            self.batch.take_back(published);
        }
        self.savepoint(Savepoint::Release)?;
        result
    }

    fn savepoint(&self, step: Savepoint) -> Result<(), Error> {
        self.statements.savepoint(step).map_err(|failure| self.failed(failure))
    }

    /// Microseconds since the epoch: the same for all jobs of a group, and never less than before.
    pub fn now_micros(&self) -> i64 {
        self.batch.now
    }

    /// [`Tx::now_micros`] as it stands in messages.
    pub fn now(&self) -> Timestamp {
        time::from_micros(self.batch.now)
    }

    /// Appends a durable event to the topic's log, and publishes it right after the commit. Answers its sequence number.
    ///
    /// The event is encoded here, once: the log, every subscriber and every page of history share the same bytes.
    pub fn append(&mut self, source: Source, topic: Topic<'_>, body: event::Body) -> Result<u64, Error> {
        let name = topic.to_string();
        let head = log::advance(self, &name, self.batch.heads.get(&name).copied())?;
        self.batch.heads.insert(name.clone(), head);
        let event = Event {
            source: source.into(),
            topic: name,
            sequence: head.sequence,
            time: Some(self.now()),
            body: Some(body),
        };
        let encoded = Bytes::from(event.encode_to_vec());
        let position = self.batch.take_position();
        log::insert(self, position, head, &encoded)?;
        self.batch.events.push(Arc::new(Envelope {
            source,
            topic: event.topic.into(),
            sequence: head.sequence,
            event: encoded,
        }));
        Ok(head.sequence)
    }

    /// Says that this job's next event of the topic comes soon, so that [`Self::append`] need not wait.
    pub fn foresee_event(&self, topic: Topic<'_>) -> Result<(), Error> {
        let name = topic.to_string();
        if self.batch.heads.contains_key(&name) { Ok(()) } else { log::foresee(self, &name) }
    }

    /// Puts an item into the outbox, for [`crate::outbox::run`] of that kind. `key` says what it is about, for whoever looks
    /// into the outbox; several items may have the same.
    pub fn owe(&mut self, kind: &str, key: &str, payload: Vec<u8>) -> Result<(), Error> {
        owed::put(self, kind, key, &payload)?;
        self.batch.owed = true;
        Ok(())
    }

    /// Has the outboxes look again after the commit, as when something is owed.
    pub(crate) fn wake_outboxes(&mut self) {
        self.batch.owed = true;
    }

    /// Puts an item behind all of the same kind and key, which are carried out in order; its id. Items of one `pool` may be
    /// paused together.
    pub(crate) fn owe_in_order(
        &mut self,
        kind: &str,
        key: &str,
        pool: &str,
        payload: Vec<u8>,
    ) -> Result<i64, Error> {
        let id = line::put(self, kind, key, pool, &payload)?;
        self.batch.owed = true;
        Ok(id)
    }
}
