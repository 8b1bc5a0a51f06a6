//! Reading messages: pages, threads, and whom a message reached.

use causeway_kit::{Error, store::Reader};
use causeway_proto::{
    chat::{
        DeliveryStatus, GetMessageStatusRequest, GetMessageStatusResponse, GetThreadRequest,
        GetThreadResponse, ListMessagesRequest, ListMessagesResponse, Message,
    },
    id::Given,
};

use crate::{conversations::Stored, ids, limits, messages, participants, reactions, seats};

/// Answers in a thread.
const REPLIES: u32 = 100;

/// Somebody who looks into a conversation: a user who must be in it, or the backend.
struct Looker {
    conversation: Given,
    user: Option<Given>,
}

impl Looker {
    fn read(conversation_id: &str, user_id: &str) -> Result<Self, Error> {
        Ok(Self {
            conversation: ids::read("conversation_id", conversation_id)?,
            user: ids::read_optional("user_id", user_id)?,
        })
    }

    fn look(&self, reader: &Reader<'_>) -> Result<Stored, Error> {
        Ok(seats::look(reader, &self.conversation, self.user.as_ref())?.0)
    }
}

/// A page of history.
pub(crate) struct Page {
    looker: Looker,
    before: Option<u64>,
    limit: u32,
}

impl Page {
    /// Checks what can be checked without the store.
    pub(crate) fn read(request: ListMessagesRequest) -> Result<Self, Error> {
        let looker = Looker::read(&request.conversation_id, &request.user_id)?;
        Ok(Self { looker, before: request.before, limit: limits::page(request.limit) })
    }

    /// Reads the page, with reactions and readers. `presence_limit` is the size up to which a conversation shows readers.
    pub(crate) fn run(self, reader: &Reader<'_>, presence_limit: u32) -> Result<ListMessagesResponse, Error> {
        let conversation = self.looker.look(reader)?;
        let before = self.before.map(|id| messages::require(reader, &conversation.id, id)).transpose()?;
        // One more than wanted tells whether there are older ones.
        let newest_first = messages::older(reader, &conversation.id, before, self.limit + 1)?;
        let (mut page, has_more) = limits::cut(newest_first, self.limit);
        page.reverse();
        for message in &mut page {
            message.reactions = reactions::of(reader, message.id)?;
        }
        if conversation.participant_count <= presence_limit {
            add_readers(reader, &conversation.id, &mut page)?;
        }
        Ok(ListMessagesResponse { messages: page, has_more })
    }
}

fn add_readers(reader: &Reader<'_>, conversation_id: &str, page: &mut [Message]) -> Result<(), Error> {
    let Some(oldest) = page.first().and_then(|message| ids::message(message.id)) else { return Ok(()) };
    let readers = participants::readers(reader, conversation_id, oldest)?;
    for message in page {
        let sender_id = message.sender.as_ref().map_or("", |sender| sender.id.as_str());
        let of_this = readers.iter().filter(|(user_id, read)| *read >= message.id && user_id != sender_id);
        message.read_by = of_this.map(|(user_id, _)| user_id.clone()).collect();
    }
    Ok(())
}

/// A message and its answers.
pub(crate) struct Thread {
    looker: Looker,
    message_id: u64,
}

impl Thread {
    /// Checks what can be checked without the store.
    pub(crate) fn read(request: GetThreadRequest) -> Result<Self, Error> {
        let looker = Looker::read(&request.conversation_id, &request.user_id)?;
        Ok(Self { looker, message_id: request.message_id })
    }

    /// Reads the thread.
    pub(crate) fn run(self, reader: &Reader<'_>) -> Result<GetThreadResponse, Error> {
        let conversation = self.looker.look(reader)?;
        let parent = messages::get(reader, &conversation.id, self.message_id)?;
        let replies = limits::fitting(messages::replies(reader, parent.id, REPLIES)?).collect();
        Ok(GetThreadResponse { parent: Some(parent), replies })
    }
}

/// The question whom a message reached.
pub(crate) struct Reach {
    looker: Looker,
    message_id: u64,
}

impl Reach {
    /// Checks what can be checked without the store.
    pub(crate) fn read(request: GetMessageStatusRequest) -> Result<Self, Error> {
        let looker = Looker::read(&request.conversation_id, &request.user_id)?;
        Ok(Self { looker, message_id: request.message_id })
    }

    /// Answers it.
    pub(crate) fn run(self, reader: &Reader<'_>) -> Result<GetMessageStatusResponse, Error> {
        let conversation = self.looker.look(reader)?;
        let message = messages::get(reader, &conversation.id, self.message_id)?;
        let message_id = messages::require(reader, &conversation.id, message.id)?;
        let sender_id = message.sender.unwrap_or_default().id;
        let mut delivered_to = participants::reached(reader, &conversation.id, message_id)?;
        delivered_to.retain(|user_id| *user_id != sender_id);
        let readers = participants::readers(reader, &conversation.id, message_id)?;
        let read_by: Vec<String> =
            readers.into_iter().map(|(user_id, _)| user_id).filter(|user_id| *user_id != sender_id).collect();
        let status = if !read_by.is_empty() {
            DeliveryStatus::Read
        } else if !delivered_to.is_empty() {
            DeliveryStatus::Delivered
        } else {
            DeliveryStatus::Sent
        };
        Ok(GetMessageStatusResponse { status: status.into(), delivered_to, read_by })
    }
}
