//! The attachment as a host sees it, in a time that stands still when nothing happens.

mod bench;

use std::time::Duration;

use bench::Bench;
use causeway_proto::plugin::{
    AccountState, DeliveryState, Drain, Outcome, OutcomeCode, PluginKind, Typing, attach_response,
};
use tokio::time::{Instant, sleep, timeout};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::{
    RuntimeOptions, Settled, Stopped,
    played::{outcome, recorded},
};

#[tokio::test(start_paused = true)]
async fn a_plugin_is_quiet_until_it_is_welcome_and_then_takes_deliveries() {
    let mut bench = Bench::start();
    let (mut stream, hello) = bench.call().await;
    assert_eq!((hello.name.as_str(), hello.protocol, hello.kind()), ("obedient", 1, PluginKind::Channel));
    assert_eq!(stream.0.authorization.as_deref(), Some("Bearer token"));
    let early = bench.push("1");
    assert!(timeout(Duration::from_secs(5), stream.0.receive()).await.is_err());
    stream.welcome(0).await;
    assert_eq!(stream.credit().await, 64);
    assert_eq!(stream.event().await.sequence, 1);
    early.abort();
}

#[tokio::test(start_paused = true)]
async fn a_push_is_answered_when_the_event_is_settled_and_not_before() {
    let mut bench = Bench::start();
    let mut stream = bench.attached().await;
    let push = bench.push("1");
    let sequence = stream.event().await.sequence;
    sleep(Duration::from_secs(60)).await;
    assert!(!push.is_finished());
    stream.say(outcome(sequence, OutcomeCode::Duplicate, sequence)).await;
    assert_eq!(push.await.unwrap(), Ok(Settled::Duplicate));
}

