//! What a socket, a message and a delivery cost each part: the constants of config/deploy/capacity.md.
//!
//! Two bridges, two chats, PostgreSQL and Redis. First sockets come and stay, each with conversations of its own; then messages
//! to two people each, as fast as they are taken; then messages to 500.

use std::{sync::Arc, time::Duration};

use tokio::{task::JoinSet, time::sleep};

use crate::{
    audience::Audience,
    fanout,
    flood::Flood,
    metrics::Reading,
    parts::{Parts, Routes, Shape},
    report::{Report, Row},
    scene::Scene,
    socket::{self, Reader, Writer},
    usage,
};

/// In rooms of two, so that each socket has a topic that only one other has.
const SOCKETS: usize = 5_000;
/// How long the parts may take to come to rest.
const REST: Duration = Duration::from_secs(5);
const ROUNDS: usize = 3;
const SHAPE: Shape = Shape { bridges: 2, chats: 2, routes: Routes::Balanced };

/// Tells each cost; none has a target.
pub(crate) async fn measure(report: &mut Report) {
    let parts = Arc::new(Parts::start(SHAPE).await);
    let scene = parts.scene();
    scene.rooms(SOCKETS / 2, 2).await;
    sleep(REST).await;
    let sockets = sockets(report, &parts, &scene).await;
    drop(sockets);
    sleep(REST).await;
    messages(report, &parts, &scene).await;
    deliveries(report, &parts, &scene).await;
}

/// What has been spent up to a moment: seconds of processor time and KiB of memory, of bridges, chats, notification, presence,
/// PostgreSQL and Redis.
struct Spent {
    cpu: [f64; 6],
    memory: [f64; 6],
}

const WHOSE: [&str; 6] = ["bridge", "chat", "notification", "presence", "PostgreSQL", "Redis"];

impl Spent {
    fn now(parts: &Parts) -> Self {
        let [presence, notification] = parts.presence_and_notification();
        let ours = [parts.bridges.as_slice(), &parts.chats, notification, presence];
        let [postgres, redis] = [parts.postgres_process(), parts.redis_process()];
        let cpu_of = |group: usize| ours[group].iter().map(|part| usage::cpu(part.id())).sum::<f64>();
        let memory_of = |group: usize| ours[group].iter().map(|part| usage::resident(part.id())).sum::<f64>();
        Self {
            cpu: [
                cpu_of(0),
                cpu_of(1),
                cpu_of(2),
                cpu_of(3),
                usage::cpu_of_family(postgres),
                usage::cpu(redis),
            ],
            memory: [
                memory_of(0),
                memory_of(1),
                memory_of(2),
                memory_of(3),
                usage::resident_of_family(postgres),
                parts.redis_memory(),
            ],
        }
    }

    /// Microseconds of processor time for each of so many.
    fn cpu_for_each(&self, later: &Self, count: f64) -> [f64; 6] {
        std::array::from_fn(|whose| (later.cpu[whose] - self.cpu[whose]) * 1e6 / count)
    }

    fn memory_for_each(&self, later: &Self, count: f64) -> [f64; 6] {
        std::array::from_fn(|whose| (later.memory[whose] - self.memory[whose]) / count)
    }
}

fn tell(report: &mut Report, what: &str, values: [f64; 6], unit: &'static str) {
    for (whose, value) in WHOSE.into_iter().zip(values) {
        report.add(Row { figure: format!("cost of {what}: {whose}"), value, unit, target: None });
    }
}

/// Sockets that come to rest, and then do nothing for a while.
async fn sockets(report: &mut Report, parts: &Parts, scene: &Scene) -> JoinSet<()> {
    let before = Spent::now(parts);
    let mut open = JoinSet::new();
    for room in 0..SOCKETS / 2 {
        let at = |person: usize| parts.bridges[(room + person) % parts.bridges.len()].at;
        let places: Vec<_> = (0..2).map(|person| (at(person), scene.path(room, person))).collect();
        for (writer, reader) in socket::open_all(places).await {
            open.spawn(read(writer, reader));
        }
    }
    sleep(REST).await;
    let after = Spent::now(parts);
    let count = SOCKETS as f64;
    tell(report, "a socket that comes", before.cpu_for_each(&after, count), "µs");
    tell(report, "a socket that stays", before.memory_for_each(&after, count), "KiB");
    sleep(REST * 4).await;
    let later = Spent::now(parts);
    let seconds = (REST * 4).as_secs_f64();
    tell(report, "a second of a socket that stays", after.cpu_for_each(&later, count * seconds), "µs");
    let topics = topics(parts).await;
    let row = Row {
        figure: "topics that are taken in Redis".into(),
        value: topics / count,
        unit: "a socket",
        target: None,
    };
    report.add(row);
    open
}

