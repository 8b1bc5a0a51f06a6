//! The checker sees each way in which the promise can be broken.

use crate::ledger::{Account, Entry, Log, Stored, Told, Violation, check};

/// One room in which Ann has written `a-1`, `a-2` and `a-3`, and Bob reads.
fn stored(keys: &[(&str, u64)]) -> Stored {
    let messages: Vec<_> = keys.iter().map(|(key, id)| Entry { key: (*key).into(), id: *id }).collect();
    let sequences = (1..).take(messages.len()).collect();
    Stored([("r".to_owned(), Log { sequences, history: messages.clone(), messages })].into())
}

fn told(ann: &str, bob: &str) -> Told {
    let read = |text| Account::read(text).unwrap();
    Told([("ann".to_owned(), read(ann)), ("bob".to_owned(), read(bob))].into())
}

const ALL: [(&str, u64); 3] = [("a-1", 1), ("a-2", 2), ("a-3", 3)];
const ANN: &str = "attempt r a-1\nattempt r a-2\nattempt r a-3\nacknowledged r a-1 1\nacknowledged r a-2 2\n";
const BOB: &str = "received r a-1 1\nreceived r a-2 2\nreceived r a-3 3\n";

fn violations(told: &Told, stored: &Stored) -> Vec<Violation> {
    check(told, stored).unwrap_err().0
}

#[test]
fn a_promise_that_was_kept_is_counted() {
    let checked = check(&told(ANN, BOB), &stored(&ALL)).unwrap();
    assert_eq!((checked.clients, checked.attempted, checked.acknowledged), (2, 3, 2));
    assert_eq!((checked.stored, checked.received), (3, 3));
}

#[test]
fn a_message_that_was_not_acknowledged_may_be_gone() {
    let bob = "received r a-1 1\nreceived r a-2 2\n";
    assert!(check(&told(ANN, bob), &stored(&ALL[..2])).is_ok());
}

#[test]
fn an_acknowledged_message_that_is_gone_is_lost() {
    let found = violations(&told(ANN, "received r a-1 1\n"), &stored(&ALL[..1]));
    assert!(matches!(&found[..], [Violation::Lost { key, id: 2, .. }] if key == "a-2"), "{found:?}");
}

#[test]
fn a_message_under_another_id_is_seen() {
    let found = violations(&told(ANN, ""), &stored(&[("a-1", 1), ("a-2", 9)]));
    assert!(matches!(&found[..], [Violation::OtherId { told: 2, found: 9, .. }]), "{found:?}");
}

#[test]
fn a_message_that_nobody_sent_is_seen() {
    let found = violations(&told(ANN, ""), &stored(&[("a-1", 1), ("a-2", 2), ("b-1", 3)]));
    assert!(matches!(&found[..], [Violation::Invented { key, .. }] if key == "b-1"), "{found:?}");
}

#[test]
fn a_message_stored_twice_is_seen() {
    let found = violations(&told(ANN, ""), &stored(&[("a-1", 1), ("a-2", 2), ("a-2", 3)]));
    assert!(found.iter().any(|it| matches!(it, Violation::StoredTwice { first: 2, second: 3, .. })));
}

#[test]
fn a_gap_in_the_log_is_seen() {
    let mut stored = stored(&ALL);
    stored.0.get_mut("r").unwrap().sequences = vec![1, 3, 4];
    let found = violations(&told(ANN, BOB), &stored);
    assert!(matches!(&found[..], [Violation::Gap { missing: 2, found: 3, .. }]), "{found:?}");
}

#[test]
fn a_history_that_differs_from_the_log_is_seen() {
    let mut stored = stored(&ALL);
    stored.0.get_mut("r").unwrap().history.pop();
    let found = violations(&told(ANN, BOB), &stored);
    assert!(matches!(&found[..], [Violation::Disagree { place: 2, .. }]), "{found:?}");
}

#[test]
fn a_view_that_lacks_a_message_is_seen() {
    let found = violations(&told(ANN, "received r a-1 1\nreceived r a-3 3\n"), &stored(&ALL));
    assert!(matches!(&found[..], [Violation::Unseen { client, id: 2, .. }] if client == "bob"), "{found:?}");
}

#[test]
fn a_view_with_a_duplicate_is_seen() {
    let found = violations(&told(ANN, &format!("{BOB}received r a-3 3\n")), &stored(&ALL));
    assert!(matches!(&found[..], [Violation::SeenTwice { key, .. }] if key == "a-3"), "{found:?}");
}

#[test]
fn a_view_out_of_order_is_seen() {
    let bob = "received r a-1 1\nreceived r a-3 3\nreceived r a-2 2\n";
    let found = violations(&told(ANN, bob), &stored(&ALL));
    assert!(matches!(&found[..], [Violation::Disorder { key, .. }] if key == "a-2"), "{found:?}");
}

#[test]
fn a_message_that_was_shown_and_is_gone_is_seen() {
    let found = violations(&told(ANN, BOB), &stored(&ALL[..2]));
    assert!(matches!(&found[..], [Violation::SeenAndGone { id: 3, .. }]), "{found:?}");
}

#[test]
fn a_view_that_begins_later_holds_what_came_later() {
    assert!(check(&told(ANN, "from r 2\nreceived r a-3 3\n"), &stored(&ALL)).is_ok());
    let found = violations(&told(ANN, "from r 1\nreceived r a-3 3\n"), &stored(&ALL));
    assert!(matches!(&found[..], [Violation::Unseen { id: 2, .. }]), "{found:?}");
}
