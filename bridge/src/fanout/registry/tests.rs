use std::time::Duration;

use causeway_proto::event::Event;
use futures_util::FutureExt;
use prometheus_client::metrics::gauge::Gauge;

use super::*;
use crate::fanout::{mailbox::Delivery, samples};

const NAME: &str = "conversation/7";

fn mailbox() -> Arc<Mailbox> {
    Arc::new(Mailbox::new(1 << 20, Gauge::default()))
}

fn join(registry: &Registry, mailbox: &Arc<Mailbox>) -> Joined {
    registry.join(NAME.into(), mailbox, Interest::Everything).1
}

fn leave(registry: &Registry, mailbox: &Arc<Mailbox>) {
    registry.leave(&NAME.into(), mailbox);
}

fn changes(registry: &Registry) -> Vec<Change> {
    let mut changes = Vec::new();
    let _ = registry.changes(&mut changes).now_or_never();
    changes
}

fn added(registry: &Registry, after: u64) {
    registry.added(Source::Chat, NAME, after, false);
}

fn publish(registry: &Registry, sequence: u64) -> Published {
    registry.publish(&[samples::packet(samples::message(sequence, sequence, "a"))])
}

fn to(deliveries: usize) -> Published {
    Published { events: 1, deliveries, gap: false }
}

const IGNORED: Published = Published { events: 0, deliveries: 0, gap: false };
const GAP: Published = Published { gap: true, ..IGNORED };

/// Sequence numbers of events; 0 stands for a loss.
fn mail(mailbox: &Mailbox) -> Vec<u64> {
    let mut deliveries = Vec::new();
    let _ = mailbox.take(&mut deliveries, 100).now_or_never();
    let number = |delivery: &Delivery| match delivery {
        Delivery::Event(packet) => packet.event().sequence,
        Delivery::Lost(_) => 0,
    };
    deliveries.iter().map(number).collect()
}

fn add(after: Option<u64>) -> Change {
    Change::Add(NAME.into(), after)
}

fn drop_it() -> Change {
    Change::Drop(NAME.into())
}

#[tokio::test]
async fn the_first_reader_has_the_topic_asked_for_and_the_next_does_not() {
    let (registry, first, second) = (Registry::default(), mailbox(), mailbox());
    let asked = join(&registry, &first);
    assert_eq!(changes(&registry), [add(None)]);
    assert_eq!(publish(&registry, 5), IGNORED);
    added(&registry, 5);
    assert_eq!(asked.position(Duration::ZERO).await, Ok(5));
    assert!(matches!(join(&registry, &second), Joined::Live(5)));
    assert_eq!(changes(&registry), []);
    assert_eq!(publish(&registry, 6), to(2));
    assert_eq!((mail(&first), mail(&second)), (vec![6], vec![6]));
}

#[test]
fn an_event_that_comes_twice_is_passed_on_once() {
    let (registry, reader) = (Registry::default(), mailbox());
    join(&registry, &reader);
    changes(&registry);
    added(&registry, 5);
    let published = [5, 6, 6, 7].map(|sequence| publish(&registry, sequence));
    assert_eq!(published, [IGNORED, to(1), IGNORED, to(1)]);
    assert_eq!(mail(&reader), [6, 7]);
    assert_eq!(registry.position(NAME), Some(7));
}

#[test]
fn behind_a_gap_the_topic_is_asked_for_again() {
    let (registry, reader) = (Registry::default(), mailbox());
    join(&registry, &reader);
    changes(&registry);
    added(&registry, 5);
    assert_eq!(publish(&registry, 7), GAP);
    assert_eq!(publish(&registry, 8), IGNORED);
    assert_eq!(changes(&registry), [drop_it(), add(Some(5))]);
    added(&registry, 5);
    for sequence in 6..9 {
        publish(&registry, sequence);
    }
    assert_eq!(mail(&reader), [6, 7, 8]);
}

#[test]
fn of_events_that_come_together_those_before_a_gap_are_passed_on() {
    let (registry, reader) = (Registry::default(), mailbox());
    join(&registry, &reader);
    changes(&registry);
    added(&registry, 5);
    let together = [5, 6, 7, 9, 8].map(|sequence| samples::packet(samples::message(sequence, sequence, "a")));
    assert_eq!(registry.publish(&together), Published { events: 2, deliveries: 2, gap: true });
    assert_eq!(changes(&registry), [drop_it(), add(Some(7))]);
    assert_eq!(mail(&reader), [6, 7]);
}

#[test]
fn the_last_reader_gives_the_topic_back() {
    let (registry, first, second) = (Registry::default(), mailbox(), mailbox());
    join(&registry, &first);
    join(&registry, &second);
    changes(&registry);
    added(&registry, 0);
    leave(&registry, &first);
    assert_eq!(changes(&registry), []);
    leave(&registry, &second);
    assert_eq!(changes(&registry), [drop_it()]);
    assert_eq!(publish(&registry, 1), IGNORED);
}

#[test]
fn who_leaves_and_comes_back_before_it_was_said_changes_nothing() {
    let (registry, reader) = (Registry::default(), mailbox());
    join(&registry, &reader);
    changes(&registry);
    added(&registry, 0);
    leave(&registry, &reader);
    assert!(matches!(join(&registry, &reader), Joined::Live(0)));
    assert_eq!(changes(&registry), []);
}

#[test]
fn an_answer_that_nobody_waits_for_any_more_is_awaited_all_the_same() {
    let (registry, reader) = (Registry::default(), mailbox());
    join(&registry, &reader);
    changes(&registry);
    leave(&registry, &reader);
    assert_eq!(changes(&registry), []);
    added(&registry, 3);
    assert_eq!(changes(&registry), [drop_it()]);
    join(&registry, &reader);
    assert_eq!(changes(&registry), [add(None)]);
}

#[test]
fn after_a_break_each_topic_goes_on_where_it_was() {
    let (registry, reader) = (Registry::default(), mailbox());
    join(&registry, &reader);
    changes(&registry);
    added(&registry, 5);
    publish(&registry, 6);
    registry.disconnected();
    assert_eq!(publish(&registry, 7), IGNORED);
    assert_eq!(changes(&registry), [add(Some(6))]);
    registry.disconnected();
    assert_eq!(changes(&registry), [add(Some(6))]);
    added(&registry, 6);
    publish(&registry, 7);
    assert_eq!(mail(&reader), [6, 7]);
}

#[test]
fn a_loss_is_told_to_those_who_were_there() {
    let (registry, old, new) = (Registry::default(), mailbox(), mailbox());
    join(&registry, &old);
    changes(&registry);
    added(&registry, 5);
    registry.disconnected();
    join(&registry, &new);
    registry.added(Source::Chat, NAME, 9, true);
    publish(&registry, 10);
    assert_eq!((mail(&old), mail(&new)), (vec![0, 10], vec![10]));
}

#[test]
fn who_cares_for_the_account_alone_hears_nothing_else() {
    let (registry, reader) = (Registry::default(), mailbox());
    registry.join("user/a".into(), &reader, Interest::Account);
    changes(&registry);
    registry.added(Source::Chat, "user/a", 0, false);
    let other = samples::message(1, 1, "a").body;
    let other = Event { topic: "user/a".into(), sequence: 1, body: other, ..Event::default() };
    registry.publish(&[samples::packet(other)]);
    registry.publish(&[samples::packet(samples::user_updated(2, samples::user("a")))]);
    assert_eq!(mail(&reader), [2]);
}
