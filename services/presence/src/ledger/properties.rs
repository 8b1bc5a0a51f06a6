//! The ledger against a model that remembers every session that ever was, under any order of reports and
//! losses.

use std::collections::{HashMap, HashSet};

use causeway_proto::{presence::SessionClosed, time::to_micros};
use proptest::prelude::*;

use super::*;

const OFFLINE_AFTER: u64 = 5_000;
const ORPHAN_GRACE: u64 = 10_000;

#[derive(Debug, Clone)]
enum Step {
    Attach(u8),
    Open { bridge: u8, session: u8, user: u8, conversation: u8 },
    Close { bridge: u8, session: u8 },
    Sync(u8),
    Lose(u8),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0u8..2).prop_map(Step::Attach),
        8 => (0u8..2, 0u8..5, 0u8..3, 0u8..3).prop_map(|(bridge, session, user, conversation)| {
            Step::Open { bridge, session, user, conversation }
        }),
        6 => (0u8..2, 0u8..5).prop_map(|(bridge, session)| Step::Close { bridge, session }),
        1 => (0u8..2).prop_map(Step::Sync),
        2 => (0u8..2).prop_map(Step::Lose),
        6 => prop_oneof![0u64..20, 0u64..6_000, Just(OFFLINE_AFTER), Just(ORPHAN_GRACE), 0u64..40_000]
            .prop_map(Step::Wait),
    ]
}

/// A session as the specification speaks of it.
#[derive(Debug)]
struct Known {
    bridge: u8,
    session: u8,
    user: u8,
    conversation: u8,
    stream: usize,
    /// When its stream ended.
    orphaned: Option<u64>,
}

#[derive(Debug, Default)]
struct Model {
    now: u64,
    attached: [Option<usize>; 2],
    streams: usize,
    open: Vec<Known>,
    last_close: HashMap<u8, u64>,
    last_seen: HashMap<u8, u64>,
}

/// When a session stops counting, and when its user was last seen on it.
#[derive(Debug, Clone, Copy)]
struct End {
    at: u64,
    seen: u64,
}

impl Model {
    /// Removes the sessions that `gone` gives an end to.
    fn close(&mut self, gone: impl Fn(&Known) -> Option<End>) {
        let Self { open, last_close, last_seen, .. } = self;
        open.retain(|known| {
            let Some(end) = gone(known) else { return true };
            let last = last_close.entry(known.user).or_default();
            *last = end.at.max(*last);
            let seen = last_seen.entry(known.user).or_default();
            *seen = end.seen.max(*seen);
            false
        });
    }

    fn lose(&mut self, bridge: u8) {
        let now = self.now;
        if let Some(stream) = self.attached[usize::from(bridge)].take() {
            for known in self.open.iter_mut().filter(|known| known.stream == stream) {
                known.orphaned = Some(now);
            }
        }
    }

    fn apply(&mut self, step: &Step) {
        let now = self.now;
        let here = End { at: now, seen: now };
        match *step {
            Step::Attach(bridge) => {
                self.lose(bridge);
                self.streams += 1;
                self.attached[usize::from(bridge)] = Some(self.streams);
            }
            Step::Open { bridge, session, user, conversation } => {
                let Some(stream) = self.attached[usize::from(bridge)] else { return };
                self.close(|known| (known.bridge == bridge && known.session == session).then_some(here));
                self.open.push(Known { bridge, session, user, conversation, stream, orphaned: None });
            }
            Step::Close { bridge, session } => {
                if self.attached[usize::from(bridge)].is_some() {
                    self.close(|known| (known.bridge == bridge && known.session == session).then_some(here));
                }
            }
            Step::Sync(bridge) => {
                if let Some(stream) = self.attached[usize::from(bridge)] {
                    self.close(|known| {
                        let end = End { at: now, seen: known.orphaned.unwrap_or(now) };
                        (known.bridge == bridge && known.stream != stream).then_some(end)
                    });
                }
            }
            Step::Lose(bridge) => self.lose(bridge),
            Step::Wait(millis) => {
                self.now += millis;
                let now = self.now;
                self.close(|known| {
                    let end = known.orphaned.map(|seen| End { at: seen + ORPHAN_GRACE, seen });
                    end.filter(|end| end.at <= now)
                });
            }
        }
    }

    fn is_online(&self, user: u8) -> bool {
        let last_close = self.last_close.get(&user);
        self.open.iter().any(|known| known.user == user)
            || last_close.is_some_and(|at| self.now < at + OFFLINE_AFTER)
    }

    fn present(&self, conversation: u8) -> Vec<String> {
        let here = self.open.iter().filter(|known| known.conversation == conversation);
        let users: BTreeSet<String> = here.map(|known| name(known.user)).collect();
        users.into_iter().collect()
    }
}

fn name(user: u8) -> String {
    format!("user-{user}")
}

/// Conversation 0 is none.
fn room(conversation: u8) -> String {
    if conversation == 0 { String::new() } else { format!("room-{conversation}") }
}

