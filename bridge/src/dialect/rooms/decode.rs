//! Frames of `rooms` into commands.

use crate::{
    command::{Command, Send},
    dialect::field::{Object, unknown_type},
    fault::Fault,
};

pub(super) fn command(text: &str) -> Result<Command, Fault> {
    let frame = Object::read(text)?;
    match frame.kind()?.as_str() {
        "message" => message(&frame),
        "typing" => Ok(Command::Typing { is_typing: frame.boolean("is_typing")? }),
        "read" => Ok(Command::Read { message_id: Some(frame.message_id("message_id")?) }),
        "reaction" => frame.react(),
        "edit" => Ok(Command::Edit {
            message_id: frame.message_id("message_id")?,
            content: frame.content("content", false)?,
        }),
        "delete" => Ok(Command::Delete { message_id: frame.message_id("message_id")? }),
        "history" => Ok(Command::History(frame.page()?)),
        "refresh_token" => frame.refresh(),
        "ping" => Ok(Command::Ping),
        _ => Err(unknown_type()),
    }
}

fn message(frame: &Object<'_>) -> Result<Command, Fault> {
    let attachments: Vec<_> = frame.url("media_url")?.into_iter().collect();
    Ok(Command::Send(Send {
        content: frame.content("content", !attachments.is_empty())?,
        content_type: frame.message_type()?,
        attachments,
        metadata: frame.metadata()?,
        reply_to: frame.optional_message_id("reply_to")?,
        client_message_id: frame.client_message_id()?,
        ..Send::default()
    }))
}
