//! Clients that come, look, and go, so many a second.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use rand::Rng;
use tokio::{
    task::{JoinHandle, JoinSet},
    time::{MissedTickBehavior, interval},
};

use super::{Scene, socket::Socket};

/// How long a client looks.
const LOOK: Duration = Duration::from_millis(200);
/// Clients that look at the same time, at most.
const AT_ONCE: usize = 500;

/// Them.
pub(crate) struct Churn {
    shared: Arc<Shared>,
    coming: JoinHandle<()>,
}

struct Shared {
    door: SocketAddr,
    /// With a token.
    paths: Vec<String>,
    /// How many sockets were opened.
    opened: AtomicU64,
    /// Whether those who go forget to close their sockets.
    leaks: bool,
    left_open: Mutex<Vec<Socket>>,
}

impl Churn {
    /// Has so many clients a second come to these rooms, as one of the first users of each.
    pub(crate) fn start(
        scene: &Scene,
        rooms: &[String],
        door: SocketAddr,
        per_second: u32,
        leaks: bool,
    ) -> anyhow::Result<Self> {
        let path = |room: &String| {
            let token = scene.token(&format!("{room}-0"))?;
            anyhow::Ok(format!("/ws/group/{room}/?since=&token={token}"))
        };
        let paths = rooms.iter().map(path).collect::<anyhow::Result<_>>()?;
        let left_open = Mutex::default();
        let shared = Arc::new(Shared { door, paths, opened: AtomicU64::new(0), leaks, left_open });
        let coming = tokio::spawn(come(Arc::clone(&shared), Duration::from_secs(1) / per_second));
        Ok(Self { shared, coming })
    }

    /// How many sockets were opened so far.
    pub(crate) fn opened(&self) -> u64 {
        self.shared.opened.load(Relaxed)
    }

    /// Nobody comes any more. Those who look are sent away.
    pub(crate) async fn stop(&mut self) {
        self.coming.abort();
        // It was aborted.
        drop((&mut self.coming).await);
    }
}

async fn come(shared: Arc<Shared>, every: Duration) {
    let mut looking = JoinSet::new();
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    loop {
        ticks.tick().await;
        while looking.try_join_next().is_some() {}
        if looking.len() < AT_ONCE {
            looking.spawn(look(Arc::clone(&shared)));
        }
    }
}

async fn look(shared: Arc<Shared>) {
    let path = &shared.paths[rand::rng().random_range(0..shared.paths.len())];
    // Who is refused comes no more; that is not what is counted.
    let Ok(mut socket) = Socket::open(shared.door, path).await else { return };
    shared.opened.fetch_add(1, Relaxed);
    drop(socket.next(LOOK).await);
    if shared.leaks {
        shared.left_open.lock().expect("no poison").push(socket);
    }
}
