//! Fan-out over two bridges and two chat processes, beside that of the single process in the same minute: deliveries for each
//! second of processor time that our own processes spend. What PostgreSQL and Redis spend is told apart.

use std::sync::Arc;

use crate::{
    audience::Audience,
    fanout::{self, READERS, SOCKETS},
    parts::{Parts, Routes, Shape},
    report::{Report, Row, Target, median},
    server::Server,
    socket,
};

const ROUNDS: usize = 5;
/// What of the single process's deliveries must be left.
const AT_LEAST: f64 = 0.8;
const SHAPE: Shape = Shape { bridges: 2, chats: 2, routes: Routes::Balanced };

/// Measures with one message under way and with 32.
pub(crate) async fn measure(report: &mut Report) {
    let server = Arc::new(Server::causeway().await);
    let (mut single, _) = fanout::gather(&server).await;
    let parts = Arc::new(Parts::start(SHAPE).await);
    let mut several = gather(&parts).await;
    for under_way in [1, 32] {
        let (mut one, mut two, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        let mut shares = [Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            let alone = single.round(under_way).await.per_cpu_second;
            let (ours, servers) = (parts.cpu(), parts.cpu_of_servers());
            let together = several.round(under_way).await.per_cpu_second;
            let spent = parts.cpu() - ours;
            for ((share, before), after) in shares.iter_mut().zip(servers).zip(parts.cpu_of_servers()) {
                share.push((after - before) / spent);
            }
            one.push(alone);
            two.push(together);
            ratios.push(together / alone);
        }
        let mut row = |figure: &str, value, unit, target| {
            let figure = format!("replicas, fan-out to {READERS}, {under_way} under way: {figure}");
            report.add(Row { figure, value, unit, target });
        };
        row("share of the single process", median(ratios), "of 1", Some(Target::AtLeast(AT_LEAST)));
        row("two bridges, two chats", median(two), "deliveries/CPU s", None);
        row("the single process", median(one), "deliveries/CPU s", None);
        let [postgres, redis] = shares.map(median);
        row("PostgreSQL beside it", postgres, "CPU s/our CPU s", None);
        row("Redis beside it", redis, "CPU s/our CPU s", None);
    }
    drop((single, several, parts));
    Server::stop_shared(server).await;
}

/// Everybody in one room, half of them at each bridge.
async fn gather(parts: &Arc<Parts>) -> Audience {
    let scene = parts.scene();
    scene.rooms(1, SOCKETS).await;
    let at = |person: usize| parts.bridges[person % parts.bridges.len()].at;
    let places = (0..SOCKETS).map(|person| (at(person), scene.path(0, person))).collect();
    let counted = Arc::clone(parts);
    Audience::gather(places, socket::frame(fanout::TEXT), move || counted.cpu()).await
}
