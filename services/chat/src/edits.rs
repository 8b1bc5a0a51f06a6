//! Changing and deleting messages.

use causeway_kit::{Error, store::Tx};
use causeway_proto::{
    chat::{
        ConversationKind, DeleteMessageRequest, DeleteMessageResponse, EditMessageRequest,
        EditMessageResponse, Message, MessageDeleted, MessageEdited, Role,
    },
    event::{Source, event},
    id::Given,
    topic::Topic,
};

use crate::{
    channel::{outbound, status},
    ids, limits, messages, search,
    seats::{self, Seat},
    unread,
};

/// A message that a user wants to change, where the user sees it.
struct Target {
    message_id: u64,
    conversation: Given,
    user: Given,
}

impl Target {
    fn read(message_id: u64, conversation_id: &str, user_id: &str) -> Result<Self, Error> {
        Ok(Self {
            message_id,
            conversation: ids::read("conversation_id", conversation_id)?,
            user: ids::read("user_id", user_id)?,
        })
    }

    fn find(&self, tx: &Tx<'_>) -> Result<(Seat, Message), Error> {
        let seat = seats::take(tx, &self.conversation, &self.user)?;
        let message = messages::get(tx, &seat.conversation.id, self.message_id)?;
        Ok((seat, message))
    }
}

fn is_sender(seat: &Seat, message: &Message) -> bool {
    message.sender.as_ref().is_some_and(|sender| sender.id == seat.user.id)
}

/// A new text for a message.
pub(crate) struct Edit {
    target: Target,
    content: String,
}

impl Edit {
    /// Checks what can be checked without the store.
    pub(crate) fn read(request: EditMessageRequest) -> Result<Self, Error> {
        limits::filled("content", &request.content, limits::CONTENT)?;
        let target = Target::read(request.message_id, &request.conversation_id, &request.user_id)?;
        Ok(Self { target, content: request.content })
    }

    /// Changes the text.
    pub(crate) fn run(self, tx: &mut Tx<'_>) -> Result<EditMessageResponse, Error> {
        let (seat, message) = self.target.find(tx)?;
        if !is_sender(&seat, &message) {
            return Err(Error::denied("only its sender edits a message"));
        }
        if message.deleted_at.is_some() {
            return Err(Error::conflict("the message is deleted"));
        }
        let message = change(tx, message, self.content)?;
        outbound::edit(tx, &message)?;
        Ok(EditMessageResponse { message: Some(message) })
    }
}

/// The end of a message's content.
pub(crate) struct Delete {
    target: Target,
}

impl Delete {
    /// Checks what can be checked without the store.
    pub(crate) fn read(request: DeleteMessageRequest) -> Result<Self, Error> {
        let target = Target::read(request.message_id, &request.conversation_id, &request.user_id)?;
        Ok(Self { target })
    }

    /// Takes the content away. A message that is deleted already stays as it is.
    pub(crate) fn run(self, tx: &mut Tx<'_>) -> Result<DeleteMessageResponse, Error> {
        let (seat, message) = self.target.find(tx)?;
        if !is_sender(&seat, &message) && seat.role != Role::Admin {
            return Err(Error::denied("only its sender or an admin deletes a message"));
        }
        if message.deleted_at.is_some() {
            return Ok(DeleteMessageResponse { deleted_at: message.deleted_at });
        }
        let message = take_away(tx, message, &seat.user.id)?;
        outbound::delete(tx, &message)?;
        Ok(DeleteMessageResponse { deleted_at: message.deleted_at })
    }
}

/// Gives a message that is not deleted another text, and tells the conversation.
pub(crate) fn change(tx: &mut Tx<'_>, mut message: Message, text: String) -> Result<Message, Error> {
    message.content = text;
    message.updated_at = Some(tx.now());
    message.edited_at = Some(tx.now());
    messages::update(tx, &message, None)?;
    search::update(tx, &message)?;
    let body = event::Body::MessageEdited(MessageEdited { message: Some(message.clone()) });
    tx.append(Source::Chat, Topic::Conversation(&message.conversation_id), body)?;
    Ok(message)
}

/// Takes the content of a message away that is not deleted yet, and tells the conversation that `user_id` did.
pub(crate) fn take_away(tx: &mut Tx<'_>, mut message: Message, user_id: &str) -> Result<Message, Error> {
    message.content.clear();
    message.attachments.clear();
    message.metadata.clear();
    message.updated_at = Some(tx.now());
    message.deleted_at = Some(tx.now());
    messages::update(tx, &message, Some(tx.now_micros()))?;
    status::let_go(tx, &mut message)?;
    search::forget(tx, message.id)?;
    if message.conversation_kind() == ConversationKind::Support {
        unread::forget(tx, &message.conversation_id)?;
    }
    let body = event::Body::MessageDeleted(MessageDeleted {
        message_id: message.id,
        conversation_id: message.conversation_id.clone(),
        conversation_kind: message.conversation_kind,
        user_id: user_id.to_owned(),
        deleted_at: message.deleted_at,
    });
    tx.append(Source::Chat, Topic::Conversation(&message.conversation_id), body)?;
    Ok(message)
}
