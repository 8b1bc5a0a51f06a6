//! Who may be where.

use causeway_proto::{
    chat::{Conversation, ConversationKind, User},
    id::{self, Given},
};

use crate::{
    auth::Identity,
    dialect::{Room, Route},
    fault::Refusal,
    shared::Shared,
};

/// The group or one-to-one conversation `id` as the user sees it, for `GET /api/conversations/{id}`.
pub(crate) async fn conversation(
    shared: &Shared,
    identity: &Identity,
    id: &str,
) -> Result<Conversation, Refusal> {
    let user = shared.backend.register(identity.user.clone()).await?;
    let conversation = shared.backend.conversation(id, &user.id).await?;
    match conversation.kind() {
        ConversationKind::Group | ConversationKind::OneToOne => Ok(conversation),
        ConversationKind::Support | ConversationKind::Unspecified => Err(Refusal::NotFound),
    }
}

/// The canonical id of the conversation that a path names; a path that names a user must name this one.
pub(super) async fn conversation_id(
    shared: &Shared,
    room: Room,
    id: Option<&str>,
    user: &User,
) -> Result<Option<String>, Refusal> {
    match (room, id) {
        (Room::Conversation(_), Some(id)) => match id::read(id).map_err(|_| Refusal::NotFound)? {
            Given::Canonical(id) => Ok(Some(id)),
            Given::Hashed(uuid) => {
                Ok(Some(shared.backend.conversation(&uuid.to_string(), &user.id).await?.id))
            }
        },
        (Room::Conversation(_), None) => Err(Refusal::NotFound),
        (Room::Personal | Room::Notifications | Room::List, Some(id)) if !id::same(id, &user.id) => {
            Err(Refusal::WrongUser)
        }
        (Room::Personal | Room::Notifications | Room::List, _) => Ok(None),
    }
}

/// The conversation, when the user may be in it and it is one for this path.
pub(super) async fn check(
    shared: &Shared,
    route: &Route,
    id: &str,
    user_id: &str,
) -> Result<Conversation, Refusal> {
    let conversation = shared.backend.conversation(id, user_id).await?;
    if fits(route, conversation.kind()) { Ok(conversation) } else { Err(Refusal::NotFound) }
}

fn fits(route: &Route, kind: ConversationKind) -> bool {
    match (route.room, kind) {
        (Room::Conversation(Some(wanted)), kind) => wanted == kind,
        // A path that gives way to one for groups and one for pairs was only ever for these.
        (_, ConversationKind::Group | ConversationKind::OneToOne) => true,
        (_, ConversationKind::Support | ConversationKind::Unspecified) => route.successors.is_none(),
    }
}

#[cfg(test)]
mod tests {
    use ConversationKind::{Group, OneToOne, Support};

    use super::*;

    fn kinds(room: Room, successors: Option<[&'static str; 2]>) -> Vec<ConversationKind> {
        let route = Route { path: "/x/{id}", room, successors };
        [Group, OneToOne, Support].into_iter().filter(|kind| fits(&route, *kind)).collect()
    }

    #[test]
    fn a_path_takes_the_kinds_that_it_is_for() {
        assert_eq!(kinds(Room::Conversation(Some(Group)), None), [Group]);
        assert_eq!(kinds(Room::Conversation(None), Some(["/g/{id}", "/o/{id}"])), [Group, OneToOne]);
        assert_eq!(kinds(Room::Conversation(None), None), [Group, OneToOne, Support]);
    }
}
