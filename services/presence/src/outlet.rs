//! Where transitions go: to subscribers, and to what remembers when users were last seen.

use causeway_kit::events::Hub;
use causeway_proto::{
    event::event::Body,
    presence::{PresenceChanged, PresenceStatus, TypingChanged, UserPresence},
    topic::Topic,
};

use crate::{seen::Seen, state::Told};

/// Tells. Cloning is cheap.
#[derive(Clone)]
pub(crate) struct Outlet {
    hub: Hub,
    /// `None` where Redis remembers.
    seen: Option<Seen>,
}

impl Outlet {
    /// Subscribers of `hub` hear, and `seen` is told as well.
    pub(crate) fn new(hub: Hub, seen: Option<Seen>) -> Self {
        Self { hub, seen }
    }

    /// Tells it all, in this order. Never blocks.
    pub(crate) fn tell(&self, told: Vec<Told>) {
        for told in told {
            match told {
                Told::Presence(presence) => self.presence(presence),
                Told::Typing(changed) => self.typing(changed),
            }
        }
    }

    fn presence(&self, presence: UserPresence) {
        if let Some(seen) = &self.seen {
            seen.note(&presence, presence.status() == PresenceStatus::Online);
        }
        let user_id = presence.user_id.clone();
        let changed = PresenceChanged { presence: Some(presence) };
        self.hub.publish_ephemeral(Topic::Presence(&user_id), Body::PresenceChanged(changed));
    }

    fn typing(&self, changed: TypingChanged) {
        let conversation_id = changed.conversation_id.clone();
        self.hub.publish_ephemeral(Topic::Conversation(&conversation_id), Body::TypingChanged(changed));
    }
}
