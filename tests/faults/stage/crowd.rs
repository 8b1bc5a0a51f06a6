//! Clients that write and read in rooms for as long as a row lasts, come back by themselves, and write the ledger.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use anyhow::Context;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Scene, member::Member, tongue::TONGUES, until};
use crate::{
    ledger::{Checked, Ledger, Stored, Violation, Violations, check},
    outcome::Failure,
};

/// How long clients may take to come back and to see everything, once nothing is broken any more.
const SETTLING: Duration = Duration::from_secs(30);

/// Who is in a crowd, and how they behave.
#[derive(Debug, Clone)]
pub(crate) struct CrowdPlan {
    /// Rooms are called by this and a number.
    pub(crate) name: &'static str,
    /// How many rooms.
    pub(crate) rooms: usize,
    /// Clients of each room that write, and read.
    pub(crate) writers: usize,
    /// Clients of each room that only read.
    pub(crate) readers: usize,
    /// How many messages of one writer may be without an answer.
    pub(crate) window: usize,
    /// Between two messages of one writer; none: as fast as answers come.
    pub(crate) pace: Duration,
    /// Whether what was not acknowledged is sent again, with the same key.
    pub(crate) retry: bool,
    /// After how much silence a client gives a socket up.
    pub(crate) patience: Duration,
    /// How often a client looks whether it should do something else.
    pub(crate) glance: Duration,
    /// After a socket that was lost, before the next is opened; up to twice as long.
    pub(crate) pause: Duration,
    /// How many messages a writer has to say.
    pub(crate) most: u64,
    /// Whether a client comes back with `since`.
    pub(crate) resume: bool,
    /// How long all may take to see everything, once nothing is broken any more.
    pub(crate) settling: Duration,
    /// Whether those who only read do so in all dialects, in turn.
    pub(crate) polyglot: bool,
}

impl Default for CrowdPlan {
    fn default() -> Self {
        Self {
            name: "room",
            rooms: 3,
            writers: 2,
            readers: 2,
            window: 8,
            pace: Duration::ZERO,
            retry: true,
            patience: Duration::from_secs(5),
            glance: Duration::from_millis(50),
            pause: Duration::from_millis(40),
            most: u64::MAX,
            resume: true,
            settling: SETTLING,
            polyglot: false,
        }
    }
}

/// What has happened to all of them so far.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Messages that were sent, without those that were sent again.
    pub(crate) attempted: AtomicU64,
    /// Messages that were acknowledged.
    pub(crate) acknowledged: AtomicU64,
    /// Error frames.
    pub(crate) refused: AtomicU64,
    /// Messages that were shown.
    pub(crate) received: AtomicU64,
    /// Sockets that were opened.
    pub(crate) connects: AtomicU64,
    /// Sockets that ended, by the code of the close frame when there was one.
    pub(crate) closes: Mutex<BTreeMap<Option<u16>, u64>>,
    /// Clients that were told that history is lost.
    pub(crate) history_lost: AtomicU64,
    /// The longest that a message waited for an answer of either kind, in microseconds.
    pub(crate) slowest: AtomicU64,
}

/// What all members share.
pub(super) struct Shared {
    pub(super) plan: CrowdPlan,
    pub(super) counts: Counts,
    pub(super) writing: AtomicBool,
    pub(super) over: CancellationToken,
    pub(super) doors: Mutex<Vec<SocketAddr>>,
    /// The last complaint of a member, for whoever looks for a reason.
    pub(super) complaint: Mutex<String>,
}

/// What others may know of a member.
#[derive(Debug, Default)]
pub(super) struct Progress {
    pub(super) seen: AtomicUsize,
    pub(super) waiting: AtomicUsize,
    /// Whether it has a socket.
    pub(super) is_here: AtomicBool,
}

/// Clients at work.
pub(crate) struct Crowd {
    shared: Arc<Shared>,
    /// Of each member, with the number of its room.
    progress: Vec<(usize, Arc<Progress>)>,
    rooms: Vec<String>,
    members: JoinSet<anyhow::Result<()>>,
    ledger: Ledger,
}

impl Crowd {
    /// Makes rooms and users, opens sockets at `doors`, in turn, and has writers write. Everybody has seen something when
    /// this returns, so that everybody has an event id to come back with.
    pub(crate) async fn start(
        scene: &Scene,
        plan: CrowdPlan,
        doors: &[SocketAddr],
        ledger: &Ledger,
    ) -> anyhow::Result<Self> {
        let rooms: Vec<_> = (0..plan.rooms).map(|room| format!("{}-{room}", plan.name)).collect();
        let shared = Arc::new(Shared {
            plan,
            counts: Counts::default(),
            writing: AtomicBool::new(false),
            over: CancellationToken::new(),
            doors: Mutex::new(doors.to_owned()),
            complaint: Mutex::default(),
        });
        let (progress, members) = (Vec::new(), JoinSet::new());
        let mut crowd = Self { shared, progress, rooms, members, ledger: ledger.clone() };
        for room in 0..crowd.rooms.len() {
            crowd.fill(scene, room).await?;
        }
        let is_there = async || Ok(crowd.progress.iter().all(|(_, member)| member.is_here.load(Relaxed)));
        until("everybody is connected", SETTLING, is_there).await.with_context(|| crowd.complaint())?;
        crowd.resume_writing();
        if crowd.shared.plan.writers > 0 {
            let has_seen =
                async || Ok(crowd.progress.iter().all(|(_, member)| member.seen.load(Relaxed) > 0));
            until("everybody has seen a message", SETTLING, has_seen)
                .await
                .with_context(|| crowd.complaint())?;
        }
        Ok(crowd)
    }

