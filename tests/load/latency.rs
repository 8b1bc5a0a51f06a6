//! From frame in to frame out at 1 000 messages a second, as a client sees it.

use std::time::Duration;

use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval_at, sleep},
};

use crate::{
    report::{Report, Row, Target},
    scene::Scene,
    server::Server,
    socket::{self, Reader, Writer},
};

const CONVERSATIONS: usize = 50;
/// Messages a second in each conversation.
const EACH: u32 = 20;
const WARM_UP: Duration = Duration::from_secs(2);
const LENGTH: Duration = Duration::from_secs(15);
/// Milliseconds.
const AT_MOST: f64 = 5.0;

/// Measures every message from just before it is written until its other reader has it.
pub(crate) async fn measure(report: &mut Report) {
    let server = Server::causeway().await;
    let scene = Scene::new(&server);
    scene.rooms(CONVERSATIONS, 2).await;
    let (results, mut arrivals) = mpsc::channel(4_096);
    let mut tasks = JoinSet::new();
    let epoch = Instant::now();
    for room in 0..CONVERSATIONS {
        let (writer, own) = socket::open(server.sockets, &scene.path(room, 0)).await;
        let (idle, reader) = socket::open(server.sockets, &scene.path(room, 1)).await;
        tasks.spawn(write(writer, epoch, room));
        tasks.spawn(read(reader, idle, epoch, results.clone()));
        tasks.spawn(discard(own));
    }
    sleep(WARM_UP).await;
    while arrivals.try_recv().is_ok() {}
    let mut latencies = Vec::new();
    let end = Instant::now() + LENGTH;
    while let Ok(Some(latency)) = tokio::time::timeout_at(end, arrivals.recv()).await {
        latencies.push(latency.as_secs_f64() * 1_000.0);
    }
    latencies.sort_by(f64::total_cmp);
    let at = |percent: usize| latencies[(latencies.len() - 1) * percent / 100];
    let rate = latencies.len() as u64 / LENGTH.as_secs();
    let row = |figure: &str, value, target| Row {
        figure: format!("latency at {rate} messages/s, {figure}"),
        value,
        unit: "ms",
        target,
    };
    report.add(row("p99", at(99), Some(Target::AtMost(AT_MOST))));
    report.add(row("p50", at(50), None));
    report.add(row("longest", at(100), None));
    assert!(rate >= 950, "only {rate} messages/s came through");
    drop(tasks);
    server.stop().await;
}

/// Writes at an even pace whatever comes back; each message says when it was written.
async fn write(mut writer: Writer, epoch: Instant, room: usize) {
    let period = Duration::from_secs(1) / EACH;
    let offset = period * u32::try_from(room % 50).expect("below fifty") / 50;
    let mut pace = interval_at(Instant::now() + offset, period);
    pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
    loop {
        pace.tick().await;
        writer.send(socket::frame(&format!("@{}@", epoch.elapsed().as_nanos()))).await;
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
