//! Who is there.

use causeway_proto::{
    chat::{ConversationJoined, ConversationLeft, ParticipantsAdded, ParticipantsRemoved},
    event::{Source, event::Body},
    presence::{PresenceChanged, PresenceStatus, UserPresence},
};

use super::*;

fn presence(user: &str, status: PresenceStatus) -> UserPresence {
    UserPresence {
        user_id: user.into(),
        display_name: user.into(),
        status: status.into(),
        last_seen: Some(prost_types::Timestamp::default()),
        sessions: 1,
    }
}

fn changed(user: &str, status: PresenceStatus) -> Event {
    let body = Body::PresenceChanged(PresenceChanged { presence: Some(presence(user, status)) });
    Event { source: Source::Presence.into(), ..samples::event(&format!("presence/{user}"), 0, body) }
}

fn with_bob() -> Stage {
    Cast { company: vec!["bob".into()], ..Cast::default() }.enter()
}

#[test]
fn the_client_hears_who_is_there_and_then_who_comes_and_goes() {
    use PresenceStatus::{Offline, Online};
    let mut stage = Cast { company: vec!["bob".into(), "carol".into()], ..Cast::default() }.enter();
    let now = vec![presence("bob", Online), presence("carol", Offline)];
    assert_eq!(stage.tell(|session, _, out| session.on_presences(now, out)), ["frame presence"]);
    assert!(stage.happens(changed("bob", Online)).is_empty());
    assert_eq!(stage.happens(changed("carol", Online)), ["frame presence"]);
    assert_eq!(stage.happens(changed("bob", Offline)), ["frame presence"]);
    assert!(stage.happens(changed("stranger", Online)).is_empty());
}

#[test]
fn who_is_added_is_followed_and_who_is_removed_is_not() {
    let mut stage = with_bob();
    let users = vec![samples::user("dave"), samples::user("alice"), samples::user("bob")];
    let body = Body::ParticipantsAdded(ParticipantsAdded { conversation_id: "7".into(), users });
    let lines = stage.happens(samples::event("conversation/7", 1, body));
    assert_eq!(lines, ["join presence/dave", "presences dave"]);
    let online = Outcome::Presences(vec![presence("dave", PresenceStatus::Online)]);
    assert_eq!(stage.answered_aside(online), ["frame presence"]);
    let user_ids = vec!["bob".into(), "stranger".into()];
    let body = Body::ParticipantsRemoved(ParticipantsRemoved { conversation_id: "7".into(), user_ids });
    assert_eq!(stage.happens(samples::event("conversation/7", 2, body)), ["leave presence/bob"]);
}

#[test]
fn where_it_gets_crowded_nobody_is_followed_any_more() {
    let company = vec!["bob".into()];
    let conversation = Some((ConversationKind::Group, 200));
    let mut stage = Cast { company, conversation, ..Cast::default() }.enter();
    let users = vec![samples::user("dave")];
    let body = Body::ParticipantsAdded(ParticipantsAdded { conversation_id: "7".into(), users });
    assert_eq!(stage.happens(samples::event("conversation/7", 1, body)), ["leave presence/bob"]);
}

#[test]
fn a_new_conversation_brings_new_contacts_and_the_end_of_one_may_take_some() {
    let mut stage =
        Cast { company: vec!["bob".into()], ..Cast::of(Dialect::Envelope, Room::Personal) }.enter();
    let body = ConversationJoined { conversation: None, other_user_ids: vec!["bob".into(), "carol".into()] };
    let lines = stage.happens(samples::event("user/alice", 1, Body::ConversationJoined(body)));
    assert_eq!(lines, ["join presence/carol", "presences carol"]);
    stage.answered_aside(Outcome::Presences(Vec::new()));
    let body = Body::ConversationLeft(ConversationLeft { conversation_id: "7".into() });
    assert_eq!(stage.happens(samples::event("user/alice", 2, body)), ["contacts"]);
    assert_eq!(stage.answered_aside(Outcome::Contacts(vec!["carol".into()])), ["leave presence/bob"]);
}

#[test]
fn where_the_dialect_shows_no_presence_nobody_is_followed() {
    let mut stage = Cast::of(Dialect::Helpdesk, Room::Conversation(None)).enter();
    let users = vec![samples::user("dave")];
    let body = Body::ParticipantsAdded(ParticipantsAdded { conversation_id: "7".into(), users });
    assert!(stage.happens(samples::event("conversation/7", 1, body)).is_empty());
}
