//! Storing a message once nothing is left to refuse: the one way of every message, whether it was sent by a user or came in
//! by [`crate::channel`].

use causeway_kit::{Error, store::Tx};
use causeway_proto::{
    chat::{Author, ConversationKind, DeliveryStatus, Message, MessageCreated, User},
    event::{Source, event},
    topic::Topic,
};

use crate::{conversations, draft::Content, idempotency, messages, seats::Seat, support, users};

/// A message whose sender has a place, and for which nothing is left to refuse.
pub(crate) struct Letter {
    /// `Unspecified` outside support conversations.
    pub(crate) author: Author,
    pub(crate) content: Content,
    /// A message of the same conversation.
    pub(crate) reply_to: Option<u64>,
    /// Empty when there is none.
    pub(crate) client_message_id: String,
    /// Whether the customer of a support conversation has it by other means than ours.
    pub(crate) has_gone_out: bool,
}

/// Stores a message and tells the conversation, and does what follows where it is one with a customer.
pub(crate) fn post(tx: &mut Tx<'_>, seat: &Seat, letter: Letter) -> Result<Message, Error> {
    let customer = customer_of(tx, seat)?;
    tx.foresee_event(Topic::Conversation(&seat.conversation.id))?;
    let message = store(tx, seat, compose(tx, seat, customer, letter))?;
    let body = event::Body::MessageCreated(MessageCreated { message: Some(message.clone()) });
    tx.append(Source::Chat, Topic::Conversation(&seat.conversation.id), body)?;
    if seat.conversation.kind == ConversationKind::Support {
        support::follow(tx, seat.conversation.clone(), &message)?;
    }
    Ok(message)
}

fn customer_of(tx: &Tx<'_>, seat: &Seat) -> Result<Option<User>, Error> {
    match &seat.conversation.customer_id {
        Some(id) if *id == seat.user.id => Ok(Some(seat.user.clone())),
        Some(id) => users::find(tx, id),
        None => Ok(None),
    }
}

fn compose(tx: &Tx<'_>, seat: &Seat, customer: Option<User>, letter: Letter) -> Message {
    // What people of ours write to a customer on a channel goes out there.
    let is_outbound =
        letter.author != Author::Customer && customer.as_ref().is_some_and(|it| !it.source.is_empty());
    let delivery_status = match (is_outbound, letter.has_gone_out) {
        (true, false) => DeliveryStatus::Pending,
        (true, true) => DeliveryStatus::Sent,
        (false, _) => DeliveryStatus::Unspecified,
    };
    Message {
        id: 0,
        conversation_id: seat.conversation.id.clone(),
        conversation_kind: seat.conversation.kind.into(),
        sender: Some(seat.user.clone()),
        content: letter.content.text,
        content_type: letter.content.kind,
        attachments: letter.content.attachments,
        metadata: letter.content.metadata,
        reply_to: letter.reply_to,
        client_message_id: letter.client_message_id,
        author: letter.author.into(),
        customer,
        is_answered: false,
        delivery_status: delivery_status.into(),
        delivery_error: String::new(),
        created_at: Some(tx.now()),
        updated_at: Some(tx.now()),
        edited_at: None,
        deleted_at: None,
        reactions: Vec::new(),
        read_by: Vec::new(),
    }
}

/// Stores a message, its key, and that it is the conversation's newest.
fn store(tx: &Tx<'_>, seat: &Seat, mut message: Message) -> Result<Message, Error> {
    let id = messages::insert(tx, &message, &seat.user.id)?;
    message.id = id.unsigned_abs();
    if !message.client_message_id.is_empty() {
        idempotency::remember(tx, &seat.user.id, &message.client_message_id, id)?;
    }
    conversations::note_message(tx, &seat.conversation.id, id)?;
    Ok(message)
}
