//! What Redis is elsewhere: whoever is connected takes topics, and gets what others publish to them, mostly.

use std::{
    collections::BTreeMap,
    rc::Rc,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use bytes::Bytes;
use causeway_proto::event::Event;
use prost::Message;
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    sync::mpsc,
};
use turmoil::net::TcpStream;

use super::Site;
use crate::{net, options::Control};

/// What may wait for a connection that does not keep up; what is over it is lost.
const QUEUE: usize = 256;

/// A line between the bus and a process.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Line {
    /// What is published to the topic from now on is wanted; and the answer, that it comes.
    Take(Topic),
    /// It is not wanted any more.
    Release(Topic),
    /// It was published.
    Event(Topic, u64, Vec<u8>),
    /// Is anybody there? And the answer.
    Ping,
}

/// A topic, and whose it is.
pub(crate) type Topic = (i32, Arc<str>);

#[derive(Default)]
struct Exchange {
    connections: Mutex<BTreeMap<u64, Connection>>,
    next: AtomicU64,
    /// Topics of which the last event was swallowed, where the bus lies.
    lies: Mutex<BTreeMap<Topic, u64>>,
}

struct Connection {
    lines: mpsc::Sender<Line>,
    topics: Vec<Topic>,
}

pub(crate) async fn run(site: Rc<Site>) -> anyhow::Result<()> {
    let listener = net::listen(net::BUS).await?;
    let exchange = Rc::new(Exchange::default());
    tracing::info!("listening");
    loop {
        let (stream, _) = listener.accept().await?;
        let (site, exchange) = (site.clone(), exchange.clone());
        tokio::task::spawn_local(async move {
            let number = exchange.next.fetch_add(1, Relaxed);
            let (lines, queue) = mpsc::channel(QUEUE);
            let connection = Connection { lines, topics: Vec::new() };
            exchange.connections.lock().expect("no poison").insert(number, connection);
            if let Err(error) = carry(&site, &exchange, number, stream, queue).await {
                tracing::debug!(number, %error, "a connection ended");
            }
            exchange.connections.lock().expect("no poison").remove(&number);
        });
    }
}

/// One connection, to its end.
async fn carry(
    site: &Site,
    exchange: &Exchange,
    number: u64,
    stream: TcpStream,
    mut queue: mpsc::Receiver<Line>,
) -> anyhow::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read).lines();
    loop {
        tokio::select! {
            line = read.next_line() => match line? {
                Some(line) => exchange.hear(site, number, serde_json::from_str(&line)?),
                None => return Ok(()),
            },
            Some(line) = queue.recv() => write.write_all(&encode(&line)?).await?,
        }
    }
}

pub(crate) fn encode(line: &Line) -> anyhow::Result<Vec<u8>> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    Ok(text)
}

impl Exchange {
    fn hear(&self, site: &Site, number: u64, line: Line) {
        let mut connections = self.connections.lock().expect("no poison");
        match line {
            Line::Event(topic, sequence, event) => {
                let Some((sequence, event)) = self.as_told(site, &topic, sequence, event) else { return };
                for (other, connection) in &*connections {
                    let is_lost = !site.is_calm.load(Relaxed) && rand::random_bool(site.plan.loss);
                    if *other == number || !connection.topics.contains(&topic) {
                        continue;
                    }
                    if is_lost {
                        tracing::debug!(topic = &*topic.1, sequence, to = other, "lost");
                        continue;
                    }
                    // One that does not keep up loses it.
                    drop(connection.lines.try_send(Line::Event(topic.clone(), sequence, event.clone())));
                }
            }
            Line::Take(topic) => {
                let Some(connection) = connections.get_mut(&number) else { return };
                if !connection.topics.contains(&topic) {
                    connection.topics.push(topic.clone());
                }
                drop(connection.lines.try_send(Line::Take(topic)));
            }
            Line::Release(topic) => {
                let Some(connection) = connections.get_mut(&number) else { return };
                connection.topics.retain(|taken| *taken != topic);
            }
            Line::Ping => {
                let Some(connection) = connections.get(&number) else { return };
                drop(connection.lines.try_send(Line::Ping));
            }
        }
    }

    /// An event as it goes out. A bus that lies swallows some events of conversations and gives their numbers to the next,
    /// so that nobody can see a gap.
    fn as_told(&self, site: &Site, topic: &Topic, sequence: u64, event: Vec<u8>) -> Option<(u64, Vec<u8>)> {
        if site.plan.control != Some(Control::LyingBus)
            || sequence == 0
            || !topic.1.starts_with("conversation/")
        {
            return Some((sequence, event));
        }
        let mut lies = self.lies.lock().expect("no poison");
        if let Some(swallowed) = lies.remove(topic).filter(|swallowed| swallowed + 1 == sequence) {
            let mut told = Event::decode(Bytes::from(event.clone())).ok()?;
            told.sequence = swallowed;
            return Some((swallowed, told.encode_to_vec()));
        }
        if rand::random_bool(0.2) {
            lies.insert(topic.clone(), sequence);
            return None;
        }
        Some((sequence, event))
    }
}
