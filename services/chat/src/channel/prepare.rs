//! What is handed to a plugin when a delivery is due.

use causeway_kit::{
    Error,
    plugin_host::{Owed, Prepared},
    store::Reader,
};
use causeway_proto::{
    chat::{Author, DeliveryStatus, Message},
    plugin::{
        Capabilities, DeleteDelivery, Delivery, EditDelivery, FileDelivery, TextDelivery, Voice,
        delivery::Body,
    },
    time,
};
use prost::Message as _;

use super::{
    agents,
    customers::{self, Channel},
    known,
    outbound::{Errand, Task},
    parts::{self, Part},
};
use crate::messages;

/// Looks at what is owed, as things are now.
pub(super) fn prepare(reader: &Reader<'_>, owed: &Owed, can: &Capabilities) -> Result<Prepared, Error> {
    let errand = Errand::decode(owed.payload.as_slice()).map_err(Error::internal)?;
    let Some(message) = messages::find(reader, errand.message_id)? else { return Ok(Prepared::Nothing) };
    let is_deleted = message.deleted_at.is_some();
    if errand.task() == Task::Tell {
        return Ok(if is_deleted { Prepared::Nothing } else { agents::told(message) });
    }
    let channel = customers::of_conversation(reader, &message.conversation_id)?;
    let Some(channel) = channel.filter(|channel| channel.plugin == owed.plugin) else {
        return Ok(Prepared::Nothing);
    };
    match (errand.task(), is_deleted) {
        (Task::Send, false) => send(reader, &channel, &message, owed.part, can),
        (Task::Edit, false) if can.can_edit => edit(reader, &channel, &message, errand.edited_at, can),
        (Task::Delete, true) if can.can_delete => delete(reader, &channel, &message, owed.part),
        (Task::Send | Task::Edit | Task::Delete | Task::Tell | Task::Unspecified, _) => Ok(Prepared::Nothing),
    }
}

/// The next part of a message.
fn send(
    reader: &Reader<'_>,
    channel: &Channel,
    message: &Message,
    part: u32,
    can: &Capabilities,
) -> Result<Prepared, Error> {
    let Ok(mut parts) = parts::of(message, can) else {
        return Ok(impossible("attachment", "the channel takes neither the file nor its address"));
    };
    let count = u32::try_from(parts.len()).map_err(Error::internal)?;
    if part >= count {
        return Ok(impossible("edited", "the message was made shorter while it was being sent"));
    }
    let reply_to = match message.reply_to {
        Some(answered) if part == 0 => name_of(reader, answered)?,
        Some(_) | None => String::new(),
    };
    let voice = voice(message.author()).into();
    let body = match parts.swap_remove(usize::try_from(part).map_err(Error::internal)?) {
        Part::Text(text) => Body::Text(TextDelivery { text, reply_to, voice }),
        Part::File(file) => Body::File(FileDelivery { file: Some(file), reply_to, voice }),
    };
    Ok(deliver(channel, body, count))
}

/// The provider's id of a message that is answered: of its first part that has one. Empty when the provider does not know it.
fn name_of(reader: &Reader<'_>, message_id: u64) -> Result<String, Error> {
    Ok(known::parts(reader, message_id)?.into_iter().find(|id| !id.is_empty()).unwrap_or_default())
}

/// The new text of a message. A text that went out in parts, or that would have to now, cannot be changed: parts can be neither
/// added nor taken away in their place. Of several edits only the last is delivered.
fn edit(
    reader: &Reader<'_>,
    channel: &Channel,
    message: &Message,
    edited_at: i64,
    can: &Capabilities,
) -> Result<Prepared, Error> {
    let has_gone_out = matches!(
        message.delivery_status(),
        DeliveryStatus::Sent | DeliveryStatus::Delivered | DeliveryStatus::Read
    );
    let newest = message.edited_at.as_ref().map_or(0, time::to_micros);
    if !has_gone_out || newest > edited_at {
        return Ok(Prepared::Nothing);
    }
    let sent = known::parts(reader, message.id)?;
    let texts_sent = sent.len().saturating_sub(message.attachments.len());
    let (Some(message_id), 1) = (sent.into_iter().next().filter(|id| !id.is_empty()), texts_sent) else {
        return Ok(impossible("in-parts", "the text went out in several parts, or is not known there"));
    };
    let mut texts = parts::texts(&message.content, can);
    let (Some(text), true) = (texts.pop(), texts.is_empty()) else {
        return Ok(impossible("too-long", "the new text does not fit into the message that went out"));
    };
    Ok(deliver(channel, Body::Edit(EditDelivery { message_id, text }), 1))
}

/// The next part that is to disappear.
fn delete(reader: &Reader<'_>, channel: &Channel, message: &Message, part: u32) -> Result<Prepared, Error> {
    let mut sent = known::parts(reader, message.id)?;
    sent.retain(|id| !id.is_empty());
    let count = u32::try_from(sent.len()).map_err(Error::internal)?;
    let next = usize::try_from(part).ok().and_then(|at| sent.into_iter().nth(at));
    Ok(match next {
        Some(message_id) => deliver(channel, Body::Delete(DeleteDelivery { message_id }), count),
        None => Prepared::Nothing,
    })
}

fn deliver(channel: &Channel, body: Body, parts: u32) -> Prepared {
    let delivery = Delivery {
        account: channel.account.clone(),
        customer_id: channel.customer_ref.clone(),
        customer_wrote_at: channel.wrote_at.map(time::from_micros),
        body: Some(body),
        ..Delivery::default()
    };
    Prepared::Deliver { delivery: Box::new(delivery), parts }
}

fn impossible(code: &'static str, text: &str) -> Prepared {
    Prepared::Impossible { code: code.into(), text: text.to_owned() }
}

fn voice(author: Author) -> Voice {
    match author {
        Author::Ai => Voice::Ai,
        Author::Marketing => Voice::Marketing,
        Author::Unspecified | Author::Support | Author::Customer => Voice::Support,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_customer_hears_whose_voice_it_is() {
        assert_eq!(voice(Author::Support), Voice::Support);
        assert_eq!(voice(Author::Ai), Voice::Ai);
        assert_eq!(voice(Author::Marketing), Voice::Marketing);
    }
}
