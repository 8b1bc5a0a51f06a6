//! What happens elsewhere, as the client sees it.

use causeway_proto::{
    chat::{DirectMessageCreated, Message, MessageCreated, ParticipantsAdded, ParticipantsRemoved, User},
    event::{Source, event::Body},
    presence::{TypingChanged, Typist},
};

use super::*;
use crate::{
    cursor::{Cursor, topic_hash},
    fanout::{Topic, mailbox::Loss},
};

fn removed(sequence: u64, users: &[&str]) -> Event {
    let user_ids = users.iter().map(|user| (*user).to_owned()).collect();
    let body = ParticipantsRemoved { conversation_id: "7".into(), user_ids };
    samples::event("conversation/7", sequence, Body::ParticipantsRemoved(body))
}

fn added(sequence: u64, users: &[&str]) -> Event {
    let users = users.iter().map(|user| samples::user(user)).collect();
    let body = ParticipantsAdded { conversation_id: "7".into(), users };
    samples::event("conversation/7", sequence, Body::ParticipantsAdded(body))
}

fn typing(session_id: &str) -> Event {
    let user = Typist { user_id: "alice".into(), display_name: "alice".into(), ..Typist::default() };
    let body = TypingChanged {
        conversation_id: "7".into(),
        user: Some(user),
        session_id: session_id.into(),
        is_typing: true,
    };
    samples::event("conversation/7", 0, Body::TypingChanged(body))
}

fn direct(sender: &str, origin: &str) -> Event {
    let Some(Body::MessageCreated(MessageCreated { message })) = samples::message(1, 1, sender).body else {
        panic!("a message")
    };
    let message =
        message.map(|message| Message { conversation_kind: ConversationKind::OneToOne.into(), ..message });
    let body = DirectMessageCreated { message, peer_id: "2".into(), addressed: true, origin: origin.into() };
    samples::event("user/alice", 1, Body::DirectMessageCreated(body))
}

fn positions(seen: u64, settled: u64) -> Positions {
    let mut positions = Positions::default();
    positions.follow(samples::topic(), Some(seen), settled);
    positions
}

/// The `event_id` of each frame.
fn event_ids(stage: &mut Stage, event: Event) -> Vec<Option<String>> {
    let mut out = Vec::new();
    let delivery = Delivery::Event(samples::packet(event));
    stage.session.on_delivery(stage.now, delivery, &mut out);
    let frames = out.iter().flat_map(texts).map(|text| serde_json::from_str::<Value>(text).unwrap());
    frames.map(|frame| frame["event_id"].as_str().map(str::to_owned)).collect()
}

#[test]
fn a_message_is_shown_to_its_sender_too() {
    let mut stage = Cast::default().enter();
    assert_eq!(stage.happens(samples::message(1, 1, "alice")), ["frame message"]);
    assert_eq!(stage.happens(samples::message(2, 2, "bob")), ["frame message"]);
}

