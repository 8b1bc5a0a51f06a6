//! A conversation as somebody sees it: with a title, its newest message, and what that viewer has not read.

use causeway_kit::{
    Error,
    store::{Reader, Tx},
};
use causeway_proto::{
    chat::{Conversation, ConversationUpdated, Message, Participant, User},
    event::{Source, event},
    time,
    topic::Topic,
};

use crate::{conversations::Stored, messages, participants, unread, users};

/// Names in the title of a conversation without a name.
const TITLE_NAMES: u8 = 5;
/// Participants that are needed for it: the viewer's own name does not stand there.
const NAMED: u8 = TITLE_NAMES + 1;

/// What all viewers of a conversation see alike, ready to be shown to any of them.
pub(crate) struct View {
    common: Conversation,
    /// Ids and names of the first participants, where the title is made of them.
    names: Vec<(String, String)>,
    participant_count: usize,
}

impl View {
    /// Gathers what is to be shown.
    pub(crate) fn of(reader: &Reader<'_>, stored: &Stored) -> Result<Self, Error> {
        Self::gather(reader, stored, None)
    }

    /// The same; `participants` where they are known.
    fn gather(
        reader: &Reader<'_>,
        stored: &Stored,
        participants: Option<&[Participant]>,
    ) -> Result<Self, Error> {
        let customer = match &stored.customer_id {
            Some(id) => users::find(reader, id)?,
            None => None,
        };
        let last_message = match stored.last_message_id {
            Some(id) => messages::find(reader, id)?,
            None => None,
        };
        let has_title = !stored.name.is_empty() || customer.is_some();
        let names = match participants {
            _ if has_title => Vec::new(),
            Some(known) => names(known),
            None => names(&participants::first(reader, &stored.id, NAMED.into())?),
        };
        Ok(Self::new(stored, customer, last_message, names))
    }

    /// Of a conversation with a customer, right after `message` was stored in it.
    pub(crate) fn after(stored: &Stored, message: &Message) -> Self {
        Self::new(stored, message.customer.clone(), Some(message.clone()), Vec::new())
    }

    fn new(
        stored: &Stored,
        customer: Option<User>,
        last_message: Option<Message>,
        names: Vec<(String, String)>,
    ) -> Self {
        let title = match &customer {
            _ if !stored.name.is_empty() => stored.name.clone(),
            Some(customer) if customer.source.is_empty() => customer.display_name(),
            Some(customer) => format!("{} - {}", customer.source, customer.display_name()),
            None => String::new(),
        };
        let common = Conversation {
            id: stored.id.clone(),
            kind: stored.kind.into(),
            name: stored.name.clone(),
            title,
            participants: Vec::new(),
            participant_count: stored.participant_count,
            customer,
            status: stored.status.into(),
            priority: stored.priority,
            created_at: Some(time::from_micros(stored.created_at)),
            updated_at: Some(time::from_micros(stored.updated_at)),
            last_message,
            unread_count: 0,
        };
        let participant_count = usize::try_from(stored.participant_count).unwrap_or(usize::MAX);
        Self { common, names, participant_count }
    }

    /// The conversation as a user sees it who has not read `unread_count` messages.
    pub(crate) fn to_user(&self, user_id: &str, unread_count: u32) -> Conversation {
        let mut conversation = self.common.clone();
        conversation.unread_count = unread_count;
        self.name_for(&mut conversation, Some(user_id));
        conversation
    }

    /// The conversation as nobody in particular sees it.
    pub(crate) fn to_backend(&self) -> Conversation {
        let mut conversation = self.common.clone();
        self.name_for(&mut conversation, None);
        conversation
    }

    /// Titles a conversation without a name by the names of the others in it.
    fn name_for(&self, conversation: &mut Conversation, viewer: Option<&str>) {
        if !conversation.title.is_empty() {
            return;
        }
        let is_other = |(id, _): &&(String, String)| Some(id.as_str()) != viewer;
        let mut names: Vec<&str> = self
            .names
            .iter()
            .filter(is_other)
            .map(|(_, name)| name.as_str())
            .take(TITLE_NAMES.into())
            .collect();
        if names.is_empty() {
            names.extend(self.names.first().map(|(_, own)| own.as_str()));
        }
        conversation.title = names.join(", ");
        if self.participant_count > usize::from(TITLE_NAMES) + usize::from(viewer.is_some()) {
            conversation.title.push_str(", …");
        }
    }
}

/// A conversation as `viewer` sees it, or the backend when there is none.
pub(crate) fn show(
    reader: &Reader<'_>,
    stored: &Stored,
    viewer: Option<&str>,
) -> Result<Conversation, Error> {
    show_to(reader, &View::of(reader, stored)?, viewer)
}

/// Says that [`show_whole`] will be asked.
pub(crate) fn foresee_whole(
    reader: &Reader<'_>,
    conversation_id: &str,
    viewer: Option<&str>,
) -> Result<(), Error> {
    participants::foresee_list(reader, conversation_id)?;
    viewer.map_or(Ok(()), |user_id| unread::foresee(reader, conversation_id, user_id))
}

/// [`show`], with the participants.
pub(crate) fn show_whole(
    reader: &Reader<'_>,
    stored: &Stored,
    viewer: Option<&str>,
) -> Result<Conversation, Error> {
    let participants = participants::list(reader, &stored.id)?;
    let mut conversation = show_to(reader, &View::gather(reader, stored, Some(&participants))?, viewer)?;
    conversation.participants = participants;
    Ok(conversation)
}

fn show_to(reader: &Reader<'_>, view: &View, viewer: Option<&str>) -> Result<Conversation, Error> {
    match viewer {
        Some(user_id) => Ok(view.to_user(user_id, unread::of(reader, &view.common.id, user_id)?)),
        None => Ok(view.to_backend()),
    }
}

/// Tells each participant that the conversation's status, priority or name changed.
pub(crate) fn announce_update(tx: &mut Tx<'_>, stored: &Stored) -> Result<(), Error> {
    let view = View::of(tx, stored)?;
    for (user_id, unread_count) in unread::of_all(tx, &stored.id)? {
        let conversation = view.to_user(&user_id, unread_count);
        let body = event::Body::ConversationUpdated(ConversationUpdated { conversation: Some(conversation) });
        tx.append(Source::Chat, Topic::User(&user_id), body)?;
    }
    Ok(())
}

/// Ids and names of enough participants for a title, whoever looks.
fn names(participants: &[Participant]) -> Vec<(String, String)> {
    let users = participants.iter().filter_map(|participant| participant.user.as_ref());
    users.take(NAMED.into()).map(|user| (user.id.clone(), user.display_name())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(names: &[&str], participant_count: usize) -> View {
        let names = names.iter().map(|name| (name.to_lowercase(), (*name).to_owned())).collect();
        View { common: Conversation::default(), names, participant_count }
    }

    #[test]
    fn a_conversation_without_a_name_is_titled_by_the_others() {
        let view = view(&["Ann", "Bob", "Cid"], 3);
        assert_eq!(view.to_user("bob", 0).title, "Ann, Cid");
        assert_eq!(view.to_backend().title, "Ann, Bob, Cid");
    }

    #[test]
    fn whoever_is_alone_in_it_gives_the_title() {
        assert_eq!(view(&["Ann"], 1).to_user("ann", 0).title, "Ann");
    }

    #[test]
    fn a_long_title_ends_early() {
        let view = view(&["A", "B", "C", "D", "E", "F"], 900);
        assert_eq!(view.to_backend().title, "A, B, C, D, E, …");
        assert_eq!(view.to_user("a", 0).title, "B, C, D, E, F, …");
    }
}
