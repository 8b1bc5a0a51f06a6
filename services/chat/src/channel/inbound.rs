//! What plugins push, told apart.

use causeway_kit::{
    Error,
    plugin_host::{Verdict, names},
    store::Tx,
};
use causeway_proto::{
    plugin::{InboundEvent, PluginKind, inbound_event::Body},
    time,
};

use super::{agents, changes, receipts, written};
use crate::settings::Settings;

/// Longest provider's id of a customer, and of a message, in characters.
const CUSTOMER: usize = 128;
const MESSAGE: usize = 256;

/// Where an event comes from, and when it happened.
pub(super) struct Origin<'a> {
    pub(super) plugin: &'a str,
    pub(super) account: &'a str,
    /// Microseconds since the epoch; never in the future.
    pub(super) time: i64,
}

/// Makes true what an event says.
pub(super) fn apply(
    tx: &mut Tx<'_>,
    plugin: &str,
    event: InboundEvent,
    settings: &Settings,
) -> Result<Verdict, Error> {
    let now = tx.now_micros();
    let time = event.time.as_ref().map_or(now, |at| time::to_micros(at).min(now));
    let from = Origin { plugin, account: &event.account, time };
    let Some(body) = event.body else { return Ok(Verdict::Ignored("it says nothing".into())) };
    let is_agent = names(tx, PluginKind::Agent)?.iter().any(|name| name == plugin);
    match (body, is_agent) {
        (Body::Answer(said), true) => agents::answer(tx, &from, said, settings),
        (Body::Answer(_), false) => Err(Error::denied("only an agent answers")),
        (Body::Notice(_), _) => Err(Error::denied("notices are for the notification service")),
        (Body::Malformed(_) | Body::Unknown(_), _) => Ok(Verdict::Ignored("it says nothing".into())),
        (_, true) => Err(Error::denied("an agent answers, and no more")),
        (Body::CustomerMessage(said), false) => written::by_customer(tx, &from, said, settings),
        (Body::OwnMessage(said), false) => written::elsewhere(tx, &from, said, settings),
        (Body::MessageEdit(said), false) => changes::edit(tx, &from, said),
        (Body::MessageDeletion(said), false) => changes::delete(tx, &from, said),
        (Body::MessageReaction(said), false) => changes::react(tx, &from, said),
        (Body::MessageReceipt(said), false) => receipts::receive(tx, &from, said),
    }
}

/// Checks the provider's id of a customer.
pub(super) fn check_customer(field: &'static str, id: &str) -> Result<(), Error> {
    crate::limits::filled(field, id, CUSTOMER)
}

/// Checks the provider's id of a message.
pub(super) fn check_message(field: &'static str, id: &str) -> Result<(), Error> {
    crate::limits::filled(field, id, MESSAGE)
}
