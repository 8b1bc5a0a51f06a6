//! Some who write at a leisurely pace and time how long it takes until they are shown what they wrote.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use anyhow::bail;
use serde_json::json;
use tokio::{task::JoinSet, time::sleep};

use super::{
    Scene,
    socket::{Came, Socket},
};

/// How long one message may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// They.
pub(crate) struct Probe {
    times: Arc<Mutex<Vec<Duration>>>,
    writers: JoinSet<anyhow::Result<()>>,
}

impl Probe {
    /// So many rooms with one writer each, who writes once in `pace`.
    pub(crate) async fn start(
        scene: &Scene,
        door: SocketAddr,
        rooms: usize,
        pace: Duration,
    ) -> anyhow::Result<Self> {
        let (times, mut writers) = (Arc::<Mutex<Vec<_>>>::default(), JoinSet::new());
        for number in 0..rooms {
            let (room, user) = (format!("probe-{number}"), format!("prober-{number}"));
            scene.room(&room, std::slice::from_ref(&user)).await?;
            let path = format!("/ws/group/{room}/?token={}", scene.token(&user)?);
            let socket = Socket::open(door, &path).await?;
            // Not all in step.
            let offset = pace * u32::try_from(number)? / u32::try_from(rooms)?;
            writers.spawn(write(socket, offset, pace, Arc::clone(&times)));
        }
        Ok(Self { times, writers })
    }

    /// How long messages took that were written from now on, for so long.
    pub(crate) async fn measure(&mut self, window: Duration) -> anyhow::Result<Vec<Duration>> {
        self.times.lock().expect("no poison").clear();
        sleep(window).await;
        if let Some(ended) = self.writers.try_join_next() {
            ended??;
        }
        Ok(std::mem::take(&mut *self.times.lock().expect("no poison")))
    }
}

/// The time that so many of a thousand did not exceed.
pub(crate) fn percentile(times: &mut [Duration], of_thousand: usize) -> Duration {
    times.sort_unstable();
    let place = (times.len() * of_thousand).div_ceil(1_000).saturating_sub(1);
    times.get(place).copied().unwrap_or_default()
}

async fn write(
    mut socket: Socket,
    offset: Duration,
    pace: Duration,
    times: Arc<Mutex<Vec<Duration>>>,
) -> anyhow::Result<()> {
    sleep(offset).await;
    for number in 0_u64.. {
        let (text, begun) = (number.to_string(), Instant::now());
        socket.send(&json!({"type": "message", "content": text})).await?;
        loop {
            match socket.next(PATIENCE).await? {
                Came::Frame(frame) if frame["message"]["content"] == text.as_str() => break,
                Came::Frame(frame) if frame["type"] == "error" => bail!("{frame}"),
                Came::Frame(_) => {}
                Came::Gone(code) => bail!("a socket was closed: {code:?}"),
                Came::Nothing => bail!("a message was not shown within {PATIENCE:?}"),
            }
        }
        times.lock().expect("no poison").push(begun.elapsed());
        sleep(pace.saturating_sub(begun.elapsed())).await;
    }
    Ok(())
}
