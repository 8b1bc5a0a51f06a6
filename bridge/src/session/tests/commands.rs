//! What the client asks for, and what it is answered.

use causeway_proto::chat::Message;
use prost_types::Timestamp;

use super::*;
use crate::{
    auth::Identity,
    command::Reply,
    fault::{Code, Fault},
};

fn send(content: &str) -> String {
    format!(r#"{{"type":"message","content":"{content}"}}"#)
}

fn sent(id: u64) -> Result<Reply, Fault> {
    let message = Message {
        id,
        conversation_id: "7".into(),
        sender: Some(samples::user("alice")),
        created_at: Some(Timestamp::default()),
        ..Message::default()
    };
    Ok(Reply::Sent { message: Box::new(message), duplicate: false })
}

fn not_found() -> Outcome {
    Outcome::Answer(Err(Fault::new(Code::NotFound, "not found")))
}

fn identity(user: &str, ends_at: i64) -> Outcome {
    let at = causeway_proto::time::from_micros(ends_at);
    Outcome::Refreshed(Ok(Box::new(Identity { user: samples::user(user), expires_at: at, ends_at: at })))
}

#[test]
fn a_message_is_sent_at_once_and_those_behind_it_go_together() {
    let mut stage = Cast::default().enter();
    assert_eq!(stage.says(&send("a")), ["send a"]);
    assert!(stage.says(&send("b")).is_empty());
    assert!(stage.says(&send("c")).is_empty());
    assert_eq!(stage.answered(Outcome::Sent(vec![sent(1)])), ["send b c"]);
    assert!(stage.answered(Outcome::Sent(vec![sent(2), sent(3)])).is_empty());
}

#[test]
fn commands_are_carried_out_in_the_order_given() {
    let mut stage = Cast::default().enter();
    stage.says(&send("a"));
    stage.says(r#"{"type":"edit","message_id":"1","content":"x"}"#);
    stage.says(&send("b"));
    assert_eq!(stage.answered(Outcome::Sent(vec![sent(1)])), ["call Edit"]);
    assert_eq!(stage.answered(Outcome::Answer(Ok(Reply::Done))), ["send b"]);
}

#[test]
fn each_message_of_a_batch_has_its_own_answer() {
    let mut stage = Cast::of(Dialect::Campus, Room::Personal).enter();
    let to_bob = r#"{"receiver_id":2,"message":"hi"}"#;
    assert_eq!(stage.says(to_bob), ["send hi"]);
    let failed = Err(Fault::new(Code::NotFound, "not found"));
    assert_eq!(
        stage.answered(Outcome::Sent(vec![sent(1), failed])),
        ["frame message_sent", "fault not_found"]
    );
}

#[test]
fn a_full_queue_stops_the_reading() {
    let mut stage =
        Cast { settings: Settings { send_queue: 2, ..Settings::default() }, ..Cast::default() }.enter();
    for content in ["a", "b", "c"] {
        assert!(stage.session.takes_frames());
        stage.says(&send(content));
    }
    assert!(!stage.session.takes_frames());
    stage.answered(Outcome::Sent(vec![sent(1)]));
    assert!(stage.session.takes_frames());
}

#[test]
fn what_cannot_be_read_is_answered_and_the_socket_stays() {
    let mut stage = Cast::default().enter();
    assert_eq!(stage.says("nonsense"), ["fault invalid_json"]);
    assert_eq!(stage.says(r#"{"type":"dance"}"#), ["fault unknown_type"]);
    assert_eq!(stage.says(r#"{"type":"message"}"#), ["fault invalid_field"]);
    assert_eq!(stage.says(r#"{"type":"ping"}"#), ["frame pong"]);
}

#[test]
fn a_binary_frame_closes() {
    let mut stage = Cast::default().enter();
    assert_eq!(stage.tell(|session, _, out| session.on_binary(out)), ["close 1003"]);
}

#[test]
fn receipts_within_a_moment_become_one_for_the_newest() {
    let mut stage = Cast::default().enter();
    for message_id in [3, 5, 4, 5] {
        assert!(stage.says(&format!(r#"{{"type":"read","message_id":"{message_id}"}}"#)).is_empty());
    }
    assert!(stage.passes(Duration::from_millis(199)).is_empty());
    assert_eq!(stage.passes(Duration::from_millis(1)), ["read Some(5)"]);
    assert!(stage.answered(Outcome::Answer(Ok(Reply::Done))).is_empty());
}

#[test]
fn a_receipt_for_what_is_not_there_is_reported_and_the_next_older_is_tried() {
    let mut stage = Cast::default().enter();
    for message_id in [3, 99, 5] {
        stage.says(&format!(r#"{{"type":"read","message_id":{message_id}}}"#));
    }
    assert_eq!(stage.passes(Duration::from_millis(200)), ["read Some(99)"]);
    assert_eq!(stage.answered(not_found()), ["fault not_found", "read Some(5)"]);
    assert!(stage.answered(Outcome::Answer(Ok(Reply::Done))).is_empty());
}

#[test]
fn typing_delays_no_message_and_only_the_latest_is_told() {
    let mut stage = Cast::default().enter();
    assert_eq!(stage.says(r#"{"type":"typing","is_typing":true}"#), ["typing true"]);
    assert_eq!(stage.says(&send("a")), ["send a"]);
    assert!(stage.says(r#"{"type":"typing","is_typing":true}"#).is_empty());
    assert!(stage.says(r#"{"type":"typing","is_typing":false}"#).is_empty());
    assert_eq!(stage.answered_aside(Outcome::Quiet), ["typing false"]);
    assert!(stage.answered_aside(Outcome::Quiet).is_empty());
}

#[test]
fn a_new_token_of_the_same_user_goes_on() {
    let mut stage = Cast::default().enter();
    assert_eq!(stage.says(r#"{"type":"refresh_token","token":"x"}"#), ["refresh"]);
    assert_eq!(stage.answered(identity("alice", ENDS_AT * 2)), ["frame token_refreshed"]);
    stage.now.wall = ENDS_AT;
    assert!(!stage.passes(Duration::ZERO).contains(&"close 4002".to_owned()));
    stage.now.wall = ENDS_AT * 2;
    assert_eq!(stage.passes(Duration::ZERO), ["close 4002"]);
}

#[test]
fn a_token_of_somebody_else_changes_nothing() {
    let mut stage = Cast::default().enter();
    stage.says(r#"{"type":"refresh_token","token":"x"}"#);
    assert_eq!(stage.answered(identity("mallory", ENDS_AT * 2)), ["fault forbidden"]);
    stage.now.wall = ENDS_AT;
    assert_eq!(stage.passes(Duration::ZERO), ["close 4002"]);
}

#[test]
fn what_nobody_answers_is_counted() {
    let mut stage = Cast::of(Dialect::Campus, Room::Notifications).enter();
    assert_eq!(stage.says(r#"{"anything":1}"#), ["ignored"]);
}
