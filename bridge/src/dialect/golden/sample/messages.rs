//! Messages.

use causeway_proto::chat::{Attachment, Author, ConversationKind, DeliveryStatus, Message, Reaction, User};

use super::{at, people};

fn message(id: u64, conversation_id: &str, kind: ConversationKind, sender: User, content: &str) -> Message {
    Message {
        id,
        conversation_id: conversation_id.to_owned(),
        conversation_kind: kind.into(),
        sender: Some(sender),
        content: content.to_owned(),
        content_type: "text".to_owned(),
        created_at: at(0),
        updated_at: at(0),
        ..Message::default()
    }
}

fn picture() -> Attachment {
    Attachment { url: "https://files.example/cat.png".to_owned(), ..Attachment::default() }
}

/// Nothing that could be left out is there.
pub(super) fn plain() -> Message {
    message(4, "2", ConversationKind::Group, people::siaziz(), "Hello, this is a test message.")
}

/// Everything that could be left out is there.
pub(super) fn full() -> Message {
    let sheet = Attachment {
        url: "https://files.example/sheet.pdf".to_owned(),
        name: "sheet.pdf".to_owned(),
        mime_type: "application/pdf".to_owned(),
        size: Some(2_048),
    };
    Message {
        content_type: "image".to_owned(),
        attachments: vec![picture(), sheet],
        metadata: r#"{"width":640,"alt":"a \"cat\""}"#.to_owned(),
        reply_to: Some(4),
        client_message_id: "c-1".to_owned(),
        updated_at: at(30),
        edited_at: at(30),
        ..message(5, "2", ConversationKind::Group, people::john(), "Line one\nand \"two\" ✓")
    }
}

/// Neither the user nor the conversation has a number.
pub(super) fn named() -> Message {
    message(6, "general", ConversationKind::Group, people::alice(), "Hi")
}

/// A file without a word.
pub(super) fn file() -> Message {
    let content_type = "image".to_owned();
    let attachments = vec![picture()];
    Message { content_type, attachments, ..message(7, "2", ConversationKind::OneToOne, people::john(), "") }
}

/// As it is after an edit.
pub(super) fn edited() -> Message {
    let content = "Hello again.".to_owned();
    Message { content, updated_at: at(40), edited_at: at(40), ..plain() }
}

/// As history shows what was deleted.
pub(super) fn deleted() -> Message {
    Message { id: 3, content: String::new(), updated_at: at(60), deleted_at: at(60), ..plain() }
}

/// As history shows what others liked and read.
pub(super) fn with_reactions() -> Message {
    let reaction = |reaction: &str, ids: &[&str]| Reaction {
        reaction: reaction.to_owned(),
        user_ids: ids.iter().map(|id| (*id).to_owned()).collect(),
    };
    Message {
        reactions: vec![reaction("like", &["1", "456"]), reaction("👍", &["alice"])],
        read_by: vec!["456".to_owned()],
        ..plain()
    }
}

/// To a person.
pub(super) fn direct() -> Message {
    message(789, "31", ConversationKind::OneToOne, people::john(), "Hello, how are you?")
}

/// A file to a person.
pub(super) fn direct_file() -> Message {
    Message {
        content: String::new(),
        attachments: vec![picture()],
        client_message_id: "c-2".to_owned(),
        ..direct()
    }
}

/// A customer wrote.
pub(super) fn customers() -> Message {
    Message {
        author: Author::Customer.into(),
        customer: Some(people::customer()),
        ..message(90, "conv123", ConversationKind::Support, people::customer(), "I need help")
    }
}

/// A support person answered and the channel's plugin has not sent it yet.
pub(super) fn support() -> Message {
    Message {
        author: Author::Support.into(),
        customer: Some(people::customer()),
        delivery_status: DeliveryStatus::Pending.into(),
        client_message_id: "c-3".to_owned(),
        attachments: vec![picture()],
        ..message(91, "conv123", ConversationKind::Support, people::siaziz(), "Hello, how can I help you?")
    }
}

/// An automatic answer that did not arrive.
pub(super) fn ai() -> Message {
    Message {
        author: Author::Ai.into(),
        customer: Some(people::customer()),
        delivery_status: DeliveryStatus::Failed.into(),
        delivery_error: "blocked by the user".to_owned(),
        ..message(92, "conv123", ConversationKind::Support, people::siaziz(), "One moment")
    }
}

/// What a campaign wrote.
pub(super) fn marketing() -> Message {
    Message { id: 93, author: Author::Marketing.into(), ..support() }
}

/// A customer's message after somebody answered.
pub(super) fn answered() -> Message {
    Message { is_answered: true, ..customers() }
}
