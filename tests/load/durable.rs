//! Durable sends: messages a second that are accepted, committed to SQLite and delivered to one reader each, over 50
//! conversations.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::Semaphore,
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::{
    report::{Report, Row, Target, median},
    scene::Scene,
    server::Server,
    socket::{self, Reader, Writer},
};

const CONVERSATIONS: usize = 50;
/// Messages under way in each conversation.
const UNDER_WAY: usize = 64;
const ROUNDS: usize = 5;
const WARM_UP: Duration = Duration::from_secs(2);
const ROUND: Duration = Duration::from_secs(3);
const AT_LEAST: f64 = 10_000.0;

/// Measures what the readers get.
pub(crate) async fn measure(report: &mut Report) {
    let server = Server::causeway().await;
    let scene = Scene::new(&server);
    scene.rooms(CONVERSATIONS, 2).await;
    let delivered = Arc::new(AtomicU32::new(0));
    let mut tasks = JoinSet::new();
    for room in 0..CONVERSATIONS {
        let (writer, own) = socket::open(server.sockets, &scene.path(room, 0)).await;
        let (idle, reader) = socket::open(server.sockets, &scene.path(room, 1)).await;
        let window = Arc::new(Semaphore::new(UNDER_WAY));
        tasks.spawn(write(writer, Arc::clone(&window)));
        tasks.spawn(count(reader, idle, Arc::clone(&delivered), window));
        tasks.spawn(discard(own));
    }
    sleep(WARM_UP).await;
    let (mut rates, cpu, begun) = (Vec::new(), server.cpu(), Instant::now());
    for _ in 0..ROUNDS {
        let (before, at) = (delivered.load(Ordering::Relaxed), Instant::now());
        sleep(ROUND).await;
        let count = delivered.load(Ordering::Relaxed) - before;
        rates.push(f64::from(count) / at.elapsed().as_secs_f64());
    }
    let busy = (server.cpu() - cpu) / begun.elapsed().as_secs_f64();
    let row = |figure: &str, value, unit, target| Row { figure: figure.to_owned(), value, unit, target };
    let figure = format!("durable sends over {CONVERSATIONS} conversations");
    report.add(row(&figure, median(rates), "messages/s", Some(Target::AtLeast(AT_LEAST))));
    report.add(row("durable sends: processors that the server kept busy", busy, "of 2", None));
    drop(tasks);
    server.stop().await;
}

async fn write(mut writer: Writer, window: Arc<Semaphore>) {
    let frame = socket::frame("A message as people write them, neither long nor short.");
    while let Ok(permit) = window.acquire().await {
        permit.forget();
        writer.send(frame.clone()).await;
    }
}

/// Counts what the other person of a conversation gets; each message that arrives lets another be sent.
async fn count(mut reader: Reader, _idle: Writer, delivered: Arc<AtomicU32>, window: Arc<Semaphore>) {
    while reader.message().await.is_some() {
        delivered.fetch_add(1, Ordering::Relaxed);
        window.add_permits(1);
    }
}

/// The sender's own messages come back to it, and must be read.
async fn discard(mut own: Reader) {
    while own.message().await.is_some() {}
}
