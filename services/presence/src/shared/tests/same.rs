//! The state of one process and that in Redis are given the same reports at the same times, in any order, and must tell and answer
//! the same.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use causeway_proto::{
    id,
    presence::{SessionOpened, SetTypingRequest, Typist},
};
use proptest::{prelude::*, test_runner::TestCaseResult};
use tokio::runtime::Runtime;

use super::{
    process::{Heard, by_hand, closed, connect},
    server,
};
use crate::{
    ledger::{Report, Stream},
    moment::Moment,
    settings::Settings,
    shared::Shared,
    state::{State, Told},
};

const USERS: u8 = 3;
const ROOMS: u8 = 3;

#[derive(Debug, Clone)]
enum Step {
    Attach(u8),
    Open { bridge: u8, session: u8, user: u8, room: u8, uuid: bool },
    Close { bridge: u8, session: u8 },
    Sync(u8),
    Lose(u8),
    Type { user: u8, room: u8, uuid: bool, is_typing: bool },
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0u8..3).prop_map(Step::Attach),
        8 => (0u8..2, 0u8..5, 0..USERS, 0..ROOMS, any::<bool>()).prop_map(|(bridge, session, user, room, uuid)| {
            Step::Open { bridge, session, user, room, uuid }
        }),
        6 => (0u8..2, 0u8..5).prop_map(|(bridge, session)| Step::Close { bridge, session }),
        1 => (0u8..2).prop_map(Step::Sync),
        2 => (0u8..2).prop_map(Step::Lose),
        4 => (0..USERS, 1..ROOMS, any::<bool>(), any::<bool>()).prop_map(|(user, room, uuid, is_typing)| {
            Step::Type { user, room, uuid, is_typing }
        }),
        6 => prop_oneof![0u64..20, 0u64..6_000, Just(5_000), Just(6_000), Just(10_000), 0u64..40_000]
            .prop_map(Step::Wait),
    ]
}

fn settings() -> Settings {
    Settings { max_bridges: 2, max_sessions_per_bridge: 3, max_typing: 2, ..Settings::default() }
}

/// An id, or the UUID that stands for it.
fn name(kind: &str, number: u8, uuid: bool) -> String {
    let name = format!("{kind}-{number}");
    if uuid { id::to_uuid(&name).to_string() } else { name }
}

fn open(session: u8, user: u8, room: u8, uuid: bool) -> Report {
    Report::Opened(SessionOpened {
        session_id: session.to_string(),
        user_id: name("user", user, uuid),
        display_name: format!("the {user}.\nby {session}"),
        conversation_id: if room == 0 { String::new() } else { name("room", room, uuid) },
    })
}

fn says(user: u8, room: u8, uuid: bool, is_typing: bool) -> SetTypingRequest {
    let user_id = name("user", user, uuid);
    SetTypingRequest {
        conversation_id: name("room", room, !uuid),
        user: Some(Typist { user_id, display_name: format!("{user}\n{uuid}"), ..Typist::default() }),
        session_id: "s".into(),
        is_typing,
    }
}

/// Both, and the streams that each has for a bridge.
struct Pair {
    now: u64,
    alone: State,
    shared: Shared,
    hand: Arc<AtomicI64>,
    heard: Heard,
    streams: [Option<(Stream, Stream)>; 3],
}

impl Pair {
    fn moment(&self) -> Moment {
        let micros = i64::try_from(self.now * 1_000).unwrap();
        Moment { elapsed: std::time::Duration::from_millis(self.now), micros }
    }

