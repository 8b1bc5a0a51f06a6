//! How far deliveries got, noted at the messages that they carry.

use causeway_kit::{
    Error,
    plugin_host::{Owed, Progress},
    store::Tx,
};
use causeway_proto::{
    chat::{DeliveryStatus, Message},
    plugin::DeliveryState,
};
use prost::Message as _;

use super::{
    known,
    outbound::{Errand, Task},
    receipts, status,
};
use crate::messages;

/// What is shown of a message that was tried again after an attempt of which nothing was heard.
const UNCERTAIN: &str = "uncertain: it may have arrived twice";

/// Notes how far a delivery got. Of edits, deletions and what agents are told nothing is shown: when one of them is given up,
/// the outbox keeps it for a person.
pub(super) fn note(tx: &mut Tx<'_>, owed: &Owed, progress: Progress) -> Result<(), Error> {
    let errand = Errand::decode(owed.payload.as_slice()).map_err(Error::internal)?;
    match errand.task() {
        Task::Send => {}
        Task::Edit | Task::Delete | Task::Tell | Task::Unspecified => {
            if let Progress::GivenUp { code, .. } = progress {
                let (plugin, message, task) = (&owed.plugin, errand.message_id, errand.task());
                tracing::warn!(
                    plugin,
                    message,
                    ?task,
                    code,
                    "what a plugin is owed about a message is given up"
                );
            }
            return Ok(());
        }
    }
    let Some(message) = messages::find(tx, errand.message_id)? else { return Ok(()) };
    match progress {
        Progress::Sent { provider_message_id, is_last } => {
            note_part(tx, owed, &message, errand.message_id, &provider_message_id)?;
            if !is_last {
                return Ok(());
            }
            let doubt = if owed.uncertain { UNCERTAIN } else { "" };
            status::advance(tx, message, DeliveryStatus::Sent, doubt.to_owned()).map(drop)
        }
        Progress::GivenUp { code, text } => {
            let reason = format!("{code}: {text}").chars().take(status::REASON).collect();
            status::advance(tx, message, DeliveryStatus::Failed, reason).map(drop)
        }
        Progress::Replayed => status::begin_again(tx, message),
    }
}

fn note_part(
    tx: &Tx<'_>,
    owed: &Owed,
    message: &Message,
    message_id: i64,
    provider_message_id: &str,
) -> Result<(), Error> {
    let part = known::Part {
        message_id,
        part: owed.part,
        conversation_id: &message.conversation_id,
        provider_message_id,
        delivery_id: owed.id,
    };
    known::note_part(tx, &part)
}

/// Notes that the message of a delivery reached the customer, or was read.
pub(super) fn reached(
    tx: &mut Tx<'_>,
    plugin: &str,
    delivery_id: i64,
    state: DeliveryState,
) -> Result<(), Error> {
    let Some(status) = receipts::status_of(state) else { return Ok(()) };
    let Some(id) = known::of_delivery(tx, plugin, delivery_id)? else { return Ok(()) };
    match messages::find(tx, id)? {
        Some(message) => status::advance(tx, message, status, String::new()).map(drop),
        None => Ok(()),
    }
}
