//! Sending a message: the hot path of the service.
//!
//! A batch of messages is one write job without savepoints between them. Hence the order in here: everything that a message
//! can be refused for is checked before the first thing is written for it, so that a refusal leaves nothing behind.
//! [`post`] is the part after that.

use causeway_kit::{Error, store::Tx};
use causeway_proto::{
    chat::{Author, ConversationKind, DirectMessageCreated, Message, SendMessageResponse},
    event::{Source, event},
    id::Given,
    topic::Topic,
};

use crate::{
    away::Owed,
    conversations, creation,
    draft::{Draft, To},
    idempotency, ids, messages, participants,
    post::{self, Letter},
    seats::{self, Seat},
    settings::Settings,
    users,
};

/// Stores one message.
pub(crate) fn send_one(
    tx: &mut Tx<'_>,
    draft: Draft,
    settings: &Settings,
) -> Result<SendMessageResponse, Error> {
    let mut owed = Owed::new(settings.on_message);
    let answer = send(tx, draft, settings, &mut owed)?;
    owed.write(tx)?;
    Ok(answer)
}

/// Stores a message and says so, or answers with what the sender's key stands for already. What the message owes is added to
/// `owed`.
pub(crate) fn send(
    tx: &mut Tx<'_>,
    draft: Draft,
    settings: &Settings,
    owed: &mut Owed,
) -> Result<SendMessageResponse, Error> {
    let sender_id = ids::user(tx, &draft.sender)?;
    if !draft.client_message_id.is_empty() {
        if let To::Conversation(Given::Canonical(id)) = &draft.to {
            seats::foresee(tx, id, &sender_id)?;
        }
        let since = idempotency::horizon(tx.now_micros(), settings.idempotency);
        if let Some(message) = idempotency::find(tx, &sender_id, &draft.client_message_id, since)? {
            return Ok(SendMessageResponse { message: Some(message), duplicate: true });
        }
    }
    let (seat, recipient_id) = find_place(tx, &draft, &sender_id, settings)?;
    let author = author_of(&seat, draft.author)?;
    if let Some(id) = draft.reply_to {
        messages::require(tx, &seat.conversation.id, id)?;
    }
    let letter = Letter {
        author,
        content: draft.content,
        reply_to: draft.reply_to,
        client_message_id: draft.client_message_id,
        has_gone_out: false,
    };
    let message = post::post(tx, &seat, letter)?;
    tell_pair(tx, &seat, &message, recipient_id, &draft.origin)?;
    if seat.conversation.kind != ConversationKind::Support {
        owed.add(&seat.conversation, &message);
    }
    Ok(SendMessageResponse { message: Some(message), duplicate: false })
}

/// The sender's seat where the message goes, and the person to whom it is addressed. A one-to-one conversation that is
/// missing is made here, after which nothing can be refused.
fn find_place(
    tx: &mut Tx<'_>,
    draft: &Draft,
    sender_id: &str,
    settings: &Settings,
) -> Result<(Seat, Option<String>), Error> {
    match &draft.to {
        To::Conversation(given) => {
            let id = ids::conversation(tx, given)?;
            Ok((seats::find(tx, &id, sender_id)?, None))
        }
        To::PersonIn { person, conversation } => {
            let recipient_id = recipient(tx, person, sender_id)?;
            let id = ids::conversation(tx, conversation)?;
            let seat = seats::find(tx, &id, sender_id)?;
            if !participants::has(tx, &id, &recipient_id)? {
                return Err(conversations::not_found());
            }
            Ok((seat, Some(recipient_id)))
        }
        To::Person(person) => {
            let recipient_id = recipient(tx, person, sender_id)?;
            let pair = conversations::pair(sender_id, &recipient_id);
            let id = match conversations::find_pair(tx, &pair)? {
                Some(id) => id,
                None => open_pair(tx, draft, [sender_id, &recipient_id], settings)?,
            };
            Ok((seats::find(tx, &id, sender_id)?, Some(recipient_id)))
        }
    }
}

fn recipient(tx: &Tx<'_>, person: &Given, sender_id: &str) -> Result<String, Error> {
    let recipient_id = ids::user(tx, person)?;
    if recipient_id == sender_id {
        return Err(Error::invalid("recipient_id", "must not be the sender"));
    }
    Ok(recipient_id)
}

/// Makes the one-to-one conversation of two users, unless the message that it is for would be refused in it.
fn open_pair(
    tx: &mut Tx<'_>,
    draft: &Draft,
    [sender_id, recipient_id]: [&str; 2],
    settings: &Settings,
) -> Result<String, Error> {
    let users = [users::get(tx, sender_id)?, users::get(tx, recipient_id)?];
    if draft.author != Author::Unspecified {
        return Err(author_outside_support());
    }
    if draft.reply_to.is_some() {
        return Err(Error::not_found("message"));
    }
    creation::open_pair(tx, users, settings)
}

/// On whose behalf a message is written.
fn author_of(seat: &Seat, requested: Author) -> Result<Author, Error> {
    if seat.conversation.kind != ConversationKind::Support {
        return if requested == Author::Unspecified { Ok(requested) } else { Err(author_outside_support()) };
    }
    match (requested, seat.is_customer()) {
        (Author::Unspecified | Author::Customer, true) => Ok(Author::Customer),
        (Author::Unspecified, false) => Ok(Author::Support),
        (Author::Customer, false) => {
            Err(Error::invalid("author", "is CUSTOMER only when the customer sends"))
        }
        (_, true) => Err(Error::invalid("author", "is CUSTOMER when the customer sends")),
        (author, false) => Ok(author),
    }
}

fn author_outside_support() -> Error {
    Error::invalid("author", "is only for support conversations")
}

/// Tells the two users of a one-to-one conversation, wherever they are, of a new message.
fn tell_pair(
    tx: &mut Tx<'_>,
    seat: &Seat,
    message: &Message,
    recipient_id: Option<String>,
    origin: &str,
) -> Result<(), Error> {
    let addressed = recipient_id.is_some();
    let Some(peer_id) = recipient_id.or_else(|| peer_of(seat)) else { return Ok(()) };
    let sender_id = &seat.user.id;
    for (user_id, peer_id) in [(sender_id, &peer_id), (&peer_id, sender_id)] {
        let body = event::Body::DirectMessageCreated(DirectMessageCreated {
            message: Some(message.clone()),
            peer_id: peer_id.clone(),
            addressed,
            origin: origin.to_owned(),
        });
        tx.append(Source::Chat, Topic::User(user_id), body)?;
    }
    Ok(())
}

/// The other user of a one-to-one conversation.
fn peer_of(seat: &Seat) -> Option<String> {
    let (low, high) = seat.conversation.pair.as_ref()?;
    Some(if *low == seat.user.id { high.clone() } else { low.clone() })
}
