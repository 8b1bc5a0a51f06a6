//! The users whose presence a socket shows.

use causeway_proto::{
    chat::{Conversation, User},
    event::Source,
    presence::UserPresence,
    topic,
};
use tokio::time::Instant;

use super::PRESENCE_PATIENCE;
use crate::{
    fanout::{Topic, membership::Membership, registry::Interest},
    session::{Place, shows::Shows},
    shared::Shared,
};

/// The other participants of the conversation, unless they are too many; without a conversation, the user's
/// contacts.
pub(super) async fn of(
    shared: &Shared,
    shows: Shows,
    user: &User,
    conversation: Option<&Conversation>,
) -> Vec<String> {
    if !shows.presence {
        return Vec::new();
    }
    let Some(conversation) = conversation else {
        return shared.backend.contacts(&user.id).await.unwrap_or_default();
    };
    if Place::of(conversation).participants > shared.settings.presence_limit {
        return Vec::new();
    }
    let participants = conversation.participants.iter().filter_map(|participant| participant.user.as_ref());
    participants.filter(|other| other.id != user.id).map(|other| other.id.clone()).collect()
}

/// Follows the company, and says how it is now.
pub(super) async fn follow(
    shared: &Shared,
    membership: &mut Membership,
    company: Vec<String>,
) -> Vec<UserPresence> {
    let topics = company.iter().map(|id| Topic::new(Source::Presence, topic::Topic::Presence(id)));
    let places: Vec<_> = topics.map(|topic| membership.join(topic, Interest::Everything)).collect();
    let deadline = Instant::now() + PRESENCE_PATIENCE;
    for place in places {
        let left = deadline.saturating_duration_since(Instant::now());
        if place.position(left).await.is_err() {
            break;
        }
    }
    shared.backend.presences(company).await
}
