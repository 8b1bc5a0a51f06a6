//! A presence process as the tests see it: what it tells, and its clock.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use causeway_kit::testing::until;
use causeway_link::redis::{Redis, Settings as Connection};
use causeway_proto::{
    id,
    presence::{PresenceStatus, SessionClosed, SessionOpened, UserPresence},
};
use tokio_util::sync::CancellationToken;

use super::super::{Partition, Shared};
use crate::{
    gauges::Gauges,
    ledger::{Report, Stream},
    settings::{Settings, SharedAt},
    state::Told,
};

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// What all processes together have told.
pub(super) type Heard = Arc<Mutex<Vec<Told>>>;

/// One process.
pub(super) struct Process {
    pub(super) shared: Shared,
    stop: Mutex<CancellationToken>,
}

/// A connection to the server.
pub(super) async fn connect(url: &str) -> Redis {
    Redis::connect(Connection::new(url.parse().unwrap())).await.unwrap()
}

/// A prefix that nobody else has.
pub(super) fn fresh_prefix() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("test-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Delays as short as a test wants to wait for.
pub(super) fn hasty() -> Settings {
    Settings {
        offline_after: Duration::from_millis(100),
        typing_timeout: Duration::from_millis(150),
        orphan_grace: Duration::from_millis(300),
        ..Settings::default()
    }
}

impl Process {
    /// One whose tasks run, on a connection of its own.
    pub(super) async fn start(url: &str, settings: Settings, lease: Duration, heard: &Heard) -> Self {
        let at = SharedAt { lease, ..SharedAt::new(connect(url).await, "causeway") };
        let shared = Shared::new(settings, &at, false, tell(heard), Gauges::default());
        let stop = CancellationToken::new();
        tokio::spawn(shared.clone().run(stop.clone()));
        Self { shared, stop: Mutex::new(stop) }
    }

    /// Its tasks do nothing, as if the process were stopped where it stands.
    pub(super) fn stop_for_a_while(&self) {
        self.stop.lock().unwrap().cancel();
    }

    /// Its tasks go on.
    pub(super) fn go_on(&self) {
        let stop = CancellationToken::new();
        tokio::spawn(self.shared.clone().run(stop.clone()));
        *self.stop.lock().unwrap() = stop;
    }

    /// Nothing of it goes on from now: no lease is renewed, and nobody hears of its end.
    pub(super) fn kill(self) {
        self.stop_for_a_while();
    }

    pub(super) async fn attach(&self, bridge: &str) -> Stream {
        self.shared.attach(bridge.to_owned()).await.unwrap()
    }

    /// Reports a session of its user's name.
    pub(super) async fn open(&self, stream: &Stream, session: &str, user: &str, conversation: &str) {
        self.shared.report(stream, vec![opened(session, user, conversation)]).await.unwrap();
    }

    pub(super) async fn close(&self, stream: &Stream, session: &str) {
        self.shared.report(stream, vec![closed(session)]).await.unwrap();
    }

    pub(super) async fn synced(&self, stream: &Stream) {
        self.shared.report(stream, vec![Report::Synced]).await.unwrap();
    }

    pub(super) async fn presence(&self, user: &str) -> Option<UserPresence> {
        self.shared.presences(vec![id::to_uuid(user)]).await.unwrap().remove(0)
    }

    /// How many sessions a user has; 0 for one who is not online.
    pub(super) async fn sessions(&self, user: &str) -> u32 {
        self.presence(user).await.map_or(0, |presence| presence.sessions)
    }

    pub(super) async fn present(&self, conversation: &str) -> Vec<String> {
        self.shared.present(id::to_uuid(conversation)).await.unwrap()
    }

    /// Waits until a user has that many sessions, as this process says.
    pub(super) async fn comes_to_have(&self, user: &str, sessions: u32) {
        let wait = async {
            loop {
                let known = self.shared.presences(vec![id::to_uuid(user)]).await;
                let known = known.map(|known| known[0].as_ref().map_or(0, |presence| presence.sessions));
                if known.is_ok_and(|known| known == sessions) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.expect("it has not come to that");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop_for_a_while();
    }
}

/// Keeps what is told.
pub(super) fn tell(heard: &Heard) -> super::super::Tell {
    let heard = heard.clone();
    Box::new(move |told| heard.lock().unwrap().extend(told))
}

pub(super) const ONLINE: PresenceStatus = PresenceStatus::Online;

pub(super) fn opened(session: &str, user: &str, conversation: &str) -> Report {
    Report::Opened(SessionOpened {
        session_id: session.into(),
        user_id: user.into(),
        display_name: user.to_uppercase(),
        conversation_id: conversation.into(),
    })
}

pub(super) fn closed(session: &str) -> Report {
    Report::Closed(SessionClosed { session_id: session.into() })
}

/// What was told so far, in a few words.
pub(super) fn words(heard: &Heard) -> Vec<String> {
    heard.lock().unwrap().iter().map(in_words).collect()
}

/// Waits until so much was told, and says what.
pub(super) async fn hear(heard: &Heard, count: usize) -> Vec<String> {
    until(&format!("{count} are told"), || heard.lock().unwrap().len() >= count).await;
    words(heard)
}

fn in_words(told: &Told) -> String {
    match told {
        Told::Presence(presence) if presence.status() == PresenceStatus::Online => {
            format!("{} online", presence.user_id)
        }
        Told::Presence(presence) => format!("{} offline", presence.user_id),
        Told::Typing(changed) => {
            let does = if changed.is_typing { "types" } else { "stopped" };
            format!("{} {does} in {}", changed.user.as_ref().unwrap().user_id, changed.conversation_id)
        }
    }
}

/// Presence by a clock that the test moves. No task runs: time passes when the test says so.
pub(super) fn by_hand(redis: &Redis, settings: &Settings, hand: &Arc<AtomicI64>, heard: &Heard) -> Shared {
    by_hand_under(&fresh_prefix(), redis, settings, hand, heard)
}

/// The same, where others may be under the same prefix.
pub(super) fn by_hand_under(
    prefix: &str,
    redis: &Redis,
    settings: &Settings,
    hand: &Arc<AtomicI64>,
    heard: &Heard,
) -> Shared {
    let at = SharedAt { lease: Duration::from_secs(1_000_000), ..SharedAt::new(redis.clone(), prefix) };
    let partition = Partition::new((redis.clone(), prefix), 0, settings, at.lease, 1_000);
    Shared::over(vec![partition.by(hand.clone())], settings.clone(), &at, tell(heard), Gauges::default())
}
