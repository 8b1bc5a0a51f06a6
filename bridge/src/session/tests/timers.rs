//! What happens by itself.

use super::*;
use crate::command::Reply;

#[test]
fn a_quiet_peer_is_pinged_and_a_silent_one_closed() {
    let mut stage = Cast::of(Dialect::Jobs, Room::Conversation(None)).enter();
    assert_eq!(stage.passes(Duration::from_secs(59)), ["ping", "ping"]);
    assert_eq!(stage.passes(Duration::from_secs(1)), ["close 1000"]);
}

#[test]
fn a_peer_that_answers_stays() {
    let mut stage = Cast::of(Dialect::Jobs, Room::Conversation(None)).enter();
    for _ in 0..10 {
        assert_eq!(stage.passes(Duration::from_secs(25)), ["ping"]);
        stage.session.heard(stage.now);
    }
}

#[test]
fn the_heart_beats_where_the_dialect_has_one() {
    let mut stage = Cast::default().enter();
    assert_eq!(stage.passes(Duration::from_secs(31)), ["ping", "frame heartbeat"]);
    let mut stage = Cast::of(Dialect::Campus, Room::Personal).enter();
    assert_eq!(stage.passes(Duration::from_secs(31)), ["ping"]);
}

#[test]
fn a_token_that_is_over_closes_at_its_time() {
    let mut stage = Cast::default().enter();
    stage.now.wall = ENDS_AT - 2_000_000;
    assert!(stage.passes(Duration::from_millis(1_999)).is_empty());
    assert_eq!(stage.passes(Duration::from_millis(1)), ["close 4002"]);
}

#[test]
fn on_a_restart_it_closes_when_its_turn_comes() {
    let mut stage = Cast::default().enter();
    stage.session.on_drain(stage.now.at + Duration::from_secs(3));
    assert!(stage.passes(Duration::from_millis(2_999)).is_empty());
    assert_eq!(stage.passes(Duration::from_millis(1)), ["close 1012"]);
}

#[test]
fn on_a_restart_what_was_said_is_carried_out_first() {
    let mut stage = Cast::default().enter();
    stage.says(r#"{"type":"history"}"#);
    stage.says(r#"{"type":"read","message_id":1}"#);
    stage.session.on_drain(stage.now.at);
    assert!(stage.passes(Duration::ZERO).is_empty());
    assert!(!stage.session.takes_frames());
    let history = Reply::History { messages: Vec::new(), has_more: false };
    assert_eq!(stage.answered(Outcome::Answer(Ok(history))), ["frame history", "read Some(1)"]);
    assert_eq!(stage.answered(Outcome::Answer(Ok(Reply::Done))), ["close 1012"]);
}
