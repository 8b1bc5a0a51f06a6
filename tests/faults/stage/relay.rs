//! Somebody who writes at one bridge and somebody who reads at another, and how long what is written takes from one to the other.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::{task::JoinSet, time::sleep};

use super::{
    Scene,
    socket::{Came, Socket},
};

/// Between two messages.
const PACE: Duration = Duration::from_millis(50);

/// What is late by more than this was not delivered.
const LATE: Duration = Duration::from_millis(600);

/// They.
pub(crate) struct Relay {
    shared: Arc<Shared>,
    both: JoinSet<()>,
}

#[derive(Default)]
struct Shared {
    /// When each was written.
    written: Mutex<Vec<Instant>>,
    times: Mutex<Vec<Duration>>,
    writes: AtomicBool,
}

impl Relay {
    /// Opens both sockets; nobody writes yet.
    pub(crate) async fn start(scene: &Scene, doors: [SocketAddr; 2]) -> anyhow::Result<Self> {
        let users = ["relay-writer".to_owned(), "relay-reader".to_owned()];
        scene.room("relay", &users).await?;
        let path = |user: &str| anyhow::Ok(format!("/ws/group/relay/?token={}", scene.token(user)?));
        let writer = Socket::open(doors[0], &path(&users[0])?).await?;
        let reader = Socket::open(doors[1], &path(&users[1])?).await?;
        let (shared, mut both) = (Arc::<Shared>::default(), JoinSet::new());
        both.spawn(write(writer, Arc::clone(&shared)));
        both.spawn(read(reader, Arc::clone(&shared)));
        Ok(Self { shared, both })
    }

    /// How long messages took that were written within this window and have arrived at its end, the shortest time first.
    pub(crate) async fn measure(&mut self, window: Duration) -> anyhow::Result<Vec<Duration>> {
        self.shared.times.lock().expect("no poison").clear();
        self.shared.writes.store(true, Relaxed);
        sleep(window).await;
        self.shared.writes.store(false, Relaxed);
        sleep(LATE).await;
        anyhow::ensure!(self.both.try_join_next().is_none(), "a socket of the relay was closed");
        let mut times = std::mem::take(&mut *self.shared.times.lock().expect("no poison"));
        times.sort_unstable();
        Ok(times)
    }
}

async fn write(mut socket: Socket, shared: Arc<Shared>) {
    loop {
        if shared.writes.load(Relaxed) {
            let number = {
                let mut written = shared.written.lock().expect("no poison");
                written.push(Instant::now());
                written.len() - 1
            };
            let frame = json!({"type": "message", "content": number.to_string()});
            if socket.send(&frame).await.is_err() {
                return;
            }
        }
        let next = Instant::now() + PACE;
        while Instant::now() < next {
            // What the writer is shown is of no interest here; its pings want their pongs.
            match socket.next(next.saturating_duration_since(Instant::now())).await {
                Ok(Came::Frame(_) | Came::Nothing) => {}
                Ok(Came::Gone(_)) | Err(_) => return,
            }
        }
    }
}

async fn read(mut socket: Socket, shared: Arc<Shared>) {
    loop {
        match socket.next(Duration::from_secs(5)).await {
            Ok(Came::Frame(frame)) => {
                let number = frame["message"]["content"].as_str().and_then(|text| text.parse::<usize>().ok());
                if let Some(number) = number {
                    let written = shared.written.lock().expect("no poison")[number];
                    shared.times.lock().expect("no poison").push(written.elapsed());
                }
            }
            Ok(Came::Nothing) => {}
            Ok(Came::Gone(_)) | Err(_) => return,
        }
    }
}
