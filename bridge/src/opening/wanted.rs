//! Which topics a socket joins.

use causeway_proto::{
    chat::User,
    event::Source,
    topic::{
        EVERYBODY,
        Topic::{Audience, Conversation, User as OfUser},
    },
};

use crate::{
    dialect::Room,
    fanout::{Topic, registry::Interest},
    session::shows::Shows,
};

/// A topic to join.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) topic: Topic,
    pub(super) interest: Interest,
    /// Whether its durable events are shown, so that it belongs into the client's cursor.
    pub(super) shown: bool,
}

/// A topic that was joined.
#[derive(Debug)]
pub(super) struct Joined {
    pub(super) topic: Topic,
    pub(super) shown: bool,
    /// Events after this one come by themselves.
    pub(super) position: u64,
}

/// The topics of a socket; what the room is about comes first. Presence of others comes later.
pub(super) fn topics(room: Room, shows: Shows, user: &User, conversation_id: Option<&str>) -> Vec<Wanted> {
    let shown = |topic| Wanted { topic, interest: Interest::Everything, shown: true };
    let account = Wanted {
        topic: Topic::new(Source::Chat, OfUser(&user.id)),
        interest: Interest::Account,
        shown: false,
    };
    let mut wanted = Vec::new();
    match (room, conversation_id) {
        (Room::Conversation(_), Some(id)) => {
            wanted.push(shown(Topic::new(Source::Chat, Conversation(id))));
            if shows.typing {
                let topic = Topic::new(Source::Presence, Conversation(id));
                wanted.push(Wanted { topic, interest: Interest::Everything, shown: false });
            }
            wanted.push(account);
        }
        (Room::Conversation(_), None) => {}
        (Room::Personal | Room::List, _) => wanted.push(shown(account.topic)),
        (Room::Notifications, _) => wanted.push(account),
    }
    if shows.notifications {
        wanted.push(shown(Topic::new(Source::Notification, OfUser(&user.id))));
        let audiences = user.audiences.iter().map(String::as_str).chain([EVERYBODY]);
        let audiences = audiences.map(|id| Topic::new(Source::Notification, Audience(id)));
        wanted.extend(audiences.map(shown));
    }
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Dialect;

    fn names(dialect: Dialect, room: Room, conversation_id: Option<&str>) -> Vec<String> {
        let user = User { id: "7".into(), audiences: vec!["college:5".into()], ..User::default() };
        let wanted = topics(room, Shows::of(dialect, room), &user, conversation_id);
        let line =
            |wanted: &Wanted| format!("{:?} {} {}", wanted.topic.source, wanted.topic.name, wanted.shown);
        wanted.iter().map(line).collect()
    }

    #[test]
    fn a_conversation_has_its_messages_typing_and_the_account() {
        let names = names(Dialect::Rooms, Room::Conversation(None), Some("3"));
        assert_eq!(names, ["Chat conversation/3 true", "Presence conversation/3 false", "Chat user/7 false"]);
    }

    #[test]
    fn notifications_come_for_the_user_each_audience_and_everybody() {
        let names = names(Dialect::Campus, Room::Notifications, None);
        assert_eq!(
            names,
            [
                "Chat user/7 false",
                "Notification user/7 true",
                "Notification audience/college:5 true",
                "Notification audience/everybody true"
            ]
        );
    }

    #[test]
    fn a_personal_room_has_what_the_dialect_shows_there() {
        assert_eq!(names(Dialect::Campus, Room::Personal, None), ["Chat user/7 true"]);
        assert_eq!(names(Dialect::Envelope, Room::Personal, None).len(), 4);
    }
}
