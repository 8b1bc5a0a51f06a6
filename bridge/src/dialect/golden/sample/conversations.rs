//! Conversations, as lists and events show them.

use causeway_proto::chat::{Conversation, ConversationKind, ConversationStatus};

use super::{at, messages, people};

/// A support conversation in which the customer waits.
pub(super) fn waiting() -> Conversation {
    Conversation {
        status: ConversationStatus::SupportActive.into(),
        updated_at: at(10),
        last_message: Some(messages::customers()),
        unread_count: 3,
        ..empty()
    }
}

/// A support conversation in which nobody has written.
pub(super) fn empty() -> Conversation {
    Conversation {
        id: "conv123".to_owned(),
        kind: ConversationKind::Support.into(),
        title: "telegram - John Doe".to_owned(),
        participant_count: 2,
        customer: Some(people::customer()),
        status: ConversationStatus::Active.into(),
        priority: 1,
        created_at: at(-20),
        updated_at: at(-20),
        ..Conversation::default()
    }
}

/// A support conversation that is done, with a customer who has no picture.
pub(super) fn closed() -> Conversation {
    let mut customer = people::customer();
    customer.profile_picture.clear();
    Conversation {
        id: "8".to_owned(),
        status: ConversationStatus::Closed.into(),
        customer: Some(customer),
        priority: 0,
        last_message: Some(messages::ai()),
        ..empty()
    }
}

/// A group.
pub(super) fn group() -> Conversation {
    Conversation {
        id: "2".to_owned(),
        kind: ConversationKind::Group.into(),
        name: "Team".to_owned(),
        title: "Team".to_owned(),
        status: ConversationStatus::Active.into(),
        created_at: at(-20),
        updated_at: at(0),
        ..Conversation::default()
    }
}