#[tokio::test(start_paused = true)]
async fn an_event_survives_the_loss_of_its_stream() {
    let mut bench = Bench::start();
    let mut stream = bench.attached().await;
    let pushes = [bench.push("1"), bench.push("2")];
    let first = stream.event().await;
    assert_eq!(stream.event().await.sequence, 2);
    drop(stream);

    let (mut stream, _) = bench.call().await;
    stream.welcome(1).await;
    let again = stream.event().await;
    assert_eq!(again.sequence, 2);
    stream.say(outcome(2, OutcomeCode::Accepted, 2)).await;
    for push in pushes {
        assert_eq!(push.await.unwrap(), Ok(Settled::Accepted));
    }
    assert_ne!(first.provider_id, again.provider_id);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_comes_too_early_is_sent_again_at_its_time() {
    let mut bench = Bench::start();
    let mut stream = bench.attached().await;
    let push = bench.push("1");
    let event = stream.event().await;
    let retry = Outcome { retry_after_ms: 700, ..Outcome::default() };
    let retry = Outcome { sequence: event.sequence, code: OutcomeCode::RetryAfter.into(), ..retry };
    let start = Instant::now();
    stream.say(attach_response::Message::Outcome(retry)).await;
    assert_eq!(stream.event().await, event);
    assert!(start.elapsed() >= Duration::from_millis(700) && start.elapsed() < Duration::from_secs(1));
    push.abort();
}

#[tokio::test(start_paused = true)]
async fn the_host_says_when_to_come_back() {
    let mut bench = Bench::start();
    let (stream, hello) = bench.call().await;
    let details = ErrorDetails::with_retry_info(Some(Duration::from_secs(20)));
    stream.0.end(Status::with_error_details(Code::Unavailable, "the host stops", details)).await;
    let start = Instant::now();
    let (_, again) = bench.call().await;
    assert!((Duration::from_secs(20)..Duration::from_secs(25)).contains(&start.elapsed()));
    assert_eq!(again.instance, hello.instance);
}

#[tokio::test(start_paused = true)]
async fn a_plugin_that_is_refused_asks_again_every_thirty_seconds() {
    let mut bench = Bench::start();
    for status in [Status::unauthenticated("no"), Status::permission_denied("no")] {
        let (stream, _) = bench.call().await;
        stream.0.end(status).await;
        let start = Instant::now();
        bench.calls.recv().await.unwrap().end(Status::failed_precondition("no")).await;
        assert_eq!(start.elapsed().as_secs(), 30);
    }
}

#[tokio::test(start_paused = true)]
async fn a_plugin_that_panics_fails_for_now() {
    let mut bench = Bench::start();
    let mut stream = bench.attached().await;
    stream.deliver(7, "panic").await;
    let report = stream.report().await;
    assert_eq!((report.delivery_id, report.state(), report.permanent), (7, DeliveryState::Failed, false));
    assert_eq!(report.code, "internal");
    stream.deliver(8, "panic once").await;
    assert_eq!(stream.report().await.state(), DeliveryState::Sent);
}

#[tokio::test(start_paused = true)]
async fn a_report_is_repeated_until_it_is_recorded() {
    let mut bench = Bench::start();
    let mut stream = bench.attached().await;
    stream.deliver(7, "a").await;
    let report = stream.report().await;
    drop(stream);

    let (mut stream, hello) = bench.call().await;
    assert_eq!(hello.holding, [7]);
    stream.welcome(0).await;
    assert_eq!(stream.report().await, report);
    stream.say(recorded(7, 0)).await;
    // An answer to what comes after says that Recorded was heard.
    stream.deliver(8, "a").await;
    stream.report().await;
    stream.say(recorded(8, 0)).await;
    sleep(Duration::from_secs(1)).await;
    drop(stream);
    assert!(bench.call().await.1.holding.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_delivery_goes_on_while_the_stream_is_gone() {
    let mut bench = Bench::start();
    let mut stream = bench.attached().await;
    assert_eq!(stream.credit().await, 64);
    stream.deliver(7, "slow").await;
    sleep(Duration::from_secs(1)).await;
    drop(stream);

    let (mut stream, hello) = bench.call().await;
    assert_eq!(hello.holding, [7]);
    stream.welcome(0).await;
    assert_eq!(stream.credit().await, 63);
    assert_eq!(stream.report().await.provider_message_id, "sent/7");
    assert_eq!(stream.credit().await, 1);
}

#[tokio::test(start_paused = true)]
async fn slow_deliveries_do_not_hold_up_others() {
    let mut bench = Bench::start();
    let mut stream = bench.attached().await;
    stream.deliver(1, "slow").await;
    stream.deliver(2, "a").await;
    assert_eq!(stream.report().await.delivery_id, 2);
    assert_eq!(stream.report().await.delivery_id, 1);
}

#[tokio::test(start_paused = true)]
async fn accounts_are_said_again_and_again() {
    let mut bench = Bench::start();
    let mut stream = bench.attached().await;
    bench.host().account("bot", AccountState::BadCredentials, "make a new token").await;
    let report = stream.account().await;
    assert_eq!(report.advice, "make a new token");
    let start = Instant::now();
    assert_eq!(stream.account().await, report);
    assert_eq!(start.elapsed().as_secs(), 30);
    drop(stream);
    assert_eq!(bench.attached().await.account().await, report);
}

#[tokio::test(start_paused = true)]
async fn typing_is_passed_on() {
    let mut bench = Bench::start();
    let stream = bench.attached().await;
    let typing = Typing { customer_id: "7".to_owned(), is_typing: true, ..Typing::default() };
    stream.say(attach_response::Message::Typing(typing.clone())).await;
    assert_eq!(bench.typed.recv().await, Some(typing));
}

#[tokio::test(start_paused = true)]
async fn a_host_that_drains_gets_what_is_in_hand_and_the_plugin_back() {
    let mut bench = Bench::start();
    let mut stream = bench.attached().await;
    stream.deliver(7, "slow").await;
    stream.say(attach_response::Message::Drain(Drain { within_ms: 10_000 })).await;
    sleep(Duration::from_secs(1)).await;
    let push = bench.push("1");
    // The delivery may wait for it.
    let event = stream.event().await;
    stream.say(outcome(event.sequence, OutcomeCode::Accepted, 1)).await;
    assert_eq!(push.await.unwrap(), Ok(Settled::Accepted));
    assert_eq!(stream.report().await.delivery_id, 7);
    stream.say(recorded(7, 0)).await;
    assert_eq!(stream.next().await, None, "the plugin has ended its side");
    let (start, push) = (Instant::now(), bench.push("2"));
    drop(stream);
    let mut stream = bench.attached().await;
    assert!(start.elapsed() < Duration::from_millis(10));
    assert_eq!(stream.event().await.sequence, 2);
    push.abort();
}

#[tokio::test(start_paused = true)]
async fn a_drain_that_takes_too_long_is_over_all_the_same() {
    let mut bench = Bench::start();
    let mut stream = bench.attached().await;
    stream.deliver(7, "slow").await;
    stream.say(attach_response::Message::Drain(Drain { within_ms: 1_000 })).await;
    assert_eq!(stream.credit().await, 64);
    assert_eq!(stream.next().await, None);
    drop(stream);
    assert_eq!(bench.call().await.1.holding, [7]);
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_what_is_in_hand() {
    let mut bench = Bench::start();
    let mut stream = bench.attached().await;
    let push = bench.push("1");
    stream.deliver(7, "slow").await;
    let event = stream.event().await;
    bench.stop.cancel();
    sleep(Duration::from_millis(10)).await;
    stream.deliver(8, "a").await;
    let declined = stream.report().await;
    assert_eq!((declined.delivery_id, declined.code.as_str()), (8, "stopping"));
    stream.say(recorded(8, 0)).await;
    stream.say(outcome(event.sequence, OutcomeCode::Accepted, 1)).await;
    assert_eq!(push.await.unwrap(), Ok(Settled::Accepted));
    assert_eq!(stream.report().await.delivery_id, 7);
    assert!(!bench.runtime.is_finished());
    stream.say(recorded(7, 0)).await;
    assert_eq!(stream.next().await, None);
    drop(stream);
    timeout(Duration::from_secs(1), bench.runtime).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stop_without_a_host_tells_those_who_wait() {
    let mut bench = Bench::start();
    drop(bench.attached().await);
    let push = bench.push("1");
    bench.stop.cancel();
    let start = Instant::now();
    assert_eq!(push.await.unwrap(), Err(Stopped));
    assert_eq!(start.elapsed().as_secs(), RuntimeOptions::default().drain.as_secs());
    bench.runtime.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stop_with_nothing_in_hand_is_immediate() {
    let bench = Bench::start();
    sleep(Duration::from_secs(1)).await;
    bench.stop.cancel();
    let start = Instant::now();
    bench.runtime.await.unwrap();
    assert!(start.elapsed() < Duration::from_millis(10));
}

#[tokio::test(start_paused = true)]
async fn what_a_newer_host_says_is_passed_over() {
    let mut bench = Bench::start();
    let mut stream = bench.attached().await;
    stream.0.send(None).await;
    stream.welcome(5).await;
    let push = bench.push("1");
    assert_eq!(stream.event().await.sequence, 1);
    push.abort();
}

#[tokio::test(start_paused = true)]
async fn a_plugin_whose_place_is_taken_does_not_take_it_back_at_once() {
    let mut bench = Bench::start();
    let mut stream = bench.attached().await;
    stream.say(attach_response::Message::Drain(Drain { within_ms: 1_000 })).await;
    assert_eq!(stream.credit().await, 64);
    assert_eq!(stream.next().await, None);
    stream.0.end(Status::aborted("another instance has attached")).await;
    let start = Instant::now();
    bench.call().await;
    assert!(start.elapsed() >= Duration::from_secs(100));
}
