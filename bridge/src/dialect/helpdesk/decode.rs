//! Frames of `helpdesk` into commands.

use causeway_proto::chat::ConversationStatus;

use super::STATUSES;
use crate::{
    command::{Command, Send},
    dialect::{
        Room,
        field::{Object, required, unknown_type},
    },
    fault::Fault,
};

pub(super) fn command(room: Room, text: &str) -> Result<Command, Fault> {
    let frame = Object::read(text)?;
    match (frame.kind()?.as_str(), room) {
        ("ping", _) => Ok(Command::Ping),
        ("refresh_token", _) => frame.refresh(),
        (kind, Room::Conversation(_)) => in_chat(kind, &frame),
        ("get_conversations" | "refresh_conversations", Room::List) => conversations(&frame),
        (_, Room::List | Room::Personal | Room::Notifications) => Err(unknown_type()),
    }
}

fn in_chat(kind: &str, frame: &Object<'_>) -> Result<Command, Fault> {
    match kind {
        "chat_message" => message(frame),
        "typing" => Ok(Command::Typing { is_typing: frame.boolean("is_typing")? }),
        "mark_read" => Ok(Command::Read { message_id: None }),
        "set_status" => Ok(Command::SetStatus {
            status: frame.choice("status", &STATUSES)?.ok_or_else(|| required("status"))?,
        }),
        _ => Err(unknown_type()),
    }
}

fn message(frame: &Object<'_>) -> Result<Command, Fault> {
    let attachments = frame.attachments()?;
    Ok(Command::Send(Send {
        content: frame.content("content", !attachments.is_empty())?,
        content_type: frame.message_type()?,
        attachments,
        client_message_id: frame.client_message_id()?,
        ..Send::default()
    }))
}

fn conversations(frame: &Object<'_>) -> Result<Command, Fault> {
    let status = frame.choice("status", &STATUSES)?.unwrap_or(ConversationStatus::Unspecified);
    Ok(Command::Conversations { status, limit: frame.limit()? })
}
