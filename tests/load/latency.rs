//! From frame in to frame out at 1 000 messages a second, as a client sees it, beside what the disk alone takes for so many
//! appends in the same minute.

use std::time::Duration;

use crate::{
    disk,
    report::{Report, Row, Target, median},
    scene::Scene,
    server::Server,
    traffic::{RATE, ROUND, Round, Traffic},
};

const ROUNDS: usize = 5;
/// Milliseconds.
const AT_MOST: f64 = 5.0;

/// Measures every message from just before it is written until its other reader has it.
pub(crate) async fn measure(report: &mut Report) {
    let server = Server::causeway().await;
    let folder = server.data.path().to_owned();
    let mut traffic = Traffic::begin(&Scene::new(&server), server.sockets, &[server.sockets]).await;
    let (mut ours, mut disks) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let folder = folder.clone();
        let appends = move || disk::appends(&folder, Duration::from_secs(1) / RATE, ROUND);
        disks.push(Round::of(tokio::task::spawn_blocking(appends).await.expect("the disk is measured")));
        ours.append(&mut traffic.round().await);
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
