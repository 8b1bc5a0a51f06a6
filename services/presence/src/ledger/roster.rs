//! Who has a socket on which conversation.

use std::collections::HashMap;

use causeway_proto::id;
use uuid::Uuid;

/// The conversations with a socket on them, by the UUID that stands for their id: so any form of an id finds
/// them.
#[derive(Debug, Default)]
pub(super) struct Roster {
    rooms: HashMap<Uuid, Room>,
}

#[derive(Debug)]
struct Room {
    id: String,
    /// Sockets of each user.
    sockets: HashMap<Uuid, usize>,
}

impl Roster {
    /// A socket of the user came to the conversation.
    pub(super) fn join(&mut self, conversation_id: String, user: Uuid) -> Uuid {
        let conversation = id::to_uuid(&conversation_id);
        let room = self
            .rooms
            .entry(conversation)
            .or_insert_with(|| Room { id: conversation_id, sockets: HashMap::new() });
        *room.sockets.entry(user).or_default() += 1;
        conversation
    }

    /// A socket of the user left; true when it was the user's last one there.
    pub(super) fn leave(&mut self, conversation: Uuid, user: Uuid) -> bool {
        let Some(room) = self.rooms.get_mut(&conversation) else { return false };
        let Some(sockets) = room.sockets.get_mut(&user) else { return false };
        *sockets -= 1;
        if *sockets > 0 {
            return false;
        }
        room.sockets.remove(&user);
        if room.sockets.is_empty() {
            self.rooms.remove(&conversation);
        }
        true
    }

    /// The users with a socket on the conversation, in no order.
    pub(super) fn users(&self, conversation: Uuid) -> impl Iterator<Item = Uuid> {
        self.rooms.get(&conversation).into_iter().flat_map(|room| room.sockets.keys().copied())
    }

    /// The id under which the conversation was joined.
    pub(super) fn id(&self, conversation: Uuid) -> Option<&str> {
        self.rooms.get(&conversation).map(|room| room.id.as_str())
    }
}
