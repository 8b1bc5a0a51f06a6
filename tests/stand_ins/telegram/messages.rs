//! What a bot does in chats: sends, edits, deletes, reacts, types; and where files are.

use std::time::Instant;

use serde_json::{Value, json};

use super::{
    answer::{Answer, Refusal},
    desk::{Desk, Known, SentMessage, State, now},
    params::Params,
    people::merge,
};

/// Longest text, in UTF-16 code units as entities count them.
const MAX_TEXT: usize = 4096;
/// Longest caption.
const MAX_CAPTION: usize = 1024;
/// The largest file that bots are given.
const MAX_FILE: u64 = 20 << 20;

/// How a file is sent.
struct FileMethod {
    method: &'static str,
    /// The parameter, and the field of the message.
    field: &'static str,
    /// Ends of names that Telegram fetches from a URL; empty: any.
    fetched: &'static [&'static str],
}

const FILES: [FileMethod; 6] = [
    FileMethod { method: "sendPhoto", field: "photo", fetched: &["jpg", "jpeg", "png", "webp", "gif"] },
    FileMethod { method: "sendVideo", field: "video", fetched: &["mp4"] },
    FileMethod { method: "sendAudio", field: "audio", fetched: &["mp3", "m4a"] },
    FileMethod { method: "sendDocument", field: "document", fetched: &["pdf", "zip", "gif"] },
    FileMethod { method: "sendVoice", field: "voice", fetched: &["ogg", "oga", "mp3", "m4a"] },
    FileMethod { method: "sendSticker", field: "sticker", fetched: &["webp"] },
];

/// Carries out a method in a chat. The name is in lower case.
pub(crate) fn call(desk: &Desk, method: &str, params: &Params) -> Answer {
    let file = FILES.iter().find(|file| file.method.eq_ignore_ascii_case(method));
    let known = ["sendmessage", "editmessagetext", "deletemessage", "sendchataction", "setmessagereaction"];
    if file.is_none() && !known.contains(&method) {
        return Err(Refusal::new(404, "Not Found: method not found"));
    }
    let mut state = desk.state();
    let chat = chat(&state, params)?;
    // Telegram counts what arrives.
    let is_message = file.is_some() || matches!(method, "sendmessage" | "editmessagetext");
    if is_message && state.rate.as_mut().is_some_and(super::desk::Rate::is_over) {
        return Err(Refusal::too_fast(1));
    }
    let answer = match (method, file) {
        (_, Some(file)) => send_file(desk, &mut state, chat, file, params),
        ("sendmessage", _) => send_text(desk, &mut state, chat, params),
        ("editmessagetext", _) => edit(desk, &mut state, chat, params),
        ("deletemessage", _) => delete(&mut state, chat, params),
        ("setmessagereaction", _) => react(&mut state, chat, params),
        _ => {
            state.actions.push((chat, params.text("action").unwrap_or_default()));
            Ok(json!(true))
        }
    };
    desk.sent.notify_waiters();
    answer
}

fn chat(state: &State, params: &Params) -> Result<i64, Refusal> {
    let given = params.text("chat_id").unwrap_or_default();
    if given.is_empty() {
        return Err(Refusal::bad("chat_id is empty"));
    }
    let chat = given.parse().ok().filter(|chat| state.chats.contains_key(chat));
    let chat = chat.ok_or_else(|| Refusal::bad("chat not found"))?;
    if state.blocked.contains(&chat) {
        return Err(Refusal::forbidden("bot was blocked by the user"));
    }
    if state.deactivated.contains(&chat) {
        return Err(Refusal::forbidden("user is deactivated"));
    }
    Ok(chat)
}

fn send_text(desk: &Desk, state: &mut State, chat: i64, params: &Params) -> Answer {
    let text = text(params)?;
    let message = Outgoing { method: "sendMessage", text: text.clone(), file: None };
    send(desk, state, chat, params, message, json!({ "text": text }))
}

fn send_file(desk: &Desk, state: &mut State, chat: i64, by: &FileMethod, params: &Params) -> Answer {
    let caption = params.text("caption").unwrap_or_default();
    if length(&caption) > MAX_CAPTION {
        return Err(Refusal::bad("message caption is too long"));
    }
    let given = params.text(by.field).unwrap_or_default();
    let is_url = given.starts_with("http://") || given.starts_with("https://");
    if !is_url && !state.files.contains_key(&given) {
        return Err(Refusal::bad("wrong file identifier/HTTP URL specified"));
    }
    if is_url && !is_fetched(&given, by.fetched) {
        return Err(Refusal::bad("wrong type of the web page content"));
    }
    let file = json!({ "file_id": format!("AgACnew{}", state.sent_count), "file_unique_id": "AQADnew", "file_size": 1000,
                       "width": 640, "height": 480, "duration": 1, "type": "regular", "is_animated": false,
                       "is_video": false });
    let mut fields = json!({ by.field: if by.field == "photo" { json!([file]) } else { file } });
    if !caption.is_empty() {
        fields["caption"] = json!(caption);
    }
    let message = Outgoing { method: by.method, text: caption, file: Some(given) };
    send(desk, state, chat, params, message, fields)
}