    async fn fill(&mut self, scene: &Scene, number: usize) -> anyhow::Result<()> {
        let room = self.rooms[number].clone();
        let CrowdPlan { writers, readers, polyglot, .. } = self.shared.plan;
        let users: Vec<_> = (0..writers + readers).map(|user| format!("{room}-{user}")).collect();
        scene.room(&room, &users).await?;
        for (place, user) in users.iter().enumerate() {
            let mut pen = self.ledger.pen(user)?;
            pen.from(&room, 0)?;
            let progress = Arc::new(Progress::default());
            let token = scene.token(user)?;
            let member =
                Member::new(user, &room, &token, place < writers, pen, self.shared.clone(), progress.clone());
            let in_turn = if polyglot && place >= writers { (place - writers) % TONGUES.len() } else { 0 };
            let member = member.in_tongue(&TONGUES[in_turn]);
            self.progress.push((number, progress));
            self.members.spawn(member.live(self.progress.len()));
        }
        Ok(())
    }

    /// What has happened so far.
    pub(crate) fn counts(&self) -> &Counts {
        &self.shared.counts
    }

    /// The rooms' ids.
    pub(crate) fn rooms(&self) -> &[String] {
        &self.rooms
    }

    /// No new messages; those under way are finished.
    pub(crate) fn pause_writing(&self) {
        self.shared.writing.store(false, Relaxed);
    }

    /// Messages again.
    pub(crate) fn resume_writing(&self) {
        self.shared.writing.store(true, Relaxed);
    }

    /// Waits until so many more messages are acknowledged; how long that took.
    pub(crate) async fn acknowledges(&self, more: u64, within: Duration) -> anyhow::Result<Duration> {
        let goal = self.counts().acknowledged.load(Relaxed) + more;
        let is_so = async || Ok(self.counts().acknowledged.load(Relaxed) >= goal);
        let what = format!("{more} more messages are acknowledged");
        until(&what, within, is_so).await.with_context(|| self.complaint())
    }

    /// Has everybody finish and see everything, and has the ledger decide. Nobody writes after that until told to.
    pub(crate) async fn settle(&self, scene: &Scene) -> Result<Checked, Failure> {
        self.pause_writing();
        let answered = async || Ok(self.progress.iter().all(|(_, member)| member.waiting.load(Relaxed) == 0));
        let what = "every message is answered";
        if let Err(error) = until(what, SETTLING, answered).await.with_context(|| self.complaint()) {
            return Err(Failure::Broken(format!("{error:#}")));
        }
        let stored = self.stored(scene).await?;
        let wanted: Vec<_> = self.rooms.iter().map(|room| stored.0[room].messages.len()).collect();
        let shown = async || {
            Ok(self.progress.iter().all(|(room, member)| member.seen.load(Relaxed) >= wanted[*room]))
        };
        // Who has not seen everything by then is named by the checker.
        drop(until("everybody has seen everything", self.shared.plan.settling, shown).await);
        // A duplicate would come after what it repeats.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let checked = check(&self.ledger.read()?, &stored)?;
        if self.counts().history_lost.load(Relaxed) > 0 {
            return Err(Failure::Broken(
                "a client that came back in time was told that history is lost".into(),
            ));
        }
        Ok(checked)
    }

    /// What is stored. A service that has just come back may take a moment until it can say so.
    async fn stored(&self, scene: &Scene) -> anyhow::Result<Stored> {
        let begun = Instant::now();
        loop {
            match Stored::read(&scene.grpc, &self.rooms).await {
                Err(_) if begun.elapsed() < SETTLING => tokio::time::sleep(Duration::from_millis(50)).await,
                read => return read,
            }
        }
    }

    /// What is to be said of a row that cannot go on because clients do not get what they want: what the ledger says of
    /// messages that are lost, else why it cannot go on.
    pub(crate) async fn blame(&self, scene: &Scene, stuck: anyhow::Error) -> Failure {
        let lost = async {
            let stored = Stored::read(&scene.grpc, &self.rooms).await?;
            let breaches = check(&self.ledger.read()?, &stored).err();
            let lost = |breach: &Violation| matches!(breach, Violation::Lost { .. });
            anyhow::Ok(breaches.map(|Violations(found)| found.into_iter().filter(lost).collect::<Vec<_>>()))
        };
        match lost.await {
            Ok(Some(lost)) if !lost.is_empty() => Violations(lost).into(),
            Ok(_) | Err(_) => Failure::Broken(format!("{stuck:#}")),
        }
    }

    /// [`Self::settle`], and everybody leaves.
    pub(crate) async fn finish(mut self, scene: &Scene) -> Result<Checked, Failure> {
        let settled = self.settle(scene).await;
        self.leave().await?;
        settled
    }

    /// Everybody leaves, whatever is under way.
    pub(crate) async fn leave(&mut self) -> anyhow::Result<()> {
        self.shared.over.cancel();
        while let Some(ended) = self.members.join_next().await {
            ended??;
        }
        Ok(())
    }

    /// Waits until every client has seen so many messages of its room since the beginning; how long that took.
    pub(crate) async fn sees(&self, messages: usize, within: Duration) -> anyhow::Result<Duration> {
        let is_so =
            async || Ok(self.progress.iter().all(|(_, member)| member.seen.load(Relaxed) >= messages));
        let what = format!("everybody has seen {messages} messages");
        until(&what, within, is_so).await.with_context(|| self.complaint())
    }

    /// What a member complained about last.
    pub(crate) fn complaint(&self) -> String {
        let complaint = self.shared.complaint.lock().expect("no poison").clone();
        if complaint.is_empty() {
            "no client complained".into()
        } else {
            format!("a client said: {complaint}")
        }
    }
}
