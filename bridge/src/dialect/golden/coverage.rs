//! Fails where a dialect takes, sends or refuses something that no golden frame shows.

use std::collections::BTreeSet;

use causeway_proto::event::Event;

use super::{
    Shown,
    case::{CODES, REFUSALS, event_words, reply_words},
    run, sample, show,
};
use crate::dialect::{Dialect, Room};

#[test]
fn rooms_is_shown_whole() {
    check(
        Dialect::Rooms,
        &["send", "edit", "delete", "react", "read", "typing", "history", "refresh", "ping"],
    );
}

#[test]
fn envelope_is_shown_whole() {
    check(
        Dialect::Envelope,
        &[
            "send",
            "edit",
            "delete",
            "react",
            "read",
            "typing",
            "history",
            "thread",
            "search",
            "message_status",
            "refresh",
            "ping",
        ],
    );
}

#[test]
fn jobs_is_shown_whole() {
    check(
        Dialect::Jobs,
        &[
            "send",
            "edit",
            "delete",
            "react",
            "read",
            "typing",
            "history",
            "notifications",
            "read_notifications",
            "refresh",
            "ping",
        ],
    );
}

#[test]
fn helpdesk_is_shown_whole() {
    check(Dialect::Helpdesk, &["send", "typing", "read", "set_status", "conversations", "refresh", "ping"]);
}

#[test]
fn campus_is_shown_whole() {
    check(Dialect::Campus, &["send", "refresh", "ping", "ignored"]);
}

#[test]
fn there_is_a_sample_of_every_kind() {
    let events: BTreeSet<_> = sample::events().iter().map(|(_, body)| show::variant(body)).collect();
    assert_eq!(events.len(), 19, "{events:?}");
    let replies: BTreeSet<_> = sample::replies().iter().map(|(_, reply)| show::variant(reply)).collect();
    assert_eq!(replies.len(), 12, "{replies:?}");
}

/// Runs a dialect's golden frames and compares what they show with what the dialect does; it takes these
/// `commands`.
fn check(dialect: Dialect, commands: &[&str]) {
    let shown = run(dialect);
    let does: Shown = commands.iter().map(|name| format!("command {name}")).collect();
    let taken: Shown = shown.iter().filter(|words| words.starts_with("command ")).cloned().collect();
    assert_eq!(taken, does, "the commands of {}", dialect.name());
    let missing: Vec<_> = sends(dialect).into_iter().filter(|words| !shown.contains(words)).collect();
    assert!(missing.is_empty(), "{} has no golden frame of {missing:?}", dialect.name());
}

/// Everything that a dialect sends, refuses and listens on.
fn sends(dialect: Dialect) -> Shown {
    let mut does = Shown::new();
    for (room, event) in rooms(dialect).flat_map(|room| events().map(move |event| (room, event))) {
        if [false, true].iter().any(|own| !dialect.translator().event(room, &event, *own).is_empty()) {
            does.insert(event_words(room, &event));
        }
    }
    for (room, (_, reply)) in
        rooms(dialect).flat_map(|room| sample::replies().into_iter().map(move |reply| (room, reply)))
    {
        if dialect.translator().reply(room, &reply).is_some() {
            does.insert(reply_words(&reply));
        }
    }
    does.extend(CODES.iter().map(|code| format!("fault {}", code.as_str())));
    does.extend(REFUSALS.iter().map(|refusal| format!("refusal {refusal:?}")));
    does.extend(dialect.translator().routes().iter().map(|route| format!("route {}", route.path)));
    does
}

fn rooms(dialect: Dialect) -> impl Iterator<Item = Room> {
    dialect.translator().routes().iter().map(|route| route.room)
}

fn events() -> impl Iterator<Item = Event> {
    sample::events().into_iter().map(|(_, body)| Event { body: Some(body), ..Event::default() })
}
