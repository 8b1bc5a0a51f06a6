//! What reached a customer's device, and what the customer read, as the provider says.

use std::collections::BTreeMap;

use causeway_kit::{Error, plugin_host::Verdict, store::Tx};
use causeway_proto::{
    chat::{DeliveryStatus, Message},
    plugin::{DeliveryState, MessageReceipt},
    time,
};

use super::{
    customers,
    inbound::{Origin, check_customer},
    known, status,
    written::may_be_in_hand,
};
use crate::messages;

/// Most messages that a receipt names, and most that it changes.
const NAMED: usize = 100;
const CHANGED: u32 = 1_000;

/// A receipt: of messages that it names, of all before those where they were read, and of all up to a time.
///
/// That time is compared with when we stored a message, which is before the provider took it: a message that went out late may
/// be marked a little early, and none is missed.
pub(super) fn receive(tx: &mut Tx<'_>, from: &Origin<'_>, said: MessageReceipt) -> Result<Verdict, Error> {
    let status = status_of(said.state())
        .ok_or_else(|| Error::invalid("message_receipt.state", "must be DELIVERED or READ"))?;
    check_customer("message_receipt.customer_id", &said.customer_id)?;
    if said.message_ids.len() > NAMED {
        let problem = format!("must not have more than {NAMED} entries");
        return Err(Error::invalid("message_receipt.message_ids", problem));
    }
    let Some(channel) = customers::find(tx, from, &said.customer_id)? else {
        return Ok(Verdict::Ignored("the customer is not known".into()));
    };
    let mut reached = BTreeMap::new();
    for provider_message_id in &said.message_ids {
        match known::message(tx, &channel.conversation_id, provider_message_id)? {
            Some(id) => reached.extend(messages::find(tx, id)?.map(|message| (message.id, message))),
            None => {
                if let Some(wait) = may_be_in_hand(tx, &channel)? {
                    return Ok(wait);
                }
            }
        }
    }
    reached.retain(|_, message| status::is_to_customer(message));
    let until = Until {
        message_id: reached.keys().next_back().copied().filter(|_| status == DeliveryStatus::Read),
        time: said.through.as_ref().map(time::to_micros),
    };
    until.extend(tx, &channel.conversation_id, status, &mut reached)?;
    let mut changed = false;
    for message in reached.into_values() {
        changed |= status::advance(tx, message, status, String::new())?;
    }
    Ok(if changed { Verdict::Accepted } else { Verdict::Ignored("it says nothing new".into()) })
}

/// The status of a message that a plugin says got that far; `None` for what no receipt says.
pub(super) fn status_of(state: DeliveryState) -> Option<DeliveryStatus> {
    match state {
        DeliveryState::Delivered => Some(DeliveryStatus::Delivered),
        DeliveryState::Read => Some(DeliveryStatus::Read),
        DeliveryState::Unspecified
        | DeliveryState::Sent
        | DeliveryState::Failed
        | DeliveryState::Uncertain => None,
    }
}

/// How far a receipt goes that stands for more than it names.
struct Until {
    /// This message and all before it.
    message_id: Option<u64>,
    /// All up to this time, in microseconds since the epoch.
    time: Option<i64>,
}

impl Until {
    /// Adds the newest messages that this says got as far as `status`, and that are not known to be.
    fn extend(
        &self,
        tx: &Tx<'_>,
        conversation_id: &str,
        status: DeliveryStatus,
        reached: &mut BTreeMap<u64, Message>,
    ) -> Result<(), Error> {
        if self.message_id.is_none() && self.time.is_none() {
            return Ok(());
        }
        let before = match status {
            DeliveryStatus::Read => DeliveryStatus::Delivered,
            _ => DeliveryStatus::Sent,
        };
        let on_their_way = messages::on_their_way(tx, conversation_id, before, CHANGED)?;
        let covered = on_their_way.into_iter().filter(|message| self.covers(message));
        reached.extend(covered.map(|message| (message.id, message)));
        Ok(())
    }

    fn covers(&self, message: &Message) -> bool {
        let stored_at = message.created_at.as_ref().map_or(i64::MAX, time::to_micros);
        self.message_id.is_some_and(|newest| message.id <= newest)
            || self.time.is_some_and(|newest| stored_at <= newest)
    }
}
