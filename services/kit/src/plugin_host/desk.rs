//! What a service does with its plugins' events and deliveries. The host does the rest.

use std::{borrow::Cow, time::Duration};

use causeway_proto::plugin::{Capabilities, Delivery, DeliveryState, InboundEvent, PluginKind};

use crate::{
    error::Error,
    store::{Reader, Tx},
};

/// What an event came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is true now.
    Accepted,
    /// It was true before, though its provider calls it by another id.
    Duplicate,
    /// It means nothing here, for this reason.
    Ignored(Cow<'static, str>),
    /// It cannot be told yet what it means; the plugin sends it again after that time.
    NotYet(Duration),
}

/// A delivery in the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    /// Its id in the outbox.
    pub id: i64,
    /// The name of the plugin that it is for.
    pub plugin: String,
    /// What keeps order: as given to [`owe`].
    pub key: String,
    /// What the service wrote.
    pub payload: Vec<u8>,
    /// Attempts that failed.
    pub attempts: u32,
    /// The part that is next, or that a report is about; from 0.
    pub part: u32,
    /// Whether an attempt may have succeeded of which nothing is known.
    pub uncertain: bool,
}

/// What comes of looking at a delivery that is due.
#[derive(Debug, Clone, PartialEq)]
pub enum Prepared {
    /// Hand this to the plugin. `id`, `part`, `partition`, `attempts` and `uncertain` are the host's to fill in.
    Deliver {
        /// Account, customer, body.
        delivery: Box<Delivery>,
        /// How many parts there are in all, at least 1.
        parts: u32,
    },
    /// There is nothing to deliver any more.
    Nothing,
    /// This plugin cannot deliver it.
    Impossible {
        /// In a word.
        code: Cow<'static, str>,
        /// For people.
        text: String,
    },
}

/// How far a delivery got, when that is to be noted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// The provider took a part.
    Sent {
        /// The provider's id of it; empty when there is none.
        provider_message_id: String,
        /// Whether it was the last.
        is_last: bool,
    },
    /// It is given up, for this reason.
    GivenUp {
        /// In a word.
        code: String,
        /// For people.
        text: String,
    },
    /// What was given up is tried again.
    Replayed,
}

/// A service that hosts plugins. Each method runs in a job of the service's store.
pub trait Desk: Send + Sync + 'static {
    /// The kinds of plugins that attach here.
    fn kinds(&self) -> &'static [PluginKind];

    /// Makes true what an event says. The host has seen to it that the event is new, and keeps what is rejected with an
    /// error that is about the event.
    fn apply(&self, tx: &mut Tx<'_>, plugin: &str, event: InboundEvent) -> Result<Verdict, Error>;

    /// What is to be handed to the plugin for the next part of a delivery that is due.
    fn prepare(&self, reader: &Reader<'_>, owed: &Owed, can: &Capabilities) -> Result<Prepared, Error>;

    /// Notes how far a delivery got.
    fn note(&self, tx: &mut Tx<'_>, owed: &Owed, progress: Progress) -> Result<(), Error>;

    /// Notes that a delivery of this plugin, which is in the outbox no more, reached the customer or was read. One that is not
    /// this plugin's changes nothing.
    fn reached(
        &self,
        tx: &mut Tx<'_>,
        plugin: &str,
        delivery_id: i64,
        state: DeliveryState,
    ) -> Result<(), Error>;
}

/// Owes a plugin a delivery; its id. Deliveries to one plugin with the same `key` are carried out in order, one at a time.
/// `account` is what a provider's limit may pause.
pub fn owe(tx: &mut Tx<'_>, plugin: &str, key: &str, account: &str, payload: Vec<u8>) -> Result<i64, Error> {
    tx.owe_in_order(&kind(plugin), key, account, payload)
}

/// The outbox's kind of a plugin's deliveries.
pub(crate) fn kind(plugin: &str) -> String {
    format!("plugin/{plugin}")
}

/// The names of plugins of a kind that may attach.
pub fn names(reader: &Reader<'_>, kind: PluginKind) -> Result<Vec<String>, Error> {
    reader.all("SELECT name FROM plugin WHERE kind = ?1 ORDER BY name", [i32::from(kind)], |row| row.get(0))
}

/// Whether a delivery to a plugin of that key is in somebody's hand.
pub fn is_in_hand(reader: &Reader<'_>, plugin: &str, key: &str) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM outbox WHERE kind = ?1 AND key = ?2 AND state = 1 LIMIT 1";
    Ok(reader.one(sql, [kind(plugin).as_str(), key], |_| Ok(()))?.is_some())
}
