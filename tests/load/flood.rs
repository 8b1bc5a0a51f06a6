//! Messages as fast as they are taken: over 50 conversations with a writer and a reader each, so many under way in each.

use std::{
    net::SocketAddr,
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
    scene::Scene,
    socket::{self, Reader, Writer},
};

/// Conversations.
pub(crate) const CONVERSATIONS: usize = 50;
/// Messages under way in each conversation.
const UNDER_WAY: usize = 64;
const WARM_UP: Duration = Duration::from_secs(2);
const ROUND: Duration = Duration::from_secs(3);

/// The sockets, whose writers write as long as this is there.
pub(crate) struct Flood {
    delivered: Arc<AtomicU32>,
    _tasks: JoinSet<()>,
}

impl Flood {
    /// Begins it, and answers when it has come to its pace. The conversations take turns at the bridges.
    pub(crate) async fn begin(scene: &Scene, bridges: &[SocketAddr]) -> Self {
        scene.rooms(CONVERSATIONS, 2).await;
        let delivered = Arc::new(AtomicU32::new(0));
        let mut tasks = JoinSet::new();
        for room in 0..CONVERSATIONS {
            let at = |person: usize| bridges[(room + person) % bridges.len()];
            let (writer, own) = socket::open(at(0), &scene.path(room, 0)).await;
            let (idle, reader) = socket::open(at(1), &scene.path(room, 1)).await;
            let window = Arc::new(Semaphore::new(UNDER_WAY));
            tasks.spawn(write(writer, Arc::clone(&window)));
            tasks.spawn(count(reader, idle, Arc::clone(&delivered), window));
            tasks.spawn(discard(own));
        }
        sleep(WARM_UP).await;
        Self { delivered, _tasks: tasks }
    }

    /// How many messages reached their readers so far.
    pub(crate) fn delivered(&self) -> u32 {
        self.delivered.load(Ordering::Relaxed)
    }

    /// Messages a second that reach their readers, over a round.
    pub(crate) async fn round(&self) -> f64 {
        let (before, at) = (self.delivered(), Instant::now());
        sleep(ROUND).await;
        f64::from(self.delivered() - before) / at.elapsed().as_secs_f64()
    }
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
