//! Durable sends on PostgreSQL, with one bridge and one chat process and with two of each: how many a second, how often each waits
//! for the database, and how long a message takes at a thousand a second. Beside them, the single process on its files.

use tokio::time::Instant;

use crate::{
    flood::{CONVERSATIONS, Flood},
    metrics::Reading,
    parts::{Parts, Routes, Shape},
    report::{Report, Row, median},
    scene::Scene,
    server::Server,
    traffic::{RATE, Traffic},
};

const ROUNDS: usize = 3;

/// Measures all three, one after the other.
pub(crate) async fn measure(report: &mut Report) {
    let server = Server::causeway().await;
    let scene = Scene::new(&server);
    let mut traffic = Traffic::begin(&scene, server.sockets, &[server.sockets]).await;
    paced(report, "one process on SQLite", &mut traffic).await;
    drop(traffic);
    let flood = Flood::begin(&scene, &[server.sockets]).await;
    flooded(report, "one process on SQLite", &flood).await;
    drop(flood);
    server.stop().await;
    for count in [1, 2] {
        let parts = Parts::start(Shape { bridges: count, chats: count, routes: Routes::Balanced }).await;
        measure_parts(report, &parts, count).await;
    }
}

async fn measure_parts(report: &mut Report, parts: &Parts, count: usize) {
    let whose = format!("{count} + {count} on PostgreSQL");
    let bridges: Vec<_> = parts.bridges.iter().map(|bridge| bridge.at).collect();
    let mut traffic = Traffic::begin(&parts.scene(), bridges[0], &[bridges[count - 1]]).await;
    paced(report, &whose, &mut traffic).await;
    drop(traffic);
    let flood = Flood::begin(&parts.scene(), &bridges).await;
    let before = Spent::now(parts, &flood).await;
    flooded(report, &whose, &flood).await;
    before.tell(report, &whose, Spent::now(parts, &flood).await);
}

async fn paced(report: &mut Report, whose: &str, traffic: &mut Traffic) {
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        rounds.append(&mut traffic.round().await);
    }
    let mut row = |figure: &str, values| {
        let figure = format!("durable sends, {whose}: {figure} at {RATE}/s");
        report.add(Row { figure, value: median(values), unit: "ms", target: None });
    };
    row("p50", rounds.iter().map(|round| round.p50).collect());
    row("p99", rounds.iter().map(|round| round.p99).collect());
}

async fn flooded(report: &mut Report, whose: &str, flood: &Flood) {
    let mut rates = Vec::new();
    for _ in 0..ROUNDS {
        rates.push(flood.round().await);
    }
    let figure = format!("durable sends, {whose}, {CONVERSATIONS} conversations");
    report.add(Row { figure, value: median(rates), unit: "messages/s", target: None });
}

/// What the sends so far have taken.
struct Spent {
    at: Instant,
    messages: f64,
    chat: Vec<Reading>,
    ours: f64,
    servers: [f64; 2],
}

impl Spent {
    async fn now(parts: &Parts, flood: &Flood) -> Self {
        let mut chat = Vec::new();
        for process in &parts.chats {
            chat.push(process.metrics().await);
        }
        let (ours, servers) = (parts.cpu(), parts.cpu_of_servers());
        Self { at: Instant::now(), messages: f64::from(flood.delivered()), chat, ours, servers }
    }

    fn tell(self, report: &mut Report, whose: &str, later: Self) {
        let (messages, seconds) = (later.messages - self.messages, (later.at - self.at).as_secs_f64());
        let chat: Vec<_> =
            later.chat.into_iter().zip(self.chat).map(|(later, earlier)| later - earlier).collect();
        let sum = |name: &str| chat.iter().map(|reading| reading.sum(name)).sum::<f64>();
        let mut row = |figure: &str, value, unit| {
            report.add(Row {
                figure: format!("durable sends, {whose}: {figure}"),
                value,
                unit,
                target: None,
            });
        };
        let jobs = sum(r#"causeway_store_jobs_total{store="chat""#);
        row("write jobs, of which one is the message's", jobs / messages, "a message");
        row("write jobs", jobs / seconds, "a second");
        row("write jobs lost", sum(r#"causeway_store_jobs_lost_total{store="chat""#), "jobs");
        let groups = sum(r#"causeway_store_commit_seconds_count{store="chat""#);
        row(
            "waits for the database",
            sum(r#"causeway_store_round_trips_total{store="chat""#) / messages,
            "a message",
        );
        row("messages", messages / groups, "a commit");
        row("processors that ours kept busy", (later.ours - self.ours) / seconds, "of 2");
        row("processors that PostgreSQL kept busy", (later.servers[0] - self.servers[0]) / seconds, "of 2");
        row("processors that Redis kept busy", (later.servers[1] - self.servers[1]) / seconds, "of 2");
    }
}
