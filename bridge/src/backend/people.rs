//! People: who they are, whom they know, who is there and who types.

use causeway_proto::{
    chat::{ConversationKind, ListContactsRequest, RegisterUserRequest, ShowTypingRequest, User},
    presence::{GetPresenceRequest, SetTypingRequest, Typist, UserPresence},
};

use crate::{
    backend::{Backend, ask, call::Caller, status::refusal},
    fault::Refusal,
};

/// Users that one question about presence may name.
const MOST_ASKED: usize = 1_000;

impl Backend {
    /// Makes the user known to the directory, and answers with what is stored.
    pub(crate) async fn register(&self, user: User) -> Result<User, Refusal> {
        let request = RegisterUserRequest { user: Some(user) };
        let result = ask!(self.directory, "Directory.RegisterUser", register_user, request);
        let registered = result.map_err(|status| {
            // An id that the directory does not take is nobody's.
            let nobody = status.code() == tonic::Code::InvalidArgument;
            if nobody { Refusal::InvalidToken } else { refusal(&status, Refusal::Inactive) }
        })?;
        let user = registered.user.ok_or(Refusal::Unavailable)?;
        if user.is_active { Ok(user) } else { Err(Refusal::Inactive) }
    }

    /// The users that share a conversation with a user; `None` when the service does not say.
    pub(crate) async fn contacts(&self, user_id: &str) -> Option<Vec<String>> {
        let request = ListContactsRequest { user_id: user_id.to_owned() };
        let result = ask!(self.chat, "Chat.ListContacts", list_contacts, request);
        result.ok().map(|contacts| contacts.user_ids)
    }

    /// Presence of users; of none while the service is away.
    pub(crate) async fn presences(&self, mut user_ids: Vec<String>) -> Vec<UserPresence> {
        user_ids.truncate(MOST_ASKED);
        if user_ids.is_empty() {
            return Vec::new();
        }
        let request = GetPresenceRequest { user_ids };
        let result = ask!(self.presence, "Presence.GetPresence", get_presence, request);
        result.map(|found| found.presences).unwrap_or_default()
    }

    /// Says that the user types, or stopped: to whoever is on the conversation, and to an outside customer on the customer's
    /// channel. It is forgotten when it fails: typing ends by itself.
    pub(super) async fn typing(&self, caller: &Caller, is_typing: bool) {
        let Some(conversation_id) = caller.conversation_id.clone() else { return };
        if caller.conversation_kind == ConversationKind::Support {
            let (conversation_id, user_id) = (conversation_id.clone(), caller.user.id.clone());
            let request = ShowTypingRequest { conversation_id, user_id, is_typing };
            let _ = ask!(self.chat, "Chat.ShowTyping", show_typing, request);
        }
        let user = &caller.user;
        let typist = Typist {
            user_id: user.id.clone(),
            display_name: user.display_name(),
            username: user.username.clone(),
            first_name: user.first_name.clone(),
            last_name: user.last_name.clone(),
        };
        let request = SetTypingRequest {
            conversation_id,
            user: Some(typist),
            session_id: caller.session_id.clone(),
            is_typing,
        };
        let _ = ask!(self.presence, "Presence.SetTyping", set_typing, request);
    }
}