async fn topics(parts: &Parts) -> f64 {
    let mut topics = 0.0;
    for chat in &parts.chats {
        topics += chat.metrics().await.sum("causeway_bus_topics");
    }
    topics
}

/// Each message goes to its sender and one other.
async fn messages(report: &mut Report, parts: &Parts, scene: &Scene) {
    let bridges: Vec<_> = parts.bridges.iter().map(|bridge| bridge.at).collect();
    let flood = Flood::begin(scene, &bridges).await;
    let (before, delivered, disk) = (Spent::now(parts), flood.delivered(), disk(parts));
    let (bus, frames) = (buses(parts).await, frames(parts).await);
    for _ in 0..ROUNDS {
        flood.round().await;
    }
    let (count, after) = (f64::from(flood.delivered() - delivered), Spent::now(parts));
    tell(report, "a message to two", before.cpu_for_each(&after, count), "µs");
    let mut row = |figure: &str, value: f64, unit| {
        let figure = format!("cost of a message to two: {figure}");
        report.add(Row { figure, value: value / count, unit, target: None });
    };
    let [database, wal] = self::disk(parts);
    row("PostgreSQL's tables and indexes", database - disk[0], "bytes");
    row("PostgreSQL's log", wal - disk[1], "bytes");
    let since = |name: &str, later: &[Reading], earlier: &[Reading]| {
        let sum = |readings: &[Reading]| readings.iter().map(|reading| reading.sum(name)).sum::<f64>();
        sum(later) - sum(earlier)
    };
    let (later_bus, later_frames) = (buses(parts).await, self::frames(parts).await);
    row("events that went to Redis", since("causeway_bus_published_total", &later_bus, &bus), "events");
    row("events that came from Redis", since("causeway_bus_received_total", &later_bus, &bus), "events");
    row("frames to clients", since("causeway_bridge_frames_out_total", &later_frames, &frames), "frames");
}

async fn buses(parts: &Parts) -> Vec<Reading> {
    let mut readings = Vec::new();
    for chat in &parts.chats {
        readings.push(chat.metrics().await);
    }
    readings
}

async fn frames(parts: &Parts) -> Vec<Reading> {
    let mut readings = Vec::new();
    for bridge in &parts.bridges {
        readings.push(bridge.metrics().await);
    }
    readings
}

/// Bytes of the database, and of all that was ever written to its log.
fn disk(parts: &Parts) -> [f64; 2] {
    let sizes = "SELECT (SELECT sum(pg_database_size(oid)) FROM pg_database), pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')";
    let answer = parts.postgres().sql(sizes);
    let (database, log) = answer.split_once('|').expect("two columns");
    [database, log].map(|bytes| bytes.parse().expect("a number"))
}

/// Each message goes to 501 sockets.
async fn deliveries(report: &mut Report, parts: &Arc<Parts>, scene: &Scene) {
    let room = scene.large_room(fanout::SOCKETS).await;
    let at = |person: usize| parts.bridges[person % parts.bridges.len()].at;
    let places = (0..fanout::SOCKETS).map(|person| (at(person), room(person))).collect();
    let counted = Arc::clone(parts);
    let mut audience = Audience::gather(places, socket::frame(fanout::TEXT), move || counted.cpu()).await;
    audience.round(32).await;
    let (before, delivered) = (Spent::now(parts), audience.delivered());
    for _ in 0..ROUNDS {
        audience.round(32).await;
    }
    let count = (audience.delivered() - delivered) as f64;
    tell(report, "a delivery, of 501 for each message", before.cpu_for_each(&Spent::now(parts), count), "µs");
}

/// Reads so that pings are answered.
async fn read(_writer: Writer, mut reader: Reader) {
    while reader.message().await.is_some() {}
}
