//! A thousand messages a second at an even pace, and how long each takes from just before it is written until a reader has it.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval_at, sleep, timeout_at},
};

use crate::{
    scene::Scene,
    socket::{self, Reader, Writer},
};

const CONVERSATIONS: usize = 50;
/// Messages a second in each conversation.
const EACH: u32 = 20;
/// Messages a second in all.
pub(crate) const RATE: u32 = EACH * CONVERSATIONS as u32;
const WARM_UP: Duration = Duration::from_secs(1);
/// How long a round is measured.
pub(crate) const ROUND: Duration = Duration::from_secs(5);

/// Fifty conversations with a writer and one or more readers each, who may be somewhere else.
pub(crate) struct Traffic {
    flows: watch::Sender<bool>,
    readers: usize,
    latencies: mpsc::Receiver<(usize, Duration)>,
    _tasks: JoinSet<()>,
}

impl Traffic {
    /// Opens the sockets: the writers' at one address, a reader of each conversation at each of the others.
    pub(crate) async fn begin(scene: &Scene, writers: SocketAddr, readers: &[SocketAddr]) -> Self {
        scene.rooms(CONVERSATIONS, 1 + readers.len()).await;
        let (results, latencies) = mpsc::channel(4_096);
        let flows = watch::Sender::new(false);
        let mut tasks = JoinSet::new();
        let epoch = Instant::now();
        for room in 0..CONVERSATIONS {
            let (writer, own) = socket::open(writers, &scene.path(room, 0)).await;
            tasks.spawn(write(writer, epoch, room, flows.subscribe()));
            tasks.spawn(discard(own));
            for (number, address) in readers.iter().enumerate() {
                let (idle, reader) = socket::open(*address, &scene.path(room, number + 1)).await;
                tasks.spawn(read(reader, idle, epoch, number, results.clone()));
            }
        }
        Self { flows, readers: readers.len(), latencies, _tasks: tasks }
    }

    /// How long the messages of one round took to the readers at each address.
    pub(crate) async fn round(&mut self) -> Vec<Round> {
        self.flows.send_replace(true);
        sleep(WARM_UP).await;
        while self.latencies.try_recv().is_ok() {}
        let mut latencies = vec![Vec::new(); self.readers];
        let end = Instant::now() + ROUND;
        while let Ok(Some((reader, latency))) = timeout_at(end, self.latencies.recv()).await {
            latencies[reader].push(latency.as_secs_f64() * 1_000.0);
        }
        self.flows.send_replace(false);
        let (came, sent) = (latencies[0].len(), RATE as usize * ROUND.as_secs() as usize);
        if came < sent * 95 / 100 {
            eprintln!("  only {came} of {sent} messages came through in time");
        }
        latencies.into_iter().map(Round::of).collect()
    }
}

/// What one round gave, in milliseconds.
pub(crate) struct Round {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) longest: f64,
}

impl Round {
    pub(crate) fn of(mut latencies: Vec<f64>) -> Self {
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

async fn read(
    mut reader: Reader,
    _idle: Writer,
    epoch: Instant,
    number: usize,
    results: mpsc::Sender<(usize, Duration)>,
) {
    while let Some(frame) = reader.message().await {
        let now = epoch.elapsed();
        let written = frame.split('@').nth(1).and_then(|nanos| nanos.parse().ok());
        let written = Duration::from_nanos(written.expect("the message says when it was written"));
        if results.send((number, now.saturating_sub(written))).await.is_err() {
            return;
        }
    }
}

/// The sender's own messages come back to it, and must be read.
async fn discard(mut own: Reader) {
    while own.message().await.is_some() {}
}
