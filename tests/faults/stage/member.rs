//! One client of a crowd: a frontend, mostly of the `rooms` dialect, that keeps its place and never gives up.

use std::{
    collections::VecDeque,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::time::sleep;

use super::{
    crowd::{Progress, Shared},
    places::says_lost,
    socket::{Came, Socket},
    tongue::{self, ROOMS, Tongue},
};
use crate::ledger::Pen;

/// After so much silence a client asks whether anybody is there.
const PING: Duration = Duration::from_secs(1);
/// After a refusal, before it is tried again.
const PAUSE: Duration = Duration::from_millis(40);

/// A client.
pub(super) struct Member {
    user: String,
    room: String,
    token: String,
    writes: bool,
    tongue: &'static Tongue,
    pen: Pen,
    shared: Arc<Shared>,
    progress: Arc<Progress>,
    /// The id of the last event that it was shown.
    position: String,
    /// Keys of its messages without an answer, with when they were last sent.
    waiting: VecDeque<(String, Instant)>,
    sent: u64,
    next_at: Instant,
    /// When what is waiting is sent again.
    again_at: Option<Instant>,
}

impl Member {
    pub(super) fn new(
        user: &str,
        room: &str,
        token: &str,
        writes: bool,
        pen: Pen,
        shared: Arc<Shared>,
        progress: Arc<Progress>,
    ) -> Self {
        Self {
            user: user.to_owned(),
            room: room.to_owned(),
            token: token.to_owned(),
            writes,
            tongue: &ROOMS,
            pen,
            shared,
            progress,
            position: String::new(),
            waiting: VecDeque::new(),
            sent: 0,
            next_at: Instant::now(),
            again_at: None,
        }
    }

    /// The same, in another dialect, for those who only read.
    pub(super) fn in_tongue(mut self, tongue: &'static Tongue) -> Self {
        self.tongue = tongue;
        self
    }

    /// Opens sockets, one after the other, until it is over. Fails only when the ledger cannot be written.
    pub(super) async fn live(mut self, mut turn: usize) -> anyhow::Result<()> {
        let over = self.shared.over.clone();
        while !over.is_cancelled() {
            turn += 1;
            let ended = tokio::select! {
                ended = self.session(turn) => ended,
                () = over.cancelled() => return Ok(()),
            };
            self.progress.is_here.store(false, Relaxed);
            if let Err(error) = ended {
                let complaint = format!("{} on {}: {error:#}", self.user, self.room);
                self.shared.complaint.lock().expect("no poison").replace_range(.., &complaint);
            }
            if !self.shared.plan.retry {
                self.waiting.clear();
                self.note_waiting();
            }
            if !self.shared.plan.resume {
                self.position.clear();
            }
            sleep(self.shared.plan.pause.mul_f32(1.0 + rand::random::<f32>())).await;
        }
        Ok(())
    }

    /// One socket, to its end.
    async fn session(&mut self, turn: usize) -> anyhow::Result<()> {
        let door = {
            let doors = self.shared.doors.lock().expect("no poison");
            doors[turn % doors.len()]
        };
        let Self { room, position, token, .. } = self;
        let path = format!("{}?since={position}&token={token}", self.tongue.path(room));
        let mut socket = Socket::open(door, &path).await?;
        self.shared.counts.connects.fetch_add(1, Relaxed);
        self.progress.is_here.store(true, Relaxed);
        self.again_at = Some(Instant::now());
        let (mut heard, mut asked) = (Instant::now(), false);
        loop {
            self.speak(&mut socket).await?;
            match socket.next(self.idle()).await? {
                Came::Frame(frame) => {
                    (heard, asked) = (Instant::now(), false);
                    self.hear(&frame)?;
                }
                Came::Gone(code) => {
                    let mut closes = self.shared.counts.closes.lock().expect("no poison");
                    *closes.entry(code).or_default() += 1;
                    return Ok(());
                }
                Came::Nothing if self.gives_up(heard.elapsed()) => anyhow::bail!("silence"),
                Came::Nothing if heard.elapsed() > PING && !asked => {
                    asked = true;
                    socket.send(&json!({"type": "ping"})).await?;
                }
                Came::Nothing => {}
            }
        }
    }

    /// Whether so much silence is enough to leave. Without an event id to come back with, something would be missed.
    fn gives_up(&self, silence: Duration) -> bool {
        silence > self.shared.plan.patience && !self.position.is_empty()
    }

    /// Sends what it has to say and may.
    async fn speak(&mut self, socket: &mut Socket) -> anyhow::Result<()> {
        if self.again_at.is_some_and(|at| at <= Instant::now()) {
            self.again_at = None;
            for place in 0..self.waiting.len() {
                self.waiting[place].1 = Instant::now();
                socket.send(&frame(&self.waiting[place].0)).await?;
            }
        }
        while self.may_write() {
            let key = format!("{}-{}", self.user, self.sent);
            self.sent += 1;
            self.next_at = Instant::now() + self.shared.plan.pace;
            self.pen.attempt(&self.room, &key)?;
            self.shared.counts.attempted.fetch_add(1, Relaxed);
            let frame = frame(&key);
            self.waiting.push_back((key, Instant::now()));
            self.note_waiting();
            socket.send(&frame).await?;
        }
        Ok(())
    }

    fn may_write(&self) -> bool {
        self.writes
            && self.shared.writing.load(Relaxed)
            && self.waiting.len() < self.shared.plan.window
            && self.sent < self.shared.plan.most
            && self.again_at.is_none()
            && self.next_at <= Instant::now()
    }

    /// How long it may listen before it has something to do.
    fn idle(&self) -> Duration {
        let pace = self.next_at.saturating_duration_since(Instant::now());
        let glance = self.shared.plan.glance;
        if pace.is_zero() { glance } else { pace.min(glance) }
    }

    fn hear(&mut self, frame: &Value) -> anyhow::Result<()> {
        let event_id = frame["event_id"].as_str();
        // Presence, pongs and whatever else is of no interest to the ledger.
        if let Some(message) = self.tongue.message(frame) {
            self.message(message, event_id)?;
        } else if says_lost(frame) {
            self.shared.counts.history_lost.fetch_add(1, Relaxed);
        } else if frame["type"] == "error" {
            self.refusal();
        }
        if let Some(event_id) = event_id {
            event_id.clone_into(&mut self.position);
        }
        Ok(())
    }

    /// A message that happened when there is an event id, else the answer to one that was sent again.
    fn message(&mut self, message: &Value, event_id: Option<&str>) -> anyhow::Result<()> {
        let key = message["content"].as_str().unwrap_or_default();
        let id = tongue::id(message);
        if event_id.is_some() {
            self.pen.received(&self.room, key, id)?;
            self.shared.counts.received.fetch_add(1, Relaxed);
            self.progress.seen.fetch_add(1, Relaxed);
        }
        if message["sender_id"] == self.user {
            self.pen.acknowledged(&self.room, key, id)?;
            if let Some(place) = self.waiting.iter().position(|(waiting, _)| waiting == key) {
                self.answered(place);
                self.shared.counts.acknowledged.fetch_add(1, Relaxed);
            }
        }
        Ok(())
    }

    /// An error frame, which does not say what it is about: the oldest that waits, where only one may.
    fn refusal(&mut self) {
        self.shared.counts.refused.fetch_add(1, Relaxed);
        if self.shared.plan.retry {
            self.again_at.get_or_insert(Instant::now() + PAUSE);
        } else if !self.waiting.is_empty() {
            self.answered(0);
        }
    }

    fn answered(&mut self, place: usize) {
        if let Some((_, sent)) = self.waiting.remove(place) {
            let took = u64::try_from(sent.elapsed().as_micros()).unwrap_or(u64::MAX);
            self.shared.counts.slowest.fetch_max(took, Relaxed);
        }
        self.note_waiting();
    }

    fn note_waiting(&self) {
        self.progress.waiting.store(self.waiting.len(), Relaxed);
    }
}

fn frame(key: &str) -> Value {
    json!({"type": "message", "content": key, "client_message_id": key})
}
