//! What follows a message in a support conversation: questions are answered, closed conversations open again, and those who
//! look after it are told that the customer wrote.

use causeway_kit::{
    Error,
    store::{Reader, Tx},
};
use causeway_proto::{
    chat::{Author, ConversationStatus, CustomerMessageCreated, Message, User},
    event::{Source, event},
    topic::Topic,
};

use crate::{
    audiences,
    conversations::{self, Stored},
    messages,
    settings::Assignment,
    users,
    views::{self, View},
};

/// Does what follows `message`, which has just been stored in `conversation`.
pub(crate) fn follow(tx: &mut Tx<'_>, mut conversation: Stored, message: &Message) -> Result<(), Error> {
    conversation.last_message_id = Some(i64::try_from(message.id).map_err(Error::internal)?);
    conversation.updated_at = tx.now_micros();
    if message.author() != Author::Customer {
        return messages::note_answered(tx, &conversation.id);
    }
    if conversation.status == ConversationStatus::Closed {
        conversation.status = ConversationStatus::Active;
        conversations::update(tx, &mut conversation)?;
        views::announce_update(tx, &conversation)?;
    }
    announce(tx, &conversation, message)
}

/// Tells each participant that the customer wrote.
fn announce(tx: &mut Tx<'_>, conversation: &Stored, message: &Message) -> Result<(), Error> {
    let view = View::of(tx, conversation)?;
    for (user_id, unread_count) in views::unread_of_all(tx, &conversation.id)? {
        let body = event::Body::CustomerMessageCreated(CustomerMessageCreated {
            message: Some(message.clone()),
            conversation: Some(view.to_user(&user_id, unread_count)),
        });
        tx.append(Source::Chat, Topic::User(&user_id), body)?;
    }
    Ok(())
}

/// Who joins a new support conversation that names nobody.
pub(crate) fn assigned(tx: &Tx<'_>, rule: &Assignment) -> Result<Vec<User>, Error> {
    match rule {
        Assignment::Audience(audience) => audience_users(tx, audience),
        Assignment::Users(ids) => ids.iter().map(|id| find_or_make(tx, id)).collect(),
    }
}

fn audience_users(reader: &Reader<'_>, audience: &str) -> Result<Vec<User>, Error> {
    users::get_all(reader, &audiences::members(reader, audience)?)
}

/// Whoever is named in the settings may not have connected yet, and still is to find what came in.
fn find_or_make(tx: &Tx<'_>, id: &str) -> Result<User, Error> {
    if let Some(user) = users::find(tx, id)? {
        return Ok(user);
    }
    let mut user = users::new(id.to_owned());
    users::insert(tx, &mut user)?;
    Ok(user)
}
