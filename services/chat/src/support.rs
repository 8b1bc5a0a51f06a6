//! What follows a message in a support conversation: questions are answered and the answer goes out on the customer's channel;
//! closed conversations open again, and those who look after them, and agents, are told that the customer wrote.

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
    channel::{agents, outbound},
    conversations::{self, Stored},
    messages,
    settings::Assignment,
    unread, users,
    views::{self, View},
};

/// Does what follows `message`, which has just been stored in `conversation`.
pub(crate) fn follow(tx: &mut Tx<'_>, mut conversation: Stored, message: &Message) -> Result<(), Error> {
    conversation.last_message_id = Some(i64::try_from(message.id).map_err(Error::internal)?);
    conversation.updated_at = tx.now_micros();
    let sender_id = message.sender.as_ref().map_or("", |sender| sender.id.as_str());
    let unread = unread::add(tx, &conversation.id, sender_id)?;
    if message.author() != Author::Customer {
        messages::note_answered(tx, &conversation.id)?;
        return outbound::send(tx, message);
    }
    if conversation.status == ConversationStatus::Closed {
        conversation.status = ConversationStatus::Active;
        conversations::update(tx, &mut conversation)?;
        views::announce_update(tx, &conversation)?;
    }
    announce(tx, &conversation, message, unread)?;
    agents::tell(tx, message)
}

/// Tells each participant that the customer wrote; `unread` says what they have not read.
fn announce(
    tx: &mut Tx<'_>,
    conversation: &Stored,
    message: &Message,
    unread: Vec<(String, u32)>,
) -> Result<(), Error> {
    let view = View::after(conversation, message);
    for (user_id, unread_count) in unread {
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