#[test]
fn what_has_reached_the_client_is_reported_once_for_all() {
    let mut stage = Cast::default().enter();
    for (id, sender) in [(1, "bob"), (2, "carol"), (3, "alice")] {
        stage.happens(samples::message(id, id, sender));
    }
    assert_eq!(stage.passes(Duration::from_millis(200)), [r#"delivered [("7", 2)]"#]);
}

#[test]
fn in_a_crowd_and_in_support_nothing_is_reported() {
    for conversation in [(ConversationKind::Group, 51), (ConversationKind::Support, 2)] {
        let mut stage = Cast { conversation: Some(conversation), ..Cast::default() }.enter();
        let mut event = samples::message(1, 1, "bob");
        if let Some(Body::MessageCreated(MessageCreated { message: Some(message) })) = &mut event.body {
            message.conversation_kind = conversation.0.into();
        }
        stage.happens(event);
        assert!(stage.passes(Duration::from_secs(1)).is_empty());
    }
}

#[test]
fn a_direct_message_is_reported_from_the_personal_room() {
    let mut stage = Cast::of(Dialect::Campus, Room::Personal).enter();
    assert_eq!(stage.happens(direct("bob", "elsewhere")), ["frame chat_message"]);
    assert_eq!(stage.passes(Duration::from_millis(200)), [r#"delivered [("7", 1)]"#]);
}

#[test]
fn typing_is_not_echoed_to_the_socket_it_came_from() {
    let mut stage = Cast::default().enter();
    assert!(stage.happens(typing("this-socket")).is_empty());
    assert_eq!(stage.happens(typing("another")), ["frame typing"]);
}

#[test]
fn where_a_message_is_acknowledged_its_echo_is_left_out() {
    let mut campus = Cast::of(Dialect::Campus, Room::Personal).enter();
    assert!(campus.happens(direct("alice", "this-socket")).is_empty());
    assert_eq!(campus.happens(direct("alice", "another")), ["frame chat_message"]);
    let mut envelope = Cast::of(Dialect::Envelope, Room::Personal).enter();
    assert_eq!(envelope.happens(direct("alice", "this-socket")), ["frame new_direct_message"]);
}

#[test]
fn what_was_shown_on_connect_does_not_come_again() {
    let mut stage = Cast { shown: 5, ..Cast::default() }.enter();
    assert!(stage.happens(samples::message(1, 5, "bob")).is_empty());
    assert_eq!(stage.happens(samples::message(2, 6, "bob")), ["frame message"]);
}

#[test]
fn who_is_removed_is_closed_and_hears_nothing_more() {
    let mut stage = Cast::default().enter();
    assert!(stage.happens(removed(1, &["bob"])).is_empty());
    assert_eq!(stage.happens(removed(2, &["bob", "alice"])), ["close 4004"]);
}

#[test]
fn who_may_not_connect_any_more_is_closed() {
    let mut stage = Cast::default().enter();
    let inactive = User { is_active: false, ..samples::user("alice") };
    assert_eq!(stage.happens(samples::user_updated(1, inactive)), ["close 4004"]);
}

#[test]
fn a_removal_that_was_over_before_the_socket_opened_is_history() {
    let mut stage = Cast { positions: Some(positions(1, 5)), ..Cast::default() }.enter();
    assert!(stage.happens(removed(2, &["alice"])).is_empty());
    assert!(stage.happens(added(3, &["alice"])).is_empty());
    assert_eq!(stage.happens(removed(6, &["alice"])), ["close 4004"]);
}

#[test]
fn with_since_every_durable_frame_says_where_it_stands() {
    let mut stage = Cast { positions: Some(positions(1, 5)), ..Cast::default() }.enter();
    let expected = Cursor::of([(topic_hash(Source::Chat, "conversation/7"), 2)]).to_string();
    assert_eq!(event_ids(&mut stage, samples::message(2, 2, "bob")), [Some(expected)]);
    assert_eq!(event_ids(&mut stage, typing("another")), [None]);
    let mut without = Cast::default().enter();
    assert_eq!(event_ids(&mut without, samples::message(2, 2, "bob")), [None]);
}

#[test]
fn a_cursor_over_several_topics_names_them_all() {
    let mut both = positions(1, 1);
    both.follow(Topic { source: Source::Notification, name: "user/alice".into() }, Some(9), 9);
    let mut stage = Cast { positions: Some(both), ..Cast::default() }.enter();
    let ids = event_ids(&mut stage, samples::message(2, 2, "bob"));
    let cursor = Cursor::parse(ids[0].as_deref().unwrap()).unwrap();
    assert_eq!(cursor.position(topic_hash(Source::Chat, "conversation/7")), Some(2));
    assert_eq!(cursor.position(topic_hash(Source::Notification, "user/alice")), Some(9));
}

#[test]
fn what_comes_from_the_log_and_live_is_shown_once() {
    let mut stage = Cast { positions: Some(positions(1, 3)), ..Cast::default() }.enter();
    let shown: Vec<_> =
        [2, 3, 2, 3, 4].iter().map(|at| stage.happens(samples::message(*at, *at, "b")).len()).collect();
    assert_eq!(shown, [1, 1, 0, 0, 1]);
}

#[test]
fn a_hole_is_told_and_passed_over() {
    let mut stage = Cast { positions: Some(positions(1, 9)), ..Cast::default() }.enter();
    let loss = Delivery::Lost(Arc::new(Loss { topic: samples::topic(), after: 9 }));
    let lines = stage.tell(|session, now, out| session.on_delivery(now, loss, out));
    assert_eq!(lines, ["fault history_lost"]);
    assert!(stage.happens(samples::message(9, 9, "bob")).is_empty());
    assert_eq!(stage.happens(samples::message(10, 10, "bob")), ["frame message"]);
}

#[test]
fn new_audiences_are_joined_and_old_ones_left() {
    let mut stage = Cast::of(Dialect::Campus, Room::Notifications).enter();
    let with = |audiences: &[&str]| User {
        audiences: audiences.iter().map(|id| (*id).to_owned()).collect(),
        ..samples::user("alice")
    };
    assert_eq!(
        stage.happens(samples::user_updated(1, with(&["a", "b"]))),
        ["join audience/a", "join audience/b"]
    );
    assert_eq!(stage.happens(samples::user_updated(2, with(&["b"]))), ["leave audience/a"]);
}
