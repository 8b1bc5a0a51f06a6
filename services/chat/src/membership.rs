//! Joining and leaving conversations.

use causeway_kit::{Error, store::Tx};
use causeway_proto::{
    chat::{
        AddParticipantsRequest, AddParticipantsResponse, ConversationJoined, ConversationKind,
        ConversationLeft, ParticipantsAdded, ParticipantsRemoved, RemoveParticipantsRequest,
        RemoveParticipantsResponse, Role, User,
    },
    event::{Source, event},
    id::Given,
    topic::Topic,
};

use crate::{
    conversations::{self, Stored},
    ids, limits, participants,
    settings::Settings,
    unread, users,
    views::{self, View},
};

/// Users in a conversation whose membership is to change.
struct Change {
    conversation: Given,
    users: Vec<Given>,
}

impl Change {
    fn read(conversation_id: &str, user_ids: &[String]) -> Result<Self, Error> {
        if user_ids.is_empty() {
            return Err(Error::invalid("user_ids", "must not be empty"));
        }
        Ok(Self {
            conversation: ids::read("conversation_id", conversation_id)?,
            users: ids::read_all("user_ids", user_ids, limits::USERS)?,
        })
    }

    /// The conversation and the canonical ids, unless its participants never change.
    fn find(&self, tx: &Tx<'_>) -> Result<(Stored, Vec<String>), Error> {
        let conversation = conversations::get(tx, &ids::conversation(tx, &self.conversation)?)?;
        if conversation.kind == ConversationKind::OneToOne {
            return Err(Error::conflict("a one-to-one conversation keeps its two participants"));
        }
        Ok((conversation, ids::users(tx, &self.users)?))
    }
}

/// Users who join.
pub(crate) struct Add {
    change: Change,
    role: Role,
}

impl Add {
    /// Checks what can be checked without the store.
    pub(crate) fn read(request: AddParticipantsRequest) -> Result<Self, Error> {
        let role = match request.role() {
            Role::Unspecified | Role::Member => Role::Member,
            Role::Admin => Role::Admin,
        };
        Ok(Self { change: Change::read(&request.conversation_id, &request.user_ids)?, role })
    }

    /// Lets those join who are not in the conversation.
    pub(crate) fn run(self, tx: &mut Tx<'_>, settings: &Settings) -> Result<AddParticipantsResponse, Error> {
        let (mut conversation, user_ids) = self.change.find(tx)?;
        let mut added = Vec::new();
        for user in users::get_all(tx, &user_ids)? {
            if !participants::has(tx, &conversation.id, &user.id)? {
                added.push(user);
            }
        }
        if !added.is_empty() {
            let seats: Vec<(&str, Role)> = added.iter().map(|user| (user.id.as_str(), self.role)).collect();
            participants::insert(tx, &conversation.id, &seats)?;
            conversation.participant_count += u32::try_from(added.len()).map_err(Error::internal)?;
            conversations::update(tx, &mut conversation)?;
            let body = event::Body::ParticipantsAdded(ParticipantsAdded {
                conversation_id: conversation.id.clone(),
                users: added.clone(),
            });
            tx.append(Source::Chat, Topic::Conversation(&conversation.id), body)?;
            announce_joined(tx, &conversation, &added, settings)?;
        }
        Ok(AddParticipantsResponse { conversation: Some(views::show_whole(tx, &conversation, None)?) })
    }
}

/// Users who leave.
pub(crate) struct Remove {
    change: Change,
}

impl Remove {
    /// Checks what can be checked without the store.
    pub(crate) fn read(request: RemoveParticipantsRequest) -> Result<Self, Error> {
        Ok(Self { change: Change::read(&request.conversation_id, &request.user_ids)? })
    }

    /// Takes those out who are in the conversation.
    pub(crate) fn run(self, tx: &mut Tx<'_>) -> Result<RemoveParticipantsResponse, Error> {
        let (mut conversation, user_ids) = self.change.find(tx)?;
        let mut removed = Vec::new();
        for user_id in user_ids {
            if participants::delete(tx, &conversation.id, &user_id)? {
                removed.push(user_id);
            }
        }
        if !removed.is_empty() {
            let count = u32::try_from(removed.len()).map_err(Error::internal)?;
            conversation.participant_count = conversation.participant_count.saturating_sub(count);
            conversations::update(tx, &mut conversation)?;
            let conversation_id = conversation.id.clone();
            for user_id in &removed {
                let left = ConversationLeft { conversation_id: conversation_id.clone() };
                tx.append(Source::Chat, Topic::User(user_id), event::Body::ConversationLeft(left))?;
            }
            let body =
                event::Body::ParticipantsRemoved(ParticipantsRemoved { conversation_id, user_ids: removed });
            tx.append(Source::Chat, Topic::Conversation(&conversation.id), body)?;
        }
        Ok(RemoveParticipantsResponse { conversation: Some(views::show_whole(tx, &conversation, None)?) })
    }
}

/// Tells users that they are in a conversation now, and with whom, unless these are too many.
pub(crate) fn announce_joined(
    tx: &mut Tx<'_>,
    conversation: &Stored,
    joined: &[User],
    settings: &Settings,
) -> Result<(), Error> {
    let everybody = if conversation.participant_count <= settings.presence_limit {
        participants::ids(tx, &conversation.id, settings.presence_limit)?
    } else {
        Vec::new()
    };
    let view = View::of(tx, conversation)?;
    for user in joined {
        let unread_count = unread::of(tx, &conversation.id, &user.id)?;
        let body = event::Body::ConversationJoined(ConversationJoined {
            conversation: Some(view.to_user(&user.id, unread_count)),
            other_user_ids: everybody.iter().filter(|id| **id != user.id).cloned().collect(),
        });
        tx.append(Source::Chat, Topic::User(&user.id), body)?;
    }
    Ok(())
}
