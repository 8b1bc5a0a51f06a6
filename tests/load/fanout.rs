//! One sender to 500 sockets of one conversation: deliveries for each second of the server's processor time, beside those
//! of the bare broadcast in the same run.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Semaphore, task::JoinSet, time::Instant};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::{
    report::{Report, Row, Target, median},
    scene::Scene,
    server::Server,
    socket::{self, Reader, Writer},
};

/// Sockets that listen.
const READERS: usize = 500;
/// The sender hears its own messages too.
const SOCKETS: usize = READERS + 1;
const ROUNDS: usize = 3;
const WARM_UP: Duration = Duration::from_millis(700);
const ROUND: Duration = Duration::from_secs(3);

/// What is compared: the ratio of the two must be at least this.
const AT_LEAST: f64 = 0.5;

/// Sockets on one server, and what has reached them.
struct Audience {
    server: Server,
    writer: Writer,
    frame: Utf8Bytes,
    delivered: Arc<AtomicU64>,
    /// A permit for each message that may still be sent.
    window: Arc<Semaphore>,
    _readers: JoinSet<()>,
}

/// What one round gave.
struct Round {
    per_cpu_second: f64,
    per_second: f64,
}

/// Measures with one message under way and with 32.
pub(crate) async fn measure(report: &mut Report) {
    let (mut causeway, sample) = gather_causeway().await;
    let server = Server::reference().await;
    let address = server.sockets;
    let mut reference = Audience::gather(server, address, (0..SOCKETS).map(|_| "/".to_owned()), sample).await;
    for under_way in [1, 32] {
        let (mut ours, mut theirs, mut wall) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            theirs.push(reference.round(under_way).await.per_cpu_second);
            let round = causeway.round(under_way).await;
            ours.push(round.per_cpu_second);
            wall.push(round.per_second);
        }
        let (ours, theirs) = (median(ours), median(theirs));
        let row = |figure: &str, value, unit, target| Row {
            figure: format!("fan-out to {READERS}, {under_way} under way: {figure}"),
            value,
            unit,
            target,
        };
        report.add(row("causeway", ours, "deliveries/CPU s", Some(Target::AtLeast(theirs * AT_LEAST))));
        report.add(row("bare broadcast", theirs, "deliveries/CPU s", None));
        report.add(row("causeway", median(wall), "deliveries/s", None));
    }
    causeway.server.stop().await;
    reference.server.stop().await;
}

/// Causeway with everybody in one room, and a frame as its readers get it.
async fn gather_causeway() -> (Audience, Utf8Bytes) {
    let server = Server::causeway().await;
    let scene = Scene::new(&server);
    scene.rooms(1, SOCKETS).await;
    let address = server.sockets;
    let paths: Vec<_> = (0..SOCKETS).map(|person| scene.path(0, person)).collect();
    let frame = socket::frame("A message as people write them, neither long nor short.");
    let (mut writer, mut reader) = socket::open(address, &paths[0]).await;
    writer.send(frame.clone()).await;
    let sample = reader.message().await.expect("the message comes back");
    drop((writer, reader));
    (Audience::gather(server, address, paths, frame).await, sample)
}

impl Audience {
    async fn gather(
        server: Server,
        address: SocketAddr,
        paths: impl IntoIterator<Item = String>,
        frame: Utf8Bytes,
    ) -> Self {
        let sockets = socket::open_all(address, paths).await;
        let (mut writers, all): (Vec<_>, Vec<_>) = sockets.into_iter().unzip();
        let writer = writers.remove(0);
        let (delivered, window) = (Arc::new(AtomicU64::new(0)), Arc::new(Semaphore::new(0)));
        let mut readers = JoinSet::new();
        for reader in all {
            readers.spawn(count(reader, Arc::clone(&delivered), Arc::clone(&window)));
        }
        // The other halves are never written to, and must live as long as their readers.
        readers.spawn(async move {
            let _writers = writers;
            std::future::pending::<()>().await;
        });
        Self { server, writer, frame, delivered, window, _readers: readers }
    }

    /// Sends with so many messages under way for the length of a round.
    async fn round(&mut self, under_way: usize) -> Round {
        self.window.add_permits(under_way);
        self.send_for(WARM_UP).await;
        let (delivered, cpu, begun) = self.now();
        self.send_for(ROUND).await;
        let (delivered_then, cpu_then, ended) = self.now();
        // Whatever is under way comes in, and takes its permits out of the window.
        for _ in 0..under_way {
            let permit = tokio::time::timeout(Duration::from_secs(5), self.window.acquire()).await;
            let permit = permit.unwrap_or_else(|_| {
                panic!(
                    "{} deliveries, not to all of {SOCKETS} sockets",
                    self.delivered.load(Ordering::Relaxed)
                )
            });
            permit.expect("the window is open").forget();
        }
        let count = delivered_then - delivered;
        Round { per_cpu_second: count / (cpu_then - cpu), per_second: count / (ended - begun).as_secs_f64() }
    }

    fn now(&self) -> (f64, f64, Instant) {
        let delivered =
            u32::try_from(self.delivered.load(Ordering::Relaxed)).expect("below four thousand million");
        (delivered.into(), self.server.cpu(), Instant::now())
    }

    async fn send_for(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            let Ok(permit) = tokio::time::timeout_at(end, self.window.acquire()).await else { return };
            permit.expect("the window is open").forget();
            self.writer.send(self.frame.clone()).await;
        }
    }
}

/// Counts what comes; every message that has reached all sockets lets another be sent.
async fn count(mut reader: Reader, delivered: Arc<AtomicU64>, window: Arc<Semaphore>) {
    while reader.message().await.is_some() {
        let before = delivered.fetch_add(1, Ordering::Relaxed);
        if (before + 1).is_multiple_of(SOCKETS as u64) {
            window.add_permits(1);
        }
    }
}
