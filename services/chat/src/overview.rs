//! Looking at conversations and changing what they are called and how urgent they are.

use causeway_kit::{
    Error,
    store::{Reader, Tx},
};
use causeway_proto::{
    chat::{
        Conversation, ConversationKind, ConversationStatus, GetConversationRequest, GetConversationResponse,
        ListContactsRequest, ListContactsResponse, ListConversationsRequest, ListConversationsResponse,
        UpdateConversationRequest, UpdateConversationResponse,
    },
    id::Given,
};
use prost::Message as _;

use crate::{
    conversations::{self, Stored},
    ids, limits, participants, seats, users, views,
};

/// A look at one conversation.
pub(crate) struct Get {
    conversation: Given,
    viewer: Option<Given>,
}

impl Get {
    /// Checks what can be checked without the store.
    pub(crate) fn read(request: GetConversationRequest) -> Result<Self, Error> {
        Ok(Self {
            conversation: ids::read("conversation_id", &request.conversation_id)?,
            viewer: ids::read_optional("viewer_id", &request.viewer_id)?,
        })
    }

    /// Reads the conversation. The one place where it shows that a conversation exists: frontends that are told by a status
    /// code why they cannot connect need to know.
    pub(crate) fn run(self, reader: &Reader<'_>) -> Result<GetConversationResponse, Error> {
        let id = ids::conversation(reader, &self.conversation)?;
        let viewer = self.viewer.map(|given| ids::user(reader, &given)).transpose()?;
        conversations::foresee(reader, &id)?;
        viewer.iter().try_for_each(|user_id| participants::foresee(reader, &id, user_id))?;
        views::foresee_whole(reader, &id, viewer.as_deref())?;
        let stored = conversations::get(reader, &id)?;
        if let Some(user_id) = &viewer
            && !participants::has(reader, &stored.id, user_id)?
        {
            return Err(Error::denied("the viewer is not in the conversation"));
        }
        let conversation = views::show_whole(reader, &stored, viewer.as_deref())?;
        Ok(GetConversationResponse { conversation: Some(conversation) })
    }
}

/// A list of conversations.
pub(crate) struct List {
    user: Option<Given>,
    kind: ConversationKind,
    status: ConversationStatus,
    limit: u32,
}

impl List {
    /// Checks what can be checked without the store.
    pub(crate) fn read(request: ListConversationsRequest) -> Result<Self, Error> {
        Ok(Self {
            user: ids::read_optional("user_id", &request.user_id)?,
            kind: request.kind(),
            status: request.status(),
            limit: limits::page(request.limit),
        })
    }

    /// Reads the list. Should it grow too large for one answer, its end says nothing of newest messages.
    pub(crate) fn run(self, reader: &Reader<'_>) -> Result<ListConversationsResponse, Error> {
        let user_id = self.user.map(|given| ids::user(reader, &given)).transpose()?;
        if let Some(user_id) = &user_id {
            users::get(reader, user_id)?;
        }
        let user_id = user_id.as_deref();
        let mut list: Vec<Conversation> = Vec::new();
        let mut bytes = 0;
        for stored in conversations::list(reader, user_id, self.kind, self.status, self.limit)? {
            let mut conversation = views::show(reader, &stored, user_id)?;
            bytes += conversation.encoded_len();
            if bytes > limits::ANSWER_BYTES {
                conversation.last_message = None;
            }
            list.push(conversation);
        }
        Ok(ListConversationsResponse { conversations: list })
    }
}

/// The people that a user shares conversations with.
pub(crate) struct Contacts {
    user: Given,
}

impl Contacts {
    /// Checks what can be checked without the store.
    pub(crate) fn read(request: ListContactsRequest) -> Result<Self, Error> {
        Ok(Self { user: ids::read("user_id", &request.user_id)? })
    }

    /// Reads them, without those of conversations with more than `presence_limit` participants.
    pub(crate) fn run(self, reader: &Reader<'_>, presence_limit: u32) -> Result<ListContactsResponse, Error> {
        let user = users::get(reader, &ids::user(reader, &self.user)?)?;
        Ok(ListContactsResponse { user_ids: participants::contacts(reader, &user.id, presence_limit)? })
    }
}

/// A change of status, priority or name.
pub(crate) struct Update {
    conversation: Given,
    user: Option<Given>,
    status: ConversationStatus,
    priority: Option<i32>,
    name: Option<String>,
}

impl Update {
    /// Checks what can be checked without the store.
    pub(crate) fn read(request: UpdateConversationRequest) -> Result<Self, Error> {
        if let Some(name) = &request.name {
            limits::text("name", name, limits::CONVERSATION_NAME)?;
        }
        Ok(Self {
            conversation: ids::read("conversation_id", &request.conversation_id)?,
            user: ids::read_optional("user_id", &request.user_id)?,
            status: request.status(),
            priority: request.priority,
            name: request.name,
        })
    }

    /// Makes the change, and tells the participants when there is one.
    pub(crate) fn run(self, tx: &mut Tx<'_>) -> Result<UpdateConversationResponse, Error> {
        let (mut stored, user_id) = seats::look(tx, &self.conversation, self.user.as_ref())?;
        if user_id.is_some() && user_id == stored.customer_id {
            return Err(Error::denied("a customer does not change the conversation"));
        }
        if self.change(&mut stored)? {
            conversations::update(tx, &mut stored)?;
            views::announce_update(tx, &stored)?;
        }
        let conversation = views::show_whole(tx, &stored, user_id.as_deref())?;
        Ok(UpdateConversationResponse { conversation: Some(conversation) })
    }

    /// Changes what is to be changed; whether anything is different now.
    fn change(self, stored: &mut Stored) -> Result<bool, Error> {
        let wants_support = self.status != ConversationStatus::Unspecified || self.priority.is_some();
        if wants_support && stored.kind != ConversationKind::Support {
            return Err(Error::conflict("only support conversations have a status and a priority"));
        }
        let before = (stored.status, stored.priority, stored.name.clone());
        if self.status != ConversationStatus::Unspecified {
            stored.status = self.status;
        }
        stored.priority = self.priority.unwrap_or(stored.priority);
        if let Some(name) = self.name {
            stored.name = name;
        }
        Ok(before != (stored.status, stored.priority, stored.name.clone()))
    }
}
