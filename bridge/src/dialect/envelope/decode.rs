//! Frames of `envelope` into commands.

use crate::{
    command::{Command, Page, Send},
    dialect::{
        Room,
        field::{Object, required, unknown_type},
    },
    fault::Fault,
};

/// Most characters in what is searched for.
const MAX_QUERY: usize = 200;

pub(super) fn command(room: Room, text: &str) -> Result<Command, Fault> {
    let frame = Object::read(text)?;
    match (frame.kind()?.as_str(), room) {
        ("ping", _) => Ok(Command::Ping),
        ("refresh_token", _) => data(&frame)?.refresh(),
        ("direct_message", _) => direct_message(&data(&frame)?),
        (kind, Room::Conversation(_)) => in_chat(kind, &frame),
        (_, Room::Personal | Room::Notifications | Room::List) => Err(unknown_type()),
    }
}

fn data<'a>(frame: &Object<'a>) -> Result<Object<'a>, Fault> {
    frame.object("data")?.ok_or_else(|| required("data"))
}

/// What needs the chat that the socket is on.
fn in_chat(kind: &str, frame: &Object<'_>) -> Result<Command, Fault> {
    match kind {
        "send_message" => Ok(Command::Send(message(&data(frame)?)?)),
        "typing_indicator" => Ok(Command::Typing { is_typing: data(frame)?.boolean("is_typing")? }),
        "read_receipt" => Ok(Command::Read { message_id: Some(data(frame)?.message_id("message_id")?) }),
        "edit_message" => edit(&data(frame)?),
        "delete_message" => Ok(Command::Delete { message_id: data(frame)?.message_id("message_id")? }),
        "add_reaction" => react(&data(frame)?, true),
        "remove_reaction" => react(&data(frame)?, false),
        // A page without any wish needs no data.
        "get_history" => match frame.object("data")? {
            Some(data) => Ok(Command::History(data.page()?)),
            None => Ok(Command::History(Page::default())),
        },
        "get_thread" => Ok(Command::Thread { message_id: data(frame)?.message_id("message_id")? }),
        "search_messages" => search(&data(frame)?),
        "message_status" => Ok(Command::MessageStatus { message_id: data(frame)?.message_id("message_id")? }),
        _ => Err(unknown_type()),
    }
}

fn message(data: &Object<'_>) -> Result<Send, Fault> {
    let attachments = data.attachments()?;
    Ok(Send {
        content: data.content("content", !attachments.is_empty())?,
        content_type: data.message_type()?,
        attachments,
        reply_to: data.optional_message_id("parent_message_id")?,
        client_message_id: data.client_message_id()?,
        ..Send::default()
    })
}

fn direct_message(data: &Object<'_>) -> Result<Command, Fault> {
    let recipient_id = data.id("recipient_id")?.ok_or_else(|| required("recipient_id"))?;
    Ok(Command::Send(Send {
        recipient_id: Some(recipient_id),
        conversation_id: data.id("chat_id")?,
        ..message(data)?
    }))
}

fn edit(data: &Object<'_>) -> Result<Command, Fault> {
    Ok(Command::Edit { message_id: data.message_id("message_id")?, content: data.content("content", false)? })
}

fn react(data: &Object<'_>, add: bool) -> Result<Command, Fault> {
    Ok(Command::React { message_id: data.message_id("message_id")?, reaction: data.reaction()?, add })
}

fn search(data: &Object<'_>) -> Result<Command, Fault> {
    Ok(Command::Search { query: data.text("query", MAX_QUERY)?, limit: data.limit()? })
}
