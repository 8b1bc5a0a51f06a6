//! Events: applied once, in order, and answered when they are durable.

use causeway_proto::plugin::{InboundEvent, Malformed, OutcomeCode, Unknown, attach_request, inbound_event};
use tonic::Code;

use super::{
    super::Options,
    stage::{Line, Service},
};

#[tokio::test]
async fn an_event_is_applied_once_whatever_is_repeated() {
    let service = Service::start().await;
    let mut line = Line::open(&service, "shop-chat", "a").await;
    line.push(1, "x", "hello").await;
    let outcome = line.outcome().await;
    assert_eq!((outcome.sequence, outcome.code(), outcome.settled_through), (1, OutcomeCode::Accepted, 1));
    line.push(1, "x", "hello").await;
    assert_eq!(line.outcome().await.code(), OutcomeCode::Duplicate);
    line.push(2, "x", "hello").await;
    assert_eq!(line.outcome().await.code(), OutcomeCode::Duplicate);
    assert_eq!(service.slate().await, ["hello"]);
}

#[tokio::test]
async fn an_instance_goes_on_where_its_events_were_settled_and_across_a_restart() {
    let service = Service::start().await;
    let mut line = Line::open(&service, "shop-chat", "a").await;
    for sequence in 1..=3 {
        line.push(sequence, &format!("x{sequence}"), "hello").await;
        line.outcome().await;
    }
    drop(line);
    let service = service.restart().await;
    let again = Line::open(&service, "shop-chat", "a").await;
    assert_eq!(again.welcome.resume_after, 3);
    let other = Line::open(&service, "shop-chat", "b").await;
    assert_eq!(other.welcome.resume_after, 0);
    let mut other = other;
    other.push(1, "x1", "hello").await;
    assert_eq!(other.outcome().await.code(), OutcomeCode::Duplicate);
}

#[tokio::test]
async fn what_is_wrong_with_an_event_stops_nothing_and_is_kept() {
    let service = Service::start().await;
    let mut line = Line::open(&service, "shop-chat", "a").await;
    line.push(1, "x1", "wrong").await;
    line.push(2, "x2", "broken").await;
    line.push(3, "x3", "fine").await;
    let first = line.outcome().await;
    assert_eq!((first.code(), first.reason.as_str()), (OutcomeCode::Rejected, "text: is wrong"));
    let second = line.outcome().await;
    assert_eq!((second.code(), second.reason.as_str()), (OutcomeCode::Rejected, "internal error"));
    let third = line.outcome().await;
    assert_eq!((third.code(), third.settled_through), (OutcomeCode::Accepted, 3));
    assert_eq!(service.slate().await, ["fine"], "what was rejected left nothing behind");
    assert_eq!(service.status("shop-chat").await.set_aside, 2);
}

#[tokio::test]
async fn what_a_plugin_cannot_read_is_kept_and_what_means_nothing_is_not() {
    let service = Service::start().await;
    let mut line = Line::open(&service, "shop-chat", "a").await;
    let bodies = [
        Some(inbound_event::Body::Malformed(Malformed { reason: "no JSON".into(), payload: b"{".to_vec() })),
        Some(inbound_event::Body::Unknown(Unknown { kind: "poll".into() })),
        None,
    ];
    for (sequence, body) in (1..).zip(bodies) {
        let (account, provider_id) = ("shop".into(), format!("x{sequence}"));
        let event = InboundEvent { sequence, account, provider_id, body, ..InboundEvent::default() };
        line.say(attach_request::Message::Event(event)).await;
        assert_eq!(line.outcome().await.code(), OutcomeCode::Ignored);
    }
    assert_eq!(service.status("shop-chat").await.set_aside, 1);
}

#[tokio::test]
async fn an_event_without_an_id_is_rejected_by_name() {
    let service = Service::start().await;
    let mut line = Line::open(&service, "shop-chat", "a").await;
    line.push(1, "", "hello").await;
    assert_eq!(line.outcome().await.reason, "event.provider_id: must be 1 to 256 characters");
}

#[tokio::test]
async fn a_partition_keeps_its_order_when_an_event_has_to_wait_and_others_go_on() {
    let service = Service::start().await;
    let mut line = Line::open(&service, "shop-chat", "a").await;
    line.push_in(1, "p", "x1", "later").await;
    line.push_in(2, "p", "x2", "second").await;
    line.push_in(3, "q", "x3", "elsewhere").await;
    let mut outcomes = Vec::new();
    for _ in 0..3 {
        let outcome = line.outcome().await;
        outcomes.push((outcome.sequence, outcome.code()));
    }
    let (wait, fine) = (OutcomeCode::RetryAfter, OutcomeCode::Accepted);
    assert_eq!(outcomes, [(1, wait), (2, wait), (3, fine)]);
    service.now().await;
    line.push_in(2, "p", "x2", "second").await;
    assert_eq!(line.outcome().await.code(), wait, "the first has not come again");
    line.push_in(1, "p", "x1", "later").await;
    line.push_in(2, "p", "x2", "second").await;
    assert_eq!(line.outcome().await.code(), fine);
    assert_eq!(line.outcome().await.settled_through, 3);
    assert_eq!(service.slate().await, ["elsewhere", "later", "second"]);
}

#[tokio::test]
async fn an_event_without_credit_ends_the_attachment() {
    let options = Options { event_credit: 0, ..Options::default() };
    let service = Service::with(tempfile::tempdir().unwrap(), options).await;
    let mut line = Line::open(&service, "shop-chat", "a").await;
    line.push(1, "x", "hello").await;
    assert_eq!(line.end().await.unwrap_err().code(), Code::ResourceExhausted);
    assert!(service.slate().await.is_empty());
}
