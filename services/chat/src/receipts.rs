//! Who has read how far, and whom messages reached. Both are cumulative: a message stands for all before it.

use causeway_kit::{Error, store::Tx};
use causeway_proto::{
    chat::{
        MarkReadRequest, MarkReadResponse, MessagesDelivered, MessagesRead, ReportDeliveredRequest,
        ReportDeliveredResponse,
    },
    event::{Source, event},
    id::Given,
    time,
    topic::Topic,
};

use crate::{
    ids, messages, participants,
    seats::{self, Seat},
};

/// Most messages that one report names. Somebody who comes back to more was told of the others by history.
const REPORTED: u32 = 1_000;

/// A user has read.
pub(crate) struct Reading {
    conversation: Given,
    user: Given,
    message_id: Option<u64>,
}

impl Reading {
    /// Checks what can be checked without the store.
    pub(crate) fn read(request: MarkReadRequest) -> Result<Self, Error> {
        Ok(Self {
            conversation: ids::read("conversation_id", &request.conversation_id)?,
            user: ids::read("user_id", &request.user_id)?,
            message_id: request.message_id,
        })
    }

    /// Moves the user's mark; what is read already changes nothing.
    pub(crate) fn run(self, tx: &mut Tx<'_>) -> Result<MarkReadResponse, Error> {
        let seat = seats::take(tx, &self.conversation, &self.user)?;
        let until = match self.message_id {
            Some(id) => messages::require(tx, &seat.conversation.id, id)?,
            None => seat.conversation.last_message_id.unwrap_or(0),
        };
        if until <= seat.read_message_id {
            let read_at = seat.read_at.map_or_else(|| tx.now(), time::from_micros);
            return Ok(MarkReadResponse { changed: false, read_at: Some(read_at) });
        }
        participants::note_read(tx, &seat.conversation.id, &seat.user.id, until)?;
        let body = event::Body::MessagesRead(MessagesRead {
            message_id: until.unsigned_abs(),
            conversation_id: seat.conversation.id.clone(),
            conversation_kind: seat.conversation.kind.into(),
            user: Some(seat.user),
            read_at: Some(tx.now()),
        });
        tx.append(Source::Chat, Topic::Conversation(&seat.conversation.id), body)?;
        Ok(MarkReadResponse { changed: true, read_at: Some(tx.now()) })
    }
}

/// Messages reached a socket of a user.
pub(crate) struct Delivered {
    conversation: Given,
    user: Given,
    message_id: u64,
}

impl Delivered {
    /// Checks what can be checked without the store.
    pub(crate) fn read(request: ReportDeliveredRequest) -> Result<Self, Error> {
        Ok(Self {
            conversation: ids::read("conversation_id", &request.conversation_id)?,
            user: ids::read("user_id", &request.user_id)?,
            message_id: request.message_id,
        })
    }

    /// Moves the user's mark, and tells the senders of what was passed, unless the conversation has more participants than
    /// `delivery_limit`.
    pub(crate) fn run(self, tx: &mut Tx<'_>, delivery_limit: u32) -> Result<ReportDeliveredResponse, Error> {
        let (conversation_id, user_id) =
            (ids::conversation(tx, &self.conversation)?, ids::user(tx, &self.user)?);
        messages::foresee(tx, &conversation_id, self.message_id)?;
        let seat = seats::find(tx, &conversation_id, &user_id)?;
        let until = messages::require(tx, &conversation_id, self.message_id)?;
        if until > seat.delivered_message_id {
            participants::note_delivered(tx, &seat.conversation.id, &seat.user.id, until)?;
            if seat.conversation.participant_count <= delivery_limit {
                report(tx, &seat, until)?;
            }
        }
        Ok(ReportDeliveredResponse {})
    }
}

/// One event for each sender, in the order of their first messages.
fn report(tx: &mut Tx<'_>, seat: &Seat, until: i64) -> Result<(), Error> {
    let (conversation_id, user_id) = (&seat.conversation.id, &seat.user.id);
    let passed = (seat.delivered_message_id, until);
    let mut by_sender: Vec<(String, Vec<u64>)> = Vec::new();
    tx.foresee_event(Topic::Conversation(conversation_id))?;
    for (id, sender_id) in messages::arrived(tx, conversation_id, user_id, passed, REPORTED)? {
        match by_sender.iter_mut().find(|(known, _)| *known == sender_id) {
            Some((_, message_ids)) => message_ids.push(id),
            None => by_sender.push((sender_id, vec![id])),
        }
    }
    for (sender_id, message_ids) in by_sender {
        let body = event::Body::MessagesDelivered(MessagesDelivered {
            message_ids,
            conversation_id: conversation_id.clone(),
            sender_id,
            user_id: user_id.clone(),
            delivered_at: Some(tx.now()),
        });
        tx.append(Source::Chat, Topic::Conversation(conversation_id), body)?;
    }
    Ok(())
}
