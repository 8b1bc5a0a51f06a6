//! Reads what the scripts say is to be told: five texts for each transition.

use causeway_proto::{
    presence::{PresenceStatus, SetTypingRequest, TypingChanged, UserPresence},
    time::from_micros,
};
use prost::Message;

use crate::state::Told;

/// Reads all of them. One that cannot be read, because a newer version wrote it, is left out.
pub(super) fn read(texts: &[Vec<u8>]) -> Vec<Told> {
    texts.as_chunks::<5>().0.iter().filter_map(one).collect()
}

/// A text.
pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A number in decimal; 0 where it is none.
pub(super) fn number<T: std::str::FromStr + Default>(bytes: &[u8]) -> T {
    str::from_utf8(bytes).ok().and_then(|text| text.parse().ok()).unwrap_or_default()
}

/// A user as Redis has them.
pub(super) fn user(status: PresenceStatus, id: &[u8], name: &[u8], seen: i64, sessions: u32) -> UserPresence {
    UserPresence {
        user_id: text(id),
        display_name: text(name),
        status: status.into(),
        last_seen: Some(from_micros(seen)),
        sessions,
    }
}

fn one([kind, a, b, c, d]: &[Vec<u8>; 5]) -> Option<Told> {
    match kind.as_slice() {
        b"online" => Some(Told::Presence(user(PresenceStatus::Online, a, b, number(c), number(d)))),
        b"offline" => Some(Told::Presence(user(PresenceStatus::Offline, a, b, number(c), 0))),
        b"typing" => Some(Told::Typing(typing(b, a == b"1")?)),
        _ => None,
    }
}

/// The ids as they are known, a line each, and the request as it came.
fn typing(said: &[u8], is_typing: bool) -> Option<TypingChanged> {
    let mut lines = said.splitn(3, |byte| *byte == b'\n');
    let (conversation, user, request) = (lines.next()?, lines.next()?, lines.next()?);
    let mut request = SetTypingRequest::decode(request).ok()?;
    if let Some(typist) = &mut request.user {
        typist.user_id = text(user);
    }
    Some(TypingChanged {
        conversation_id: text(conversation),
        user: request.user,
        session_id: request.session_id,
        is_typing,
    })
}
