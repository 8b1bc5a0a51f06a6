//! What the plugin host asks chat.

use std::sync::Arc;

use causeway_kit::{
    Error,
    plugin_host::{Desk, Owed, Prepared, Progress, Verdict},
    store::{Reader, Tx},
};
use causeway_proto::plugin::{Capabilities, DeliveryState, InboundEvent, PluginKind};

use super::{inbound, prepare, progress};
use crate::{indexer::Indexer, settings::Settings};

/// Chat, as the plugin host sees it.
pub(crate) struct ChannelDesk {
    settings: Arc<Settings>,
    indexer: Arc<Indexer>,
}

impl ChannelDesk {
    /// A desk for plugins, which has what they bring indexed for search.
    pub(crate) fn new(settings: Arc<Settings>, indexer: Arc<Indexer>) -> Self {
        Self { settings, indexer }
    }
}

impl Desk for ChannelDesk {
    fn kinds(&self) -> &'static [PluginKind] {
        &[PluginKind::Channel, PluginKind::Agent]
    }

    fn apply(&self, tx: &mut Tx<'_>, plugin: &str, event: InboundEvent) -> Result<Verdict, Error> {
        let verdict = inbound::apply(tx, plugin, event, &self.settings)?;
        // The indexer lets messages gather for a while before it looks, and so finds this one committed. Where it does not,
        // the next message or the next search has it look again.
        self.indexer.wake();
        Ok(verdict)
    }

    fn prepare(&self, reader: &Reader<'_>, owed: &Owed, can: &Capabilities) -> Result<Prepared, Error> {
        prepare::prepare(reader, owed, can)
    }

    fn note(&self, tx: &mut Tx<'_>, owed: &Owed, progress: Progress) -> Result<(), Error> {
        progress::note(tx, owed, progress)
    }

    fn reached(
        &self,
        tx: &mut Tx<'_>,
        plugin: &str,
        delivery_id: i64,
        state: DeliveryState,
    ) -> Result<(), Error> {
        progress::reached(tx, plugin, delivery_id, state)
    }
}
