//! One sender and all who listen in one conversation, and what each delivery costs.

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

use crate::socket::{self, Reader, Writer};

const WARM_UP: Duration = Duration::from_millis(700);
const ROUND: Duration = Duration::from_secs(3);

/// Open sockets, and what has reached them.
pub(crate) struct Audience {
    cpu: Box<dyn Fn() -> f64 + Send + Sync>,
    size: u64,
    writer: Writer,
    frame: Utf8Bytes,
    delivered: Arc<AtomicU64>,
    /// A permit for each message that may still be sent.
    window: Arc<Semaphore>,
    _readers: JoinSet<()>,
}

/// What one round gave.
pub(crate) struct Round {
    /// Deliveries for each second of processor time.
    pub(crate) per_cpu_second: f64,
    /// Deliveries for each second.
    pub(crate) per_second: f64,
}

impl Audience {
    /// Opens a socket at each place, the first of which is the sender's. `cpu` says how many seconds of processor time it has cost
    /// so far.
    pub(crate) async fn gather(
        places: Vec<(SocketAddr, String)>,
        frame: Utf8Bytes,
        cpu: impl Fn() -> f64 + Send + Sync + 'static,
    ) -> Self {
        let size = places.len() as u64;
        let sockets = socket::open_all(places).await;
        let (mut writers, all): (Vec<_>, Vec<_>) = sockets.into_iter().unzip();
        let writer = writers.remove(0);
        let (delivered, window) = (Arc::new(AtomicU64::new(0)), Arc::new(Semaphore::new(0)));
        let mut readers = JoinSet::new();
        for reader in all {
            readers.spawn(count(reader, size, Arc::clone(&delivered), Arc::clone(&window)));
        }
        // The other halves are never written to, and must live as long as their readers.
        readers.spawn(async move {
            let _writers = writers;
            std::future::pending::<()>().await;
        });
        Self { cpu: Box::new(cpu), size, writer, frame, delivered, window, _readers: readers }
    }

    /// How many deliveries there were.
    pub(crate) fn delivered(&self) -> u64 {
        self.delivered.load(Ordering::Relaxed)
    }

    /// Sends with so many messages under way for the length of a round.
    pub(crate) async fn round(&mut self, under_way: usize) -> Round {
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
                    "{} deliveries, not to all of {} sockets",
                    self.delivered.load(Ordering::Relaxed),
                    self.size
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
        (delivered.into(), (self.cpu)(), Instant::now())
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
async fn count(mut reader: Reader, size: u64, delivered: Arc<AtomicU64>, window: Arc<Semaphore>) {
    while reader.message().await.is_some() {
        let before = delivered.fetch_add(1, Ordering::Relaxed);
        if (before + 1).is_multiple_of(size) {
            window.add_permits(1);
        }
    }
}
