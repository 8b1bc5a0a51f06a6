//! A bridge with five thousand sockets is killed while people write: all come to the other bridge at once, with `since`, and have
//! everything, once and in order, within seconds.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use causeway_proto::chat::{SendMessageRequest, chat_client::ChatClient};
use futures_util::FutureExt;
use serde::Deserialize;
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, sleep},
};
use tokio_util::sync::CancellationToken;

use crate::{
    parts::{Parts, Routes, Shape},
    report::{Report, Row, Target},
    scene::Scene,
    socket::{self, Reader, Writer},
};

const ROOMS: usize = 500;
const PEOPLE: usize = 10;
const SOCKETS: usize = ROOMS * PEOPLE;
/// Between two messages of a room.
const PACE: Duration = Duration::from_secs(5);
/// How long a client waits before it tries again to connect.
const PAUSE: Duration = Duration::from_millis(50);
const PATIENCE: Duration = Duration::from_secs(60);
/// Seconds.
const AT_MOST: f64 = 10.0;
const SHAPE: Shape = Shape { bridges: 2, chats: 2, routes: Routes::Balanced };

/// Measures from the kill until the last socket is open elsewhere and has all that was written until then.
pub(crate) async fn measure(report: &mut Report) {
    let mut parts = Parts::start(SHAPE).await;
    let scene = Arc::new(parts.scene());
    scene.rooms(ROOMS, PEOPLE).await;
    let common = Arc::new(Common::new(parts.bridges[1].at));
    let mut clients = JoinSet::new();
    for room in 0..ROOMS {
        let at = parts.bridges[0].at;
        let places: Vec<_> =
            (0..PEOPLE).map(|person| (at, format!("{}&since=", scene.path(room, person)))).collect();
        for (person, socket) in socket::open_all(places).await.into_iter().enumerate() {
            clients.spawn(Client { room, person, last: 0, cursor: String::new() }.run(
                socket,
                Arc::clone(&scene),
                Arc::clone(&common),
            ));
        }
    }
    let mut senders = JoinSet::new();
    (0..ROOMS).for_each(|room| drop(senders.spawn(write(room, Arc::clone(&scene), Arc::clone(&common)))));
    common.until("all have a message", |common| common.greeted.load(Ordering::Relaxed) == SOCKETS).await;

    let killed = Instant::now();
    parts.bridges[0].kill();
    common.until("all are back", |common| common.resumed.load(Ordering::Relaxed) == SOCKETS).await;
    let took = killed.elapsed().as_secs_f64();

    common.stop.cancel();
    while let Some(ended) = senders.join_next().await {
        ended.expect("it writes");
    }
    common.until("all have all", Common::is_complete).await;
    let mut row = |figure: &str, value, unit, target| {
        let figure = format!("{SOCKETS} sockets whose bridge is killed: {figure}");
        report.add(Row { figure, value, unit, target });
    };
    row("all have what they missed", took, "s", Some(Target::AtMost(AT_MOST)));
    row(
        "missed, twice or out of order",
        common.wrong.load(Ordering::Relaxed) as f64,
        "messages",
        Some(Target::AtMost(0.0)),
    );
    let written = common.written.iter().map(|count| count.load(Ordering::Relaxed)).sum::<u64>();
    row("written in all, to 10 each", written as f64, "messages", None);
    row("attempts to connect", common.attempts.load(Ordering::Relaxed) as f64, "attempts", None);
}

/// What all clients and writers know of each other.
struct Common {
    /// Where the clients go when they have lost their bridge.
    other: SocketAddr,
    stop: CancellationToken,
    /// How many messages each room has, all acknowledged.
    written: Vec<AtomicU64>,
    /// The last message that each client has, room by room.
    read: Vec<AtomicU64>,
    greeted: AtomicUsize,
    resumed: AtomicUsize,
    attempts: AtomicUsize,
    wrong: AtomicUsize,
}

