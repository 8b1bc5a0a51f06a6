//! Durable sends: messages a second that are accepted, committed to SQLite and delivered to one reader each, over 50
//! conversations.

use tokio::time::Instant;

use crate::{
    flood::{CONVERSATIONS, Flood},
    report::{Report, Row, Target, median},
    scene::Scene,
    server::Server,
};

const ROUNDS: usize = 5;
const AT_LEAST: f64 = 10_000.0;

/// Measures what the readers get.
pub(crate) async fn measure(report: &mut Report) {
    let server = Server::causeway().await;
    let flood = Flood::begin(&Scene::new(&server), &[server.sockets]).await;
    let (mut rates, cpu, begun) = (Vec::new(), server.cpu(), Instant::now());
    for _ in 0..ROUNDS {
        rates.push(flood.round().await);
    }
    let busy = (server.cpu() - cpu) / begun.elapsed().as_secs_f64();
    let row = |figure: &str, value, unit, target| Row { figure: figure.to_owned(), value, unit, target };
    let figure = format!("durable sends over {CONVERSATIONS} conversations");
    report.add(row(&figure, median(rates), "messages/s", Some(Target::AtLeast(AT_LEAST))));
    report.add(row("durable sends: processors that the server kept busy", busy, "of 2", None));
    drop(flood);
    server.stop().await;
}
