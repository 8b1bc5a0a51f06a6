//! From frame in to frame out at 1 000 messages a second, as a client sees it, beside what the disk alone takes for so many
//! appends in the same minute.

use std::time::Duration;

use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval_at, sleep, timeout_at},
};

use crate::{
    disk,
    report::{Report, Row, Target, median},
    scene::Scene,
    server::Server,
    socket::{self, Reader, Writer},
};

const CONVERSATIONS: usize = 50;
/// Messages a second in each conversation.
const EACH: u32 = 20;
/// Messages a second in all.
const RATE: u32 = EACH * CONVERSATIONS as u32;
const ROUNDS: usize = 5;
const WARM_UP: Duration = Duration::from_secs(1);
const ROUND: Duration = Duration::from_secs(5);
/// Milliseconds.
const AT_MOST: f64 = 5.0;

/// Measures every message from just before it is written until its other reader has it.
pub(crate) async fn measure(report: &mut Report) {
    let server = Server::causeway().await;
    let folder = server.data.path().to_owned();
    let mut traffic = Traffic::begin(&server).await;
    let (mut ours, mut disks) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let folder = folder.clone();
        let appends = move || disk::appends(&folder, Duration::from_secs(1) / RATE, ROUND);
        disks.push(Round::of(tokio::task::spawn_blocking(appends).await.expect("the disk is measured")));
        ours.push(Round::of(traffic.round().await));
    }
    let mut tell = |whose: &str, rounds: &[Round], target| {
        let mut row = |figure: &str, of: fn(&Round) -> f64, target| {
            let figure = format!("latency at {RATE} messages/s: {whose}, {figure}");
            report.add(Row { figure, value: median(rounds.iter().map(of).collect()), unit: "ms", target });
        };
        row("p99", |round| round.p99, target);
        row("p50", |round| round.p50, None);
        row("longest", |round| round.longest, None);
    };
    tell("causeway", &ours, Some(Target::AtMost(AT_MOST)));
    tell("the disk alone", &disks, None);
    drop(traffic);
    server.stop().await;
}

/// Fifty conversations with a writer and a reader each.
struct Traffic {
    flows: watch::Sender<bool>,
    latencies: mpsc::Receiver<Duration>,
    _tasks: JoinSet<()>,
}

impl Traffic {
    async fn begin(server: &Server) -> Self {
        let scene = Scene::new(server);
        scene.rooms(CONVERSATIONS, 2).await;
        let (results, latencies) = mpsc::channel(4_096);
        let flows = watch::Sender::new(false);
        let mut tasks = JoinSet::new();
        let epoch = Instant::now();
        for room in 0..CONVERSATIONS {
            let (writer, own) = socket::open(server.sockets, &scene.path(room, 0)).await;
            let (idle, reader) = socket::open(server.sockets, &scene.path(room, 1)).await;
            tasks.spawn(write(writer, epoch, room, flows.subscribe()));
            tasks.spawn(read(reader, idle, epoch, results.clone()));
            tasks.spawn(discard(own));
        }
        Self { flows, latencies, _tasks: tasks }
    }

    /// Milliseconds that the messages of one round took.
    async fn round(&mut self) -> Vec<f64> {
        self.flows.send_replace(true);
        sleep(WARM_UP).await;
        while self.latencies.try_recv().is_ok() {}
        let mut round = Vec::new();
        let end = Instant::now() + ROUND;
        while let Ok(Some(latency)) = timeout_at(end, self.latencies.recv()).await {
            round.push(latency.as_secs_f64() * 1_000.0);
        }
        self.flows.send_replace(false);
        let (came, sent) = (round.len(), RATE as usize * ROUND.as_secs() as usize);
        assert!(came >= sent * 95 / 100, "only {came} of {sent} messages came through");
        round
    }
}

/// What one round gave, in milliseconds.
struct Round {
    p50: f64,
    p99: f64,
    longest: f64,
}

impl Round {
    fn of(mut latencies: Vec<f64>) -> Self {
        latencies.sort_by(f64::total_cmp);
        let at = |percent: usize| latencies[(latencies.len() - 1) * percent / 100];
        Self { p50: at(50), p99: at(99), longest: at(100) }
    }
}

/// Writes at an even pace whatever comes back, while it flows; each message says when it was written.
async fn write(mut writer: Writer, epoch: Instant, room: usize, mut flows: watch::Receiver<bool>) {
    let period = Duration::from_secs(1) / EACH;
    let offset = period * u32::try_from(room).expect("a few rooms") / CONVERSATIONS as u32;
    while flows.wait_for(|flows| *flows).await.is_ok() {
        let mut pace = interval_at(Instant::now() + offset, period);
        pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
        while *flows.borrow_and_update() {
            pace.tick().await;
            writer.send(socket::frame(&format!("@{}@", epoch.elapsed().as_nanos()))).await;
        }
    }
}

async fn read(mut reader: Reader, _idle: Writer, epoch: Instant, results: mpsc::Sender<Duration>) {
    while let Some(frame) = reader.message().await {
        let now = epoch.elapsed();
        let written = frame.split('@').nth(1).and_then(|nanos| nanos.parse().ok());
        let written = Duration::from_nanos(written.expect("the message says when it was written"));
        if results.send(now.saturating_sub(written)).await.is_err() {
            return;
        }
    }
}

/// The sender's own messages come back to it, and must be read.
async fn discard(mut own: Reader) {
    while own.message().await.is_some() {}
}
