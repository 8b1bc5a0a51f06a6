//! What an event costs a bridge none of whose sockets wants it: ten thousand of them, beside a bridge on the same chat process and
//! one on another, by what they and the bus count, and by the processor time that they take anyway.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::Semaphore,
    time::{Instant, sleep},
};

use crate::{
    fanout::TEXT,
    metrics::Reading,
    parts::{Part, Parts, Routes, Shape},
    report::{Report, Row, Target},
    socket,
};

const EVENTS: usize = 10_000;
const UNDER_WAY: usize = 64;
/// How long nothing happens before it is measured, and how long that is.
const REST: Duration = Duration::from_secs(4);
/// The first has the sockets that want the events, and the chat process that they are written at; so has the third. The second has
/// another.
const SHAPE: Shape = Shape { bridges: 3, chats: 2, routes: Routes::Own };

/// Measures what a stream of events leaves at those who do not want it.
pub(crate) async fn measure(report: &mut Report) {
    let parts = Parts::start(SHAPE).await;
    let scene = parts.scene();
    scene.rooms(3, 2).await;
    let [wanting, behind_redis, beside] = [0, 1, 2].map(|number| &parts.bridges[number]);
    // Each of the others has a socket in a conversation of its own, so that it has a stream with a topic.
    let mut idle = Vec::new();
    for (room, bridge) in [(1, behind_redis), (2, beside)] {
        let (mut writer, mut reader) = socket::open(bridge.at, &scene.path(room, 0)).await;
        writer.send(socket::frame(TEXT)).await;
        assert!(reader.message().await.is_some());
        idle.push((writer, reader));
    }
    let (mut writer, mut reader) = socket::open(wanting.at, &scene.path(0, 0)).await;
    sleep(REST).await;

    let others = [behind_redis, beside];
    let rest = Cost::since(others, sleep(REST)).await;
    let before = readings(&parts).await;
    let stream = async {
        let window = Arc::new(Semaphore::new(UNDER_WAY));
        let counted = Arc::clone(&window);
        let reading = tokio::spawn(async move {
            for _ in 0..EVENTS {
                assert!(reader.message().await.is_some(), "the socket was closed");
                counted.add_permits(1);
            }
        });
        for _ in 0..EVENTS {
            window.acquire().await.expect("the window is open").forget();
            writer.send(socket::frame(TEXT)).await;
        }
        reading.await.expect("it reads all of them");
    };
    let cost = Cost::since(others, stream).await;
    let after = readings(&parts).await;
    let [ours, behind_redis, beside, chat] = difference(before, after);

    let mut row = |figure: &str, value, unit, target| {
        let figure = format!("{EVENTS} unwanted events: {figure}");
        report.add(Row { figure, value, unit, target });
    };
    let none = || Some(Target::AtMost(0.0));
    let all = Some(Target::AtLeast(EVENTS as f64));
    row("events at the bridge that wants them", events(&ours), "events", all);
    row("at a bridge on the same chat process", events(&beside), "events", none());
    row("at a bridge on another", events(&behind_redis), "events", none());
    row("from Redis at that chat process", chat.sum("causeway_bus_received_total"), "messages", none());
    for (at, whose) in ["another", "the same"].into_iter().enumerate() {
        let figure = format!("processor time of the bridge on {whose} chat process");
        row(&figure, cost.of[at] * 1_000.0, "ms", None);
        let in_rest = rest.of[at] * 1_000.0 * (cost.took / rest.took);
        row(&format!("{figure} at rest, for as long"), in_rest, "ms", None);
    }
}

/// Whatever came over the stream: what somebody wanted and what nobody did.
fn events(of: &Reading) -> f64 {
    of.sum(r#"causeway_bridge_events_total{service="chat""#)
        + of.sum(r#"causeway_bridge_events_unwanted_total{service="chat""#)
}

async fn readings(parts: &Parts) -> [Reading; 4] {
    let [ours, behind_redis, beside] = [0, 1, 2].map(|number| &parts.bridges[number]);
    [
        ours.metrics().await,
        behind_redis.metrics().await,
        beside.metrics().await,
        parts.chats[1].metrics().await,
    ]
}

fn difference(before: [Reading; 4], after: [Reading; 4]) -> [Reading; 4] {
    let mut before = before.into_iter();
    after.map(|after| after - before.next().unwrap_or_default())
}

/// Seconds of processor time that two processes used while something went on.
struct Cost {
    of: [f64; 2],
    took: f64,
}

impl Cost {
    async fn since(parts: [&Part; 2], what: impl Future<Output = ()>) -> Self {
        let used = || parts.map(|part| crate::usage::scheduled(part.id()));
        let (before, begun) = (used(), Instant::now());
        what.await;
        let (after, took) = (used(), begun.elapsed().as_secs_f64());
        Self { of: [after[0] - before[0], after[1] - before[1]], took }
    }
}