    /// Takes the step on both. What each told, and whether each took it.
    async fn take(&mut self, step: &Step) -> [(Vec<Told>, bool); 2] {
        if let Step::Wait(millis) = step {
            self.now += millis;
        }
        let now = self.moment();
        self.hand.store(now.micros, Ordering::SeqCst);
        let mut told = self.alone.expire(now);
        let partition = &self.shared.0.partitions[0];
        assert!(self.shared.sweep_one(partition).await.is_ok(), "Redis is there");
        let taken = match step {
            Step::Attach(bridge) => self.attach(*bridge, now).await,
            Step::Open { bridge, session, user, room, uuid } => {
                self.report(*bridge, &open(*session, *user, *room, *uuid), now, &mut told).await
            }
            Step::Close { bridge, session } => {
                self.report(*bridge, &closed(&session.to_string()), now, &mut told).await
            }
            Step::Sync(bridge) => self.report(*bridge, &Report::Synced, now, &mut told).await,
            Step::Lose(bridge) => {
                if let Some((alone, shared)) = self.streams[usize::from(*bridge)].take() {
                    self.alone.lose(&alone, now);
                    self.shared.lose(&shared).await;
                }
                [true; 2]
            }
            Step::Type { user, room, uuid, is_typing } => {
                let said = says(*user, *room, *uuid, *is_typing);
                let alone = self.alone.set_typing(said.clone(), now);
                let taken = alone.is_ok();
                told.extend(alone.unwrap_or_default());
                [taken, self.shared.set_typing(said).await.is_ok()]
            }
            Step::Wait(_) => [true; 2],
        };
        let shared = std::mem::take(&mut *self.heard.lock().unwrap());
        [(sorted(told), taken[0]), (sorted(shared), taken[1])]
    }

    async fn attach(&mut self, bridge: u8, now: Moment) -> [bool; 2] {
        let alone = self.alone.attach(&bridge.to_string(), now);
        let shared = self.shared.attach(bridge.to_string()).await.ok();
        let taken = [alone.is_some(), shared.is_some()];
        self.streams[usize::from(bridge)] = alone.zip(shared);
        taken
    }

    async fn report(&mut self, bridge: u8, report: &Report, now: Moment, told: &mut Vec<Told>) -> [bool; 2] {
        let Some((alone, shared)) = &self.streams[usize::from(bridge)] else { return [true; 2] };
        let alone = self.alone.report(alone, report.clone(), now);
        // One session too many is turned away, and no reason to refuse the report.
        let taken = !matches!(alone, Err(crate::ledger::Refused::Superseded));
        told.extend(alone.unwrap_or_default());
        [taken, self.shared.report(shared, vec![report.clone()]).await.is_ok()]
    }

    async fn compare(&self) -> TestCaseResult {
        let now = self.moment();
        for user in 0..USERS {
            let user = id::to_uuid(&name("user", user, false));
            let online = self.shared.presences(vec![user]).await.unwrap().remove(0);
            let online = online.filter(|presence| presence.status() == super::process::ONLINE);
            prop_assert_eq!(self.alone.presence(user, now), online);
        }
        for room in 1..ROOMS {
            let room = id::to_uuid(&name("room", room, false));
            prop_assert_eq!(self.alone.present(room), self.shared.present(room).await.unwrap());
        }
        let found = self.shared.sweep_one(&self.shared.0.partitions[0]).await;
        let Ok(found) = found else { return Err(TestCaseError::fail("Redis is there")) };
        let counts = self.alone.counts();
        prop_assert_eq!([counts.users, counts.bridges, counts.typing], found.counts);
        Ok(())
    }
}

/// Sessions of a stream end in any order.
fn sorted(mut told: Vec<Told>) -> Vec<Told> {
    told.sort_by_key(|told| format!("{told:?}"));
    told
}

#[test]
fn in_redis_presence_is_what_it_is_in_one_process() {
    let Some(server) = server::Redis::start() else { return };
    let runtime = Runtime::new().unwrap();
    let redis = runtime.block_on(connect(&server.url()));
    let cases = ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(cases, |(steps in proptest::collection::vec(step(), 1..60))| {
        let (hand, heard) = (Arc::new(AtomicI64::new(0)), Heard::default());
        let shared = by_hand(&redis, &settings(), &hand, &heard);
        let mut pair = Pair {
            now: 0, alone: State::new(settings()), shared, hand, heard, streams: [None, None, None],
        };
        runtime.block_on(async {
            for step in steps.iter().chain(&[Step::Wait(100_000), Step::Lose(0), Step::Lose(1), Step::Wait(100_000)]) {
                let [alone, shared] = pair.take(step).await;
                prop_assert_eq!(alone, shared, "after {:?}", step);
                pair.compare().await?;
            }
            Ok(())
        })?;
    });
}
