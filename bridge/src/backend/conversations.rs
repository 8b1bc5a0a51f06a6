//! Conversations: which there are, and who looks after them.

use causeway_proto::chat::{
    Conversation, ConversationKind, ConversationStatus, GetConversationRequest, ListConversationsRequest,
    UpdateConversationRequest,
};

use crate::{
    backend::{
        Backend, ask,
        call::Caller,
        messages::incomplete,
        status::{fault, refusal},
    },
    command::Reply,
    fault::{Fault, Refusal},
};

impl Backend {
    /// A conversation with its participants, as a user sees it.
    pub(crate) async fn conversation(&self, id: &str, viewer: &str) -> Result<Conversation, Refusal> {
        let request = GetConversationRequest { conversation_id: id.to_owned(), viewer_id: viewer.to_owned() };
        let result = ask!(self.chat, "Chat.GetConversation", get_conversation, request);
        let found = result.map_err(|status| refusal(&status, Refusal::NotParticipant))?;
        found.conversation.ok_or(Refusal::NotFound)
    }

    /// The support conversations of a user, most urgent first.
    pub(crate) async fn conversations(
        &self,
        user_id: &str,
        status: ConversationStatus,
        limit: u32,
    ) -> Result<Reply, Fault> {
        let request = ListConversationsRequest {
            user_id: user_id.to_owned(),
            kind: ConversationKind::Support.into(),
            status: status.into(),
            limit,
        };
        let result = ask!(self.chat, "Chat.ListConversations", list_conversations, request);
        let found = result.map_err(fault)?;
        Ok(Reply::Conversations { conversations: found.conversations })
    }

    pub(super) async fn set_status(
        &self,
        caller: &Caller,
        status: ConversationStatus,
    ) -> Result<Reply, Fault> {
        let request = UpdateConversationRequest {
            conversation_id: caller.conversation()?,
            user_id: caller.user.id.clone(),
            status: status.into(),
            priority: None,
            name: None,
        };
        let result = ask!(self.chat, "Chat.UpdateConversation", update_conversation, request);
        let updated = result.map_err(fault)?;
        updated.conversation.map(|_| Reply::Done).ok_or_else(|| incomplete("Chat.UpdateConversation"))
    }
}
