//! The checker: *acknowledged ⊆ stored ⊆ attempted*, sequences from 1 without a gap, and every view equal to what is stored,
//! without a duplicate, in the same order.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::{Account, Entry, Log, Stored, Told, Violation, Violations, account::View};

/// What was compared, when nothing was broken.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Checked {
    /// Clients.
    pub(crate) clients: usize,
    /// Messages that were sent, each counted once however often it was tried.
    pub(crate) attempted: usize,
    /// Those that were acknowledged.
    pub(crate) acknowledged: usize,
    /// Those that are stored.
    pub(crate) stored: usize,
    /// What was shown to clients, all together.
    pub(crate) received: usize,
}

/// Proves the promise, or says where it is broken.
pub(crate) fn check(told: &Told, stored: &Stored) -> Result<Checked, Violations> {
    let mut found = Vec::new();
    let attempted: HashSet<_> = told.0.values().flat_map(|account| &account.attempts).collect();
    let mut checked = Checked { clients: told.0.len(), attempted: attempted.len(), ..Checked::default() };
    for (room, log) in &stored.0 {
        gaps(room, log, &mut found);
        agree(room, log, &mut found);
        once(room, log, &mut found);
        for Entry { key, .. } in &log.messages {
            if !attempted.contains(&(room.clone(), key.clone())) {
                found.push(Violation::Invented { room: room.clone(), key: key.clone() });
            }
        }
        checked.stored += log.messages.len();
    }
    let empty = Log::default();
    let mut acknowledged = BTreeSet::new();
    for (client, account) in &told.0 {
        kept(client, account, stored, &mut found);
        acknowledged.extend(account.acknowledged.iter().map(|(room, key, _)| (room, key)));
        for (room, view) in &account.views {
            seen(client, room, view, stored.0.get(room).unwrap_or(&empty), &mut found);
            checked.received += view.messages.len();
        }
    }
    checked.acknowledged = acknowledged.len();
    // What is worst is said first.
    found.sort_by_key(|breach| !matches!(breach, Violation::Lost { .. }));
    if found.is_empty() { Ok(checked) } else { Err(Violations(found)) }
}

/// Sequence numbers go 1, 2, 3…
fn gaps(room: &str, log: &Log, found: &mut Vec<Violation>) {
    for (missing, sequence) in (1..).zip(&log.sequences) {
        if *sequence != missing {
            return found.push(Violation::Gap { room: room.into(), missing, found: *sequence });
        }
    }
}

/// The log and the history say the same.
fn agree(room: &str, log: &Log, found: &mut Vec<Violation>) {
    let show = |entry: Option<&Entry>| entry.map_or("nothing".to_owned(), |entry| entry.key.clone());
    for place in 0..log.messages.len().max(log.history.len()) {
        let (left, right) = (log.messages.get(place), log.history.get(place));
        if left != right {
            let (log, history) = (show(left), show(right));
            return found.push(Violation::Disagree { room: room.into(), place, log, history });
        }
    }
}

/// No message is stored twice.
fn once(room: &str, log: &Log, found: &mut Vec<Violation>) {
    let mut ids = HashMap::new();
    for Entry { key, id } in &log.messages {
        if let Some(first) = ids.insert(key, *id) {
            let (room, key) = (room.to_owned(), key.clone());
            found.push(Violation::StoredTwice { room, key, first, second: *id });
        }
    }
}

/// What was acknowledged is there, under its id.
fn kept(client: &str, account: &Account, stored: &Stored, found: &mut Vec<Violation>) {
    let ids: BTreeMap<_, HashMap<_, _>> = stored
        .0
        .iter()
        .map(|(room, log)| (room, log.messages.iter().map(|it| (&it.key, it.id)).collect()))
        .collect();
    for (room, key, told) in &account.acknowledged {
        let (client, id) = (client.to_owned(), *told);
        match ids.get(room).and_then(|ids| ids.get(key)) {
            None => found.push(Violation::Lost { client, room: room.clone(), key: key.clone(), id }),
            Some(stored) if stored != told => found.push(Violation::OtherId {
                client,
                room: room.clone(),
                key: key.clone(),
                told: id,
                found: *stored,
            }),
            Some(_) => {}
        }
    }
}

/// A view is what is stored, from where it begins.
fn seen(client: &str, room: &str, view: &View, log: &Log, found: &mut Vec<Violation>) {
    let wanted: Vec<_> = log.messages.iter().filter(|entry| entry.id > view.after).collect();
    let places: HashMap<_, _> = wanted.iter().enumerate().map(|(place, entry)| (&entry.key, place)).collect();
    let (client, room) = (client.to_owned(), room.to_owned());
    let mut shown = BTreeSet::new();
    let mut latest: Option<usize> = None;
    for (key, id) in &view.messages {
        let (client, room, key) = (client.clone(), room.clone(), key.clone());
        match places.get(&key) {
            None => found.push(Violation::SeenAndGone { client, room, key, id: *id }),
            Some(place) if !shown.insert(*place) => found.push(Violation::SeenTwice { client, room, key }),
            Some(place) if latest.is_some_and(|latest| latest > *place) => {
                let before = latest
                    .and_then(|latest| wanted.get(latest))
                    .map_or_else(String::new, |it| it.key.clone());
                found.push(Violation::Disorder { client, room, key, before });
            }
            Some(place) => latest = Some(*place),
        }
    }
    for (_, entry) in wanted.iter().enumerate().filter(|(place, _)| !shown.contains(place)) {
        let (client, room) = (client.clone(), room.clone());
        found.push(Violation::Unseen { client, room, key: entry.key.clone(), id: entry.id });
    }
}
