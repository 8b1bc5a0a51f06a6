//! How a dialect shows a message to whoever reads in a room.

use serde_json::Value;

/// A dialect.
pub(super) struct Tongue {
    path: &'static str,
    /// The type of the frame that shows a message.
    kind: &'static str,
    /// Where the message stands in it.
    place: &'static str,
}

/// The frontends' one that also writes.
pub(super) const ROOMS: Tongue = Tongue { path: "/ws/group/{room}/", kind: "message", place: "message" };

/// All that show rooms.
pub(super) const TONGUES: [Tongue; 4] = [
    ROOMS,
    Tongue { path: "/api/v1/ws/chat/{room}", kind: "new_message", place: "data" },
    Tongue { path: "/jobs/ws/chat/{room}/", kind: "chat_message", place: "message" },
    Tongue { path: "/helpdesk/ws/chat/{room}/", kind: "chat_message", place: "message" },
];

impl Tongue {
    /// Where a room is.
    pub(super) fn path(&self, room: &str) -> String {
        self.path.replace("{room}", room)
    }

    /// The message that a frame shows, when it does.
    pub(super) fn message<'frame>(&self, frame: &'frame Value) -> Option<&'frame Value> {
        let is_new = frame["event"].is_null() || frame["event"] == "new_message";
        (frame["type"] == self.kind && is_new).then(|| &frame[self.place])
    }
}

/// A message's id, a number or written as one.
pub(super) fn id(message: &Value) -> u64 {
    let id = &message["id"];
    id.as_u64().or_else(|| id.as_str()?.parse().ok()).unwrap_or_default()
}
