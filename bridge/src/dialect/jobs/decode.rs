//! Frames of `jobs` into commands.

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
        (kind, Room::Notifications) => in_notifications(kind, &frame),
        (_, Room::Personal | Room::List) => Err(unknown_type()),
    }
}

fn in_chat(kind: &str, frame: &Object<'_>) -> Result<Command, Fault> {
    match kind {
        "chat_message" => message(frame),
        "typing" | "typing_indicator" => Ok(Command::Typing { is_typing: frame.boolean("is_typing")? }),
        "mark_read" | "message_read" => {
            Ok(Command::Read { message_id: Some(frame.message_id("message_id")?) })
        }
        "edit_message" => Ok(Command::Edit {
            message_id: frame.message_id("message_id")?,
            content: frame.content("message", false)?,
        }),
        "delete_message" => Ok(Command::Delete { message_id: frame.message_id("message_id")? }),
        "reaction" => frame.react(),
        "get_messages" => Ok(Command::History(frame.page()?)),
        _ => Err(unknown_type()),
    }
}

fn in_notifications(kind: &str, frame: &Object<'_>) -> Result<Command, Fault> {
    match kind {
        "mark_read" => read_notifications(frame),
        "get_notifications" => Ok(Command::Notifications {
            unread_only: frame.optional_boolean("unread_only")?.unwrap_or(false),
            page: frame.page()?,
        }),
        _ => Err(unknown_type()),
    }
}

fn message(frame: &Object<'_>) -> Result<Command, Fault> {
    let attachments = frame.attachments()?;
    Ok(Command::Send(Send {
        content: frame.content("message", !attachments.is_empty())?,
        content_type: frame.message_type()?,
        attachments,
        reply_to: frame.optional_message_id("reply_to")?,
        client_message_id: frame.client_message_id()?,
        ..Send::default()
    }))
}

fn read_notifications(frame: &Object<'_>) -> Result<Command, Fault> {
    let one = frame.optional_message_id("notification_id")?;
    match frame.optional_boolean("all")? {
        Some(true) => Ok(Command::ReadNotifications { notification_id: None }),
        Some(false) | None if one.is_some() => Ok(Command::ReadNotifications { notification_id: one }),
        Some(false) | None => Err(required("notification_id")),
    }
}
