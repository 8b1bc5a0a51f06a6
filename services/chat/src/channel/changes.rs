//! What happens at a provider to messages that are there: edits, deletions, reactions.
//!
//! Nothing of this is owed back to the channel, where it comes from.

use causeway_kit::{Error, plugin_host::Verdict, store::Tx};
use causeway_proto::{
    chat::{Author, Message, ReactRequest},
    plugin::{MessageDeletion, MessageEdit, MessageReaction},
};

use super::{
    customers::{self, Channel},
    early::{self, Early},
    inbound::{Origin, check_customer, check_message},
    known,
    written::may_be_in_hand,
};
use crate::{
    edits, limits, messages,
    reactions::{self, React},
};

/// A message that an event names.
enum Named {
    Found(Channel, Box<Message>),
    /// It is not known, or not yet.
    Unknown,
    /// It may be one of which is not known yet what the provider calls it.
    NotYet(Verdict),
}

fn find(
    tx: &Tx<'_>,
    from: &Origin<'_>,
    customer_ref: &str,
    provider_message_id: &str,
) -> Result<Named, Error> {
    check_customer("event.customer_id", customer_ref)?;
    check_message("event.message_id", provider_message_id)?;
    let Some(channel) = customers::find(tx, from, customer_ref)? else {
        return Ok(Named::Unknown);
    };
    let id = known::message(tx, &channel.conversation_id, provider_message_id)?;
    match id.map(|id| messages::find(tx, id)).transpose()?.flatten() {
        Some(message) => Ok(Named::Found(channel, Box::new(message))),
        None => Ok(may_be_in_hand(tx, &channel)?.map_or(Named::Unknown, Named::NotYet)),
    }
}

/// Whether the provider has a message of ours in several parts, of which it says something of one.
fn is_in_parts(tx: &Tx<'_>, message: &Message) -> Result<bool, Error> {
    Ok(known::parts(tx, message.id)?.len() > 1)
}

/// A message has a new text.
pub(super) fn edit(tx: &mut Tx<'_>, from: &Origin<'_>, said: MessageEdit) -> Result<Verdict, Error> {
    let message = match find(tx, from, &said.customer_id, &said.message_id)? {
        Named::Found(_, message) => *message,
        Named::NotYet(wait) => return Ok(wait),
        Named::Unknown => {
            limits::text("message_edit.text", &said.text, limits::CONTENT)?;
            return early::keep(tx, from, &said.customer_id, &said.message_id, &Early::Edited(said.text));
        }
    };
    if message.deleted_at.is_some() {
        return Ok(Verdict::Ignored("the message is deleted".into()));
    }
    if is_in_parts(tx, &message)? {
        return Ok(Verdict::Ignored("only a part of the message was edited".into()));
    }
    if message.content == said.text {
        return Ok(Verdict::Ignored("the text is the same".into()));
    }
    if message.attachments.is_empty() {
        limits::filled("message_edit.text", &said.text, limits::CONTENT)?;
    } else {
        limits::text("message_edit.text", &said.text, limits::CONTENT)?;
    }
    edits::change(tx, message, said.text)?;
    Ok(Verdict::Accepted)
}

/// A message is gone.
pub(super) fn delete(tx: &mut Tx<'_>, from: &Origin<'_>, said: MessageDeletion) -> Result<Verdict, Error> {
    let (channel, message) = match find(tx, from, &said.customer_id, &said.message_id)? {
        Named::Found(channel, message) => (channel, *message),
        Named::NotYet(wait) => return Ok(wait),
        Named::Unknown => return early::keep(tx, from, &said.customer_id, &said.message_id, &Early::Deleted),
    };
    if message.deleted_at.is_some() {
        return Ok(Verdict::Duplicate);
    }
    if is_in_parts(tx, &message)? {
        return Ok(Verdict::Ignored("only a part of the message was deleted".into()));
    }
    let deleted_by = match message.author() {
        Author::Customer => channel.user_id,
        Author::Unspecified | Author::Support | Author::Ai | Author::Marketing => {
            message.sender.clone().unwrap_or_default().id
        }
    };
    edits::take_away(tx, message, &deleted_by)?;
    Ok(Verdict::Accepted)
}

/// A customer reacted, or took that back.
pub(super) fn react(tx: &mut Tx<'_>, from: &Origin<'_>, said: MessageReaction) -> Result<Verdict, Error> {
    let (channel, message) = match find(tx, from, &said.customer_id, &said.message_id)? {
        Named::Found(channel, message) => (channel, message),
        Named::NotYet(wait) => return Ok(wait),
        Named::Unknown => return Ok(Verdict::Ignored("the message is not known".into())),
    };
    if message.deleted_at.is_some() {
        return Ok(Verdict::Ignored("the message is deleted".into()));
    }
    let names = if said.added || !said.reaction.is_empty() {
        vec![said.reaction]
    } else {
        reactions::of_user(tx, message.id, &channel.user_id)?
    };
    let mut changed = false;
    for reaction in names {
        let request = ReactRequest {
            message_id: message.id,
            conversation_id: channel.conversation_id.clone(),
            user_id: channel.user_id.clone(),
            reaction,
            add: said.added,
        };
        changed |= React::read(request)?.run(tx)?.changed;
    }
    Ok(if changed { Verdict::Accepted } else { Verdict::Duplicate })
}
