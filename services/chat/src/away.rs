//! What a message owes those who are not there to see it: a notification.
//!
//! It is owed in the transaction that stores the message; [`crate::notifier`] carries it out.

use causeway_kit::{Error, store::Tx};
use causeway_proto::chat::Message;
use prost::Message as _;

use crate::{conversations::Stored, settings::OnMessage};

/// The kind of the outbox's items.
pub(crate) const KIND: &str = "away";

/// What the messages of one write job owe. Of messages that one sender sent into one conversation only the newest counts, so
/// that a batch owes as little as a message.
pub(crate) struct Owed {
    on_message: OnMessage,
    newest: Vec<Message>,
}

impl Owed {
    /// Nothing so far.
    pub(crate) fn new(on_message: OnMessage) -> Self {
        Self { on_message, newest: Vec::new() }
    }

    /// Adds a message that has just been stored in `conversation`.
    pub(crate) fn add(&mut self, conversation: &Stored, message: &Message) {
        if self.on_message == OnMessage::Never || conversation.participant_count < 2 {
            return;
        }
        // What the notification says, and no more.
        let owed = Message {
            id: message.id,
            conversation_id: message.conversation_id.clone(),
            sender: message.sender.clone(),
            ..Message::default()
        };
        let is_older = |it: &&mut Message| {
            it.conversation_id == owed.conversation_id && sender_id(it) == sender_id(&owed)
        };
        match self.newest.iter_mut().find(is_older) {
            Some(older) => *older = owed,
            None => self.newest.push(owed),
        }
    }

    /// Puts it into the outbox.
    pub(crate) fn write(self, tx: &mut Tx<'_>) -> Result<(), Error> {
        self.newest.iter().try_for_each(|owed| tx.owe(KIND, &owed.conversation_id, owed.encode_to_vec()))
    }
}

/// Who sent a message.
pub(crate) fn sender_id(message: &Message) -> Option<&str> {
    message.sender.as_ref().map(|sender| sender.id.as_str())
}

#[cfg(test)]
mod tests {
    use causeway_proto::chat::{ConversationKind, ConversationStatus, User};

    use super::*;

    fn message(id: u64, sender_id: &str) -> Message {
        let sender = Some(User { id: sender_id.into(), name: "Al".into(), ..User::default() });
        Message { id, conversation_id: "7".into(), sender, ..Message::default() }
    }

    fn stored() -> Stored {
        Stored {
            id: "7".into(),
            kind: ConversationKind::Group,
            name: String::new(),
            pair: None,
            customer_id: None,
            status: ConversationStatus::Active,
            priority: 0,
            participant_count: 2,
            last_message_id: None,
            created_at: 0,
            updated_at: 0,
        }
    }

    #[test]
    fn a_batch_owes_for_the_newest_of_each_sender() {
        let mut owed = Owed::new(OnMessage::Away);
        for (id, sender) in [(1, "a"), (2, "b"), (3, "a")] {
            owed.add(&stored(), &message(id, sender));
        }
        assert_eq!(owed.newest.iter().map(|it| it.id).collect::<Vec<_>>(), [3, 2]);
    }

    #[test]
    fn nobody_is_told_of_a_soliloquy() {
        let mut owed = Owed::new(OnMessage::Always);
        owed.add(&Stored { participant_count: 1, ..stored() }, &message(1, "a"));
        assert!(owed.newest.is_empty());
    }
}
