//! What the channel of a customer is owed for messages of ours. The outbox carries out what is owed for one conversation in
//! order, so an edit never overtakes its message.

use causeway_kit::{
    Error,
    plugin_host::{is_in_hand, owe},
    store::Tx,
};
use causeway_proto::{
    chat::{DeliveryStatus, Message},
    time,
};
use prost::Message as _;

use super::{
    customers::{self, Channel},
    known, status,
};
use crate::ids;

/// What a plugin is owed, as the outbox keeps it: which message, and what is to be done about it. What it says is read when the
/// delivery is due.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Errand {
    /// The message.
    #[prost(int64, tag = "1")]
    pub(super) message_id: i64,
    /// What is to be done.
    #[prost(enumeration = "Task", tag = "2")]
    pub(super) task: i32,
    /// For an edit: when it was made, in microseconds since the epoch.
    #[prost(int64, tag = "3")]
    pub(super) edited_at: i64,
}

/// What is to be done about a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub(super) enum Task {
    /// What a newer version owed; nothing is done.
    Unspecified = 0,
    /// It goes out to the customer.
    Send = 1,
    /// Its text has changed since it went out.
    Edit = 2,
    /// It was deleted after it went out.
    Delete = 3,
    /// An agent is told of it.
    Tell = 4,
}

impl Errand {
    /// Something to be done about a message.
    pub(super) fn new(message: &Message, task: Task) -> Result<Self, Error> {
        let message_id = ids::message(message.id).ok_or_else(|| Error::internal("a message has no id"))?;
        Ok(Self { message_id, task: task.into(), edited_at: 0 })
    }
}

/// Has a message that was stored just now go out, where it waits for its channel and a plugin serves that.
pub(crate) fn send(tx: &mut Tx<'_>, message: &Message) -> Result<(), Error> {
    if message.delivery_status() != DeliveryStatus::Pending {
        return Ok(());
    }
    let Some(channel) = customers::of_conversation(tx, &message.conversation_id)? else { return Ok(()) };
    put(tx, &channel, &Errand::new(message, Task::Send)?)
}

/// Has the customer see the new text of a message. One that has not gone out yet goes out with it anyway.
pub(crate) fn edit(tx: &mut Tx<'_>, message: &Message) -> Result<(), Error> {
    let Some(channel) = channel_that_has(tx, message)? else { return Ok(()) };
    let edited_at = message.edited_at.as_ref().map_or(0, time::to_micros);
    put(tx, &channel, &Errand { edited_at, ..Errand::new(message, Task::Edit)? })
}

/// Has a message disappear at the customer's. One that has not gone out yet does not go out any more.
pub(crate) fn delete(tx: &mut Tx<'_>, message: &Message) -> Result<(), Error> {
    let Some(channel) = channel_that_has(tx, message)? else { return Ok(()) };
    put(tx, &channel, &Errand::new(message, Task::Delete)?)
}

/// The channel to which a message of ours went out, or may be going out just now.
fn channel_that_has(tx: &Tx<'_>, message: &Message) -> Result<Option<Channel>, Error> {
    if !status::is_to_customer(message) {
        return Ok(None);
    }
    let Some(channel) = customers::of_conversation(tx, &message.conversation_id)? else { return Ok(None) };
    let is_there = !known::parts(tx, message.id)?.is_empty()
        || is_in_hand(tx, &channel.plugin, &channel.conversation_id)?;
    Ok(is_there.then_some(channel))
}

fn put(tx: &mut Tx<'_>, channel: &Channel, errand: &Errand) -> Result<(), Error> {
    let payload = errand.encode_to_vec();
    owe(tx, &channel.plugin, &channel.conversation_id, &channel.account, payload).map(drop)
}
