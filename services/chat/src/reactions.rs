//! Reactions to messages.

use causeway_kit::{
    Error,
    store::{Reader, Tx, params},
};
use causeway_proto::{
    chat::{ReactRequest, ReactResponse, Reaction, ReactionChanged},
    event::{Source, event},
    id::Given,
    topic::Topic,
};

use crate::{ids, limits, messages, seats};

/// Longest reaction, in characters.
const LENGTH: usize = 32;

/// Most different reactions to one message: history repeats them all.
const DIFFERENT: u32 = 100;

/// The reactions to a message, in the order first given.
pub(crate) fn of(reader: &Reader<'_>, message_id: u64) -> Result<Vec<Reaction>, Error> {
    let given: Vec<(String, String)> = reader.all(
        "SELECT reaction, user_id FROM reaction WHERE message_id = ?1 ORDER BY id",
        params![ids::message(message_id)],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let mut reactions: Vec<Reaction> = Vec::new();
    for (reaction, user_id) in given {
        match reactions.iter_mut().find(|known| known.reaction == reaction) {
            Some(known) => known.user_ids.push(user_id),
            None => reactions.push(Reaction { reaction, user_ids: vec![user_id] }),
        }
    }
    Ok(reactions)
}

/// A user's reactions to a message, in the order given.
pub(crate) fn of_user(reader: &Reader<'_>, message_id: u64, user_id: &str) -> Result<Vec<String>, Error> {
    let sql = "SELECT reaction FROM reaction WHERE message_id = ?1 AND user_id = ?2 ORDER BY id";
    reader.all(sql, params![ids::message(message_id), user_id], |row| row.get(0))
}

/// A user's reaction, added or taken away.
pub(crate) struct React {
    message_id: u64,
    conversation: Given,
    user: Given,
    reaction: String,
    add: bool,
}

impl React {
    /// Checks what can be checked without the store.
    pub(crate) fn read(request: ReactRequest) -> Result<Self, Error> {
        limits::filled("reaction", &request.reaction, LENGTH)?;
        Ok(Self {
            message_id: request.message_id,
            conversation: ids::read("conversation_id", &request.conversation_id)?,
            user: ids::read("user_id", &request.user_id)?,
            reaction: request.reaction,
            add: request.add,
        })
    }

    /// Adds or removes it; what is so already changes nothing.
    pub(crate) fn run(self, tx: &mut Tx<'_>) -> Result<ReactResponse, Error> {
        let seat = seats::take(tx, &self.conversation, &self.user)?;
        let message = messages::get(tx, &seat.conversation.id, self.message_id)?;
        if message.deleted_at.is_some() {
            return Err(Error::conflict("the message is deleted"));
        }
        let changed =
            if self.add { self.insert(tx, &seat.user.id)? } else { self.delete(tx, &seat.user.id)? };
        if changed {
            let body = event::Body::ReactionChanged(ReactionChanged {
                message_id: message.id,
                conversation_id: seat.conversation.id.clone(),
                conversation_kind: seat.conversation.kind.into(),
                user: Some(seat.user),
                reaction: self.reaction,
                added: self.add,
            });
            tx.append(Source::Chat, Topic::Conversation(&seat.conversation.id), body)?;
        }
        Ok(ReactResponse { changed })
    }

    fn insert(&self, tx: &Tx<'_>, user_id: &str) -> Result<bool, Error> {
        let message_id = ids::message(self.message_id);
        let sql = "SELECT count(DISTINCT reaction) FROM reaction WHERE message_id = ?1 AND reaction <> ?2";
        let others: u32 = tx.one(sql, params![message_id, self.reaction], |row| row.get(0))?.unwrap_or(0);
        if others >= DIFFERENT {
            return Err(Error::conflict(format!("a message takes at most {DIFFERENT} different reactions")));
        }
        let sql =
            "INSERT INTO reaction (message_id, reaction, user_id) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
        Ok(tx.execute(sql, params![message_id, self.reaction, user_id])? > 0)
    }

    fn delete(&self, tx: &Tx<'_>, user_id: &str) -> Result<bool, Error> {
        let sql = "DELETE FROM reaction WHERE message_id = ?1 AND reaction = ?2 AND user_id = ?3";
        Ok(tx.execute(sql, params![ids::message(self.message_id), self.reaction, user_id])? > 0)
    }
}
