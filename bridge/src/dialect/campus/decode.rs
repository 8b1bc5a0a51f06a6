//! Frames of `campus` into commands. Only a ping and a new token have a type; whatever else comes into the
//! personal room is a message to somebody, and whatever else comes into the notices is ignored.

use causeway_proto::id;

use crate::{
    command::{Command, Send},
    dialect::{
        Room,
        field::{Object, required},
    },
    fault::{Code, Fault},
};

pub(super) fn command(room: Room, text: &str) -> Result<Command, Fault> {
    match room {
        Room::Personal => personal(&Object::read(text)?),
        Room::Notifications | Room::Conversation(_) | Room::List => {
            let typed = Object::read(text).ok().and_then(|frame| typed(&frame));
            typed.unwrap_or(Ok(Command::Ignored))
        }
    }
}

/// What every socket takes.
fn typed(frame: &Object<'_>) -> Option<Result<Command, Fault>> {
    match frame.kind().ok()?.as_str() {
        "ping" => Some(Ok(Command::Ping)),
        "refresh_token" => Some(frame.refresh()),
        _ => None,
    }
}

fn personal(frame: &Object<'_>) -> Result<Command, Fault> {
    typed(frame).unwrap_or_else(|| message(frame))
}

/// Checks the receiver's presence, then the content, then the receiver, because that is what a frontend is
/// told first.
fn message(frame: &Object<'_>) -> Result<Command, Fault> {
    let receiver = frame.given_id("receiver_id")?.filter(|id| !id.is_empty());
    let receiver = receiver.ok_or_else(|| required("receiver_id"))?;
    let attachments: Vec<_> = frame.url("attachment")?.into_iter().collect();
    let content = frame.content("message", !attachments.is_empty())?;
    let client_message_id = frame.client_message_id()?;
    if id::read(&receiver).is_err() {
        return Err(Fault::new(Code::NotFound, "the receiver was not found"));
    }
    Ok(Command::Send(Send {
        recipient_id: Some(receiver),
        content,
        content_type: "text".to_owned(),
        attachments,
        client_message_id,
        ..Send::default()
    }))
}