/// By the end of the URL's path; what has none is taken for whatever is wanted.
fn is_fetched(url: &str, ends: &[&str]) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    name.rsplit_once('.').is_none_or(|(_, end)| ends.iter().any(|known| end.eq_ignore_ascii_case(known)))
}

struct Outgoing {
    method: &'static str,
    text: String,
    file: Option<String>,
}

fn send(
    desk: &Desk,
    state: &mut State,
    chat: i64,
    params: &Params,
    message: Outgoing,
    fields: Value,
) -> Answer {
    let reply_to = reply(state, chat, params)?;
    let message_id = state.message_id();
    state.sent_count += 1;
    if state.is_recording {
        let Outgoing { method, text, file } = message;
        let known =
            Known { text: file.is_none().then(|| text.clone()), sent: Some(state.sent.len()), is_ours: true };
        state.messages.insert((chat, message_id), known);
        state.sent.push(SentMessage {
            chat_id: chat,
            message_id,
            method: method.to_owned(),
            text,
            file,
            reply_to,
            is_edited: false,
            is_deleted: false,
            at: Instant::now(),
        });
    }
    Ok(message_json(desk, state, chat, message_id, fields))
}

fn reply(state: &State, chat: i64, params: &Params) -> Result<Option<i32>, Refusal> {
    match params.reply() {
        Some((id, _)) if state.messages.contains_key(&(chat, id)) => Ok(Some(id)),
        Some((_, false)) => Err(Refusal::bad("message to be replied not found")),
        Some((_, true)) | None => Ok(None),
    }
}

fn edit(desk: &Desk, state: &mut State, chat: i64, params: &Params) -> Answer {
    let text = text(params)?;
    let id = message_id(params);
    let Some(known) = state.messages.get_mut(&(chat, id)) else {
        return Err(Refusal::bad("message to edit not found"));
    };
    if !known.is_ours {
        return Err(Refusal::bad("message can't be edited"));
    }
    let Some(before) = &mut known.text else {
        return Err(Refusal::bad("there is no text in the message to edit"));
    };
    if *before == text {
        return Err(Refusal::bad(
            "message is not modified: specified new message content and reply markup are exactly the same as a current \
             content and reply markup of the message",
        ));
    }
    before.clone_from(&text);
    if let Some(sent) = known.sent {
        state.sent[sent].text.clone_from(&text);
        state.sent[sent].is_edited = true;
    }
    Ok(message_json(desk, state, chat, id, json!({ "text": text, "edit_date": now() })))
}

fn delete(state: &mut State, chat: i64, params: &Params) -> Answer {
    let known = state.messages.remove(&(chat, message_id(params)));
    let known = known.ok_or_else(|| Refusal::bad("message to delete not found"))?;
    if let Some(sent) = known.sent {
        state.sent[sent].is_deleted = true;
    }
    Ok(json!(true))
}

fn react(state: &mut State, chat: i64, params: &Params) -> Answer {
    let id = message_id(params);
    if !state.messages.contains_key(&(chat, id)) {
        return Err(Refusal::bad("message to react not found"));
    }
    state.reactions.insert((chat, id), params.json("reaction").unwrap_or_default());
    Ok(json!(true))
}

/// Where a file is. Good for at least an hour at Telegram; for ever here.
pub(crate) fn get_file(desk: &Desk, params: &Params) -> Answer {
    let id = params.text("file_id").unwrap_or_default();
    let state = desk.state();
    let (path, file) = state.files.get(&id).ok_or_else(|| Refusal::bad("invalid file_id"))?;
    if file.size > MAX_FILE {
        return Err(Refusal::bad("file is too big"));
    }
    Ok(json!({ "file_id": id, "file_unique_id": "AQAD", "file_size": file.size, "file_path": path }))
}

fn message_json(desk: &Desk, state: &State, chat: i64, message_id: i32, fields: Value) -> Value {
    let chat = state.chats.get(&chat).map(super::people::Person::chat);
    let mut message = json!({ "message_id": message_id, "from": desk.user(), "chat": chat, "date": now() });
    merge(&mut message, fields);
    message
}

fn message_id(params: &Params) -> i32 {
    params.number("message_id").and_then(|id| id.try_into().ok()).unwrap_or(0)
}

fn text(params: &Params) -> Result<String, Refusal> {
    let text = params.text("text").unwrap_or_default();
    match length(&text) {
        0 => Err(Refusal::bad("message text is empty")),
        length if length > MAX_TEXT => Err(Refusal::bad("message is too long")),
        _ => Ok(text),
    }
}

fn length(text: &str) -> usize {
    text.trim().encode_utf16().count()
}
