//! What Redis adds: a thousand messages a second, each to a reader whose bridge is subscribed where it was written, and to one
//! whose bridge is subscribed at another chat process. Both get the very same messages, so nothing but the way differs. Beside
//! them, the single process on its files in the same minute.

use crate::{
    parts::{Parts, Routes, Shape},
    report::{Report, Row, Target, median},
    scene::Scene,
    server::Server,
    traffic::{RATE, Round, Traffic},
};

const ROUNDS: usize = 7;
/// Milliseconds that the p99 may be above that within a process.
const AT_MOST: f64 = 2.0;
const SHAPE: Shape = Shape { bridges: 2, chats: 2, routes: Routes::Own };

/// Measures every message from just before it is written until both readers have it.
pub(crate) async fn measure(report: &mut Report) {
    let parts = Parts::start(SHAPE).await;
    let [here, there] = [parts.bridges[0].at, parts.bridges[1].at];
    let mut traffic = Traffic::begin(&parts.scene(), here, &[here, there]).await;
    let server = Server::causeway().await;
    let mut alone = Traffic::begin(&Scene::new(&server), server.sockets, &[server.sockets]).await;
    let (mut within, mut through, mut single, mut added) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        single.append(&mut alone.round().await);
        let mut both = traffic.round().await;
        through.extend(both.pop());
        within.extend(both.pop());
        added.extend(through.last().zip(within.last()).map(|(through, within)| through.p99 - within.p99));
    }
    let mut tell = |figure: &str, values, target| {
        let figure = format!("through Redis at {RATE} messages/s: {figure}");
        report.add(Row { figure, value: median(values), unit: "ms", target });
    };
    tell("p99 above that within a process", added, Some(Target::AtMost(AT_MOST)));
    let mut both = |whose: &str, rounds: &[Round]| {
        tell(&format!("{whose}, p99"), rounds.iter().map(|round| round.p99).collect(), None);
        tell(&format!("{whose}, p50"), rounds.iter().map(|round| round.p50).collect(), None);
    };
    both("through Redis", &through);
    both("within a process", &within);
    both("the single process", &single);
    drop((traffic, alone, parts));
    server.stop().await;
}
