//! Messages that come in: what customers wrote, and what was written to them by other means than this service.

use std::time::Duration;

use causeway_kit::{
    Error,
    plugin_host::{Verdict, is_in_hand},
    store::Tx,
};
use causeway_proto::{
    chat::Author,
    plugin::{Customer, CustomerMessage, OwnMessage},
};

use super::{
    customers::{self, Channel},
    early::{self, Early},
    files, guests,
    inbound::{Origin, check_customer, check_message},
    known,
};
use crate::{
    draft::Content,
    post::{self, Letter},
    seats::{self, Seat},
    settings::Settings,
};

/// How long a plugin waits before it asks again about a message that may be one of those in its hand.
const IN_HAND: Duration = Duration::from_millis(500);

/// A customer wrote.
pub(super) fn by_customer(
    tx: &mut Tx<'_>,
    from: &Origin<'_>,
    said: CustomerMessage,
    settings: &Settings,
) -> Result<Verdict, Error> {
    let customer = checked(said.customer, "customer_message.customer")?;
    check_message("customer_message.message_id", &said.message_id)?;
    let allow_http = settings.allow_http_attachments;
    let text = match early::take(tx, from, &customer.id, &said.message_id)? {
        None => said.text,
        Some(Early::Edited(text)) => text,
        Some(Early::Deleted) => return Ok(gone()),
    };
    let content = files::content(text, said.files, said.metadata, allow_http)?;
    let seat = match customers::find_writing(tx, from, &customer.id)? {
        Some(channel) => {
            if known::message(tx, &channel.conversation_id, &said.message_id)?.is_some() {
                return Ok(Verdict::Duplicate);
            }
            customers::place(tx, &channel, customer, allow_http)?
        }
        None => customers::make(tx, from, customer, Some(from.time), settings)?,
    };
    let incoming = Incoming { author: Author::Customer, content, reply_to: said.reply_to };
    incoming.store(tx, &seat, &said.message_id)
}

/// Somebody of ours wrote to a customer at the provider itself, or through another tool. While a delivery to the customer is
/// in hand it may be that one, whose id is not reported yet.
pub(super) fn elsewhere(
    tx: &mut Tx<'_>,
    from: &Origin<'_>,
    said: OwnMessage,
    settings: &Settings,
) -> Result<Verdict, Error> {
    let customer = checked(said.customer, "own_message.customer")?;
    check_message("own_message.message_id", &said.message_id)?;
    let allow_http = settings.allow_http_attachments;
    let channel = customers::find(tx, from, &customer.id)?;
    if let Some(channel) = &channel {
        if known::message(tx, &channel.conversation_id, &said.message_id)?.is_some() {
            return Ok(Verdict::Duplicate);
        }
        if let Some(wait) = may_be_in_hand(tx, channel)? {
            return Ok(wait);
        }
    }
    let text = match early::take(tx, from, &customer.id, &said.message_id)? {
        None => said.text,
        Some(Early::Edited(text)) => text,
        Some(Early::Deleted) => return Ok(gone()),
    };
    let content = files::content(text, said.files, String::new(), allow_http)?;
    let place = match channel {
        Some(channel) => customers::place(tx, &channel, customer, allow_http)?,
        None => customers::make(tx, from, customer, None, settings)?,
    };
    let seat = seats::guest(place.conversation, guests::account(tx, from.plugin, from.account)?);
    let incoming = Incoming { author: Author::Support, content, reply_to: said.reply_to };
    incoming.store(tx, &seat, &said.message_id)
}

/// What a message comes to that was taken back before it came.
fn gone() -> Verdict {
    Verdict::Ignored("it was taken back before it came".into())
}

/// The answer to an event about a message that is not known, when a delivery to its customer is in hand: it may be that one.
pub(super) fn may_be_in_hand(tx: &Tx<'_>, channel: &Channel) -> Result<Option<Verdict>, Error> {
    let in_hand = is_in_hand(tx, &channel.plugin, &channel.conversation_id)?;
    Ok(in_hand.then_some(Verdict::NotYet(IN_HAND)))
}

fn checked(customer: Option<Customer>, field: &'static str) -> Result<Customer, Error> {
    let customer = customer.ok_or_else(|| Error::invalid(field, "is required"))?;
    check_customer(field, &customer.id)?;
    Ok(customer)
}

/// A message that the provider has already.
struct Incoming {
    author: Author,
    content: Content,
    /// The provider's id; empty when it answers none.
    reply_to: String,
}

impl Incoming {
    fn store(self, tx: &mut Tx<'_>, seat: &Seat, provider_message_id: &str) -> Result<Verdict, Error> {
        let conversation_id = &seat.conversation.id;
        let reply_to = match self.reply_to.as_str() {
            "" => None,
            answered => known::message(tx, conversation_id, answered)?,
        };
        let letter = Letter {
            author: self.author,
            content: self.content,
            reply_to: reply_to.map(i64::unsigned_abs),
            client_message_id: String::new(),
            has_gone_out: true,
        };
        let message = post::post(tx, seat, letter)?;
        known::note(tx, conversation_id, message.id, provider_message_id)?;
        Ok(Verdict::Accepted)
    }
}