impl Common {
    fn new(other: SocketAddr) -> Self {
        Self {
            other,
            stop: CancellationToken::new(),
            written: (0..ROOMS).map(|_| AtomicU64::new(0)).collect(),
            read: (0..SOCKETS).map(|_| AtomicU64::new(0)).collect(),
            greeted: AtomicUsize::new(0),
            resumed: AtomicUsize::new(0),
            attempts: AtomicUsize::new(0),
            wrong: AtomicUsize::new(0),
        }
    }

    async fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !is_so(self) {
            assert!(
                begun.elapsed() < PATIENCE,
                "not {what}: {} greeted, {} resumed",
                self.greeted.load(Ordering::Relaxed),
                self.resumed.load(Ordering::Relaxed)
            );
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Whether everybody has the last message of their room.
    fn is_complete(&self) -> bool {
        self.read.chunks(PEOPLE).zip(&self.written).all(|(readers, written)| {
            let written = written.load(Ordering::Relaxed);
            readers.iter().all(|read| read.load(Ordering::Relaxed) == written)
        })
    }
}

/// One reader.
struct Client {
    room: usize,
    person: usize,
    /// The number of the last message that it has.
    last: u64,
    cursor: String,
}

#[derive(Deserialize)]
struct Frame {
    event_id: String,
    message: Content,
}

#[derive(Deserialize)]
struct Content {
    content: String,
}

impl Client {
    async fn run(mut self, socket: (Writer, Reader), scene: Arc<Scene>, common: Arc<Common>) {
        let (mut writer, mut reader) = socket;
        while let Some(frame) = reader.message().await {
            self.take(&frame, &common);
        }
        drop(writer);
        (writer, reader) = self.come_back(&scene, &common).await;
        let at_least = common.written[self.room].load(Ordering::Relaxed);
        while self.last < at_least {
            let Some(frame) = reader.message().await else { return };
            self.take(&frame, &common);
        }
        common.resumed.fetch_add(1, Ordering::Relaxed);
        while let Some(frame) = reader.message().await {
            self.take(&frame, &common);
        }
        drop(writer);
    }

    /// Every message is the one after the last, but for the first of all.
    fn take(&mut self, frame: &str, common: &Common) {
        let frame: Frame = serde_json::from_str(frame).expect("a message with its event's id");
        let number = frame.message.content.parse().expect("a number");
        if self.last == 0 {
            common.greeted.fetch_add(1, Ordering::Relaxed);
        } else if number != self.last + 1 {
            common.wrong.fetch_add(1, Ordering::Relaxed);
        }
        (self.last, self.cursor) = (number, frame.event_id);
        common.read[self.room * PEOPLE + self.person].store(number, Ordering::Relaxed);
    }

    async fn come_back(&self, scene: &Scene, common: &Common) -> (Writer, Reader) {
        let path = format!("{}&since={}", scene.path(self.room, self.person), self.cursor);
        loop {
            common.attempts.fetch_add(1, Ordering::Relaxed);
            match socket::try_open(common.other, &path).await {
                Some(socket) => return socket,
                None => sleep(PAUSE).await,
            }
        }
    }
}

/// Writes the numbers from 1 into a room. Once it is stopped it writes one more, after which there is nothing.
async fn write(room: usize, scene: Arc<Scene>, common: Arc<Common>) {
    let mut chat = ChatClient::new(scene.grpc());
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The rooms take turns.
    sleep(PACE * u32::try_from(room).expect("a few rooms") / ROOMS as u32).await;
    let mut number = 0;
    while !common.stop.is_cancelled() {
        pace.tick().await;
        number += 1;
        let request = SendMessageRequest {
            conversation_id: format!("room-{room}"),
            sender_id: format!("user-{room}-0"),
            content: number.to_string(),
            ..SendMessageRequest::default()
        };
        chat.send_message(request).boxed().await.expect("it is stored");
        common.written[room].store(number, Ordering::Relaxed);
    }
}