/// The ledger, its streams, and who is online according to what it told.
struct Tried {
    ledger: Ledger,
    streams: [Option<Stream>; 2],
    online: HashSet<String>,
    last_seen: HashMap<String, i64>,
}

impl Tried {
    fn apply(&mut self, step: &Step, now: Moment) {
        let due = self.ledger.expire(now);
        self.hear(due);
        match step {
            Step::Attach(bridge) => {
                self.streams[usize::from(*bridge)] = self.ledger.attach(&bridge.to_string(), now);
            }
            Step::Open { bridge, session, user, conversation } => {
                let report = Report::Opened(SessionOpened {
                    session_id: session.to_string(),
                    user_id: name(*user),
                    display_name: String::new(),
                    conversation_id: room(*conversation),
                });
                self.report(*bridge, report, now);
            }
            Step::Close { bridge, session } => {
                self.report(*bridge, Report::Closed(SessionClosed { session_id: session.to_string() }), now);
            }
            Step::Sync(bridge) => self.report(*bridge, Report::Synced, now),
            Step::Lose(bridge) => {
                if let Some(stream) = &self.streams[usize::from(*bridge)] {
                    self.ledger.lose(stream, now);
                }
            }
            Step::Wait(_) => {}
        }
    }

    fn report(&mut self, bridge: u8, report: Report, now: Moment) {
        if let Some(stream) = &self.streams[usize::from(bridge)]
            && let Ok(changes) = self.ledger.apply(stream, report, now)
        {
            self.hear(changes);
        }
    }

    fn hear(&mut self, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Online(presence) => {
                    assert!(self.online.insert(presence.user_id), "online, and was already");
                }
                Change::Offline(presence) => {
                    assert!(self.online.remove(&presence.user_id), "offline, and was not online");
                    self.last_seen.insert(presence.user_id, to_micros(&presence.last_seen.unwrap()));
                }
                Change::Left { .. } => {}
            }
        }
    }
}

fn at(millis: u64) -> Moment {
    Moment { elapsed: Duration::from_millis(millis), micros: i64::try_from(millis * 1_000).unwrap() }
}

proptest! {
    #[test]
    fn a_user_is_online_while_a_session_is_open_and_for_the_grace_after_it(
        steps in proptest::collection::vec(step(), 1..80),
    ) {
        let mut model = Model::default();
        let mut tried = Tried {
            ledger: Ledger::new(Settings::default()),
            streams: [None, None],
            online: HashSet::new(),
            last_seen: HashMap::new(),
        };
        for step in &steps {
            model.apply(step);
            let now = at(model.now);
            tried.apply(step, now);
            for user in 0..3 {
                let told = tried.online.contains(&name(user));
                prop_assert_eq!(told, model.is_online(user), "user {} after {:?}", user, step);
                let presence = tried.ledger.presence(id::to_uuid(&name(user)), now);
                prop_assert_eq!(presence.is_some(), told);
                if !told && let Some(seen) = tried.last_seen.get(&name(user)) {
                    prop_assert_eq!(*seen, at(model.last_seen[&user]).micros);
                }
                let sessions = model.open.iter().filter(|known| known.user == user).count();
                prop_assert_eq!(presence.map_or(0, |presence| presence.sessions as usize), sessions);
            }
            for conversation in 1..3 {
                let present = tried.ledger.present(id::to_uuid(&room(conversation)));
                prop_assert_eq!(present, model.present(conversation));
            }
            prop_assert_eq!(tried.ledger.session_count(), model.open.len());
        }
        let end = at(model.now + ORPHAN_GRACE + OFFLINE_AFTER);
        for stream in tried.streams.iter().flatten() {
            tried.ledger.lose(stream, at(model.now));
        }
        let rest = tried.ledger.expire(end);
        tried.hear(rest);
        prop_assert!(tried.online.is_empty());
        prop_assert_eq!(tried.ledger.bridge_count() + tried.ledger.session_count(), 0);
        prop_assert_eq!(tried.ledger.deadline(), None);
    }
}

#[test]
fn the_last_of_several_lost_bridges_decides_when_its_user_goes_offline() {
    let mut ledger = Ledger::new(Settings::default());
    let streams: Vec<Stream> =
        (0..8).map(|bridge| ledger.attach(&bridge.to_string(), at(0)).unwrap()).collect();
    for stream in &streams {
        let opened = SessionOpened { session_id: "s".into(), user_id: name(1), ..SessionOpened::default() };
        ledger.apply(stream, Report::Opened(opened), at(0)).unwrap();
    }
    for (stream, millis) in streams.iter().zip(0..) {
        ledger.lose(stream, at(millis));
    }
    let offline = 7 + ORPHAN_GRACE + OFFLINE_AFTER;
    assert_eq!(ledger.expire(at(offline - 1)), []);
    assert_eq!(ledger.deadline(), Some(Duration::from_millis(offline)));
    assert_eq!(ledger.expire(at(offline)).len(), 1);
}
