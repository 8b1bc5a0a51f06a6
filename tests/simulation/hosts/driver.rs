//! A process's end of the simulated bus. It promises what the driver over Redis promises, and no more.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use causeway_kit::bus::{self, Envelope, Local};
use causeway_proto::event::Source;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    sync::{mpsc, watch},
    time::{Instant, interval, sleep, timeout},
};
use turmoil::net::{
    TcpStream,
    tcp::{OwnedReadHalf, OwnedWriteHalf},
};

use super::{
    BUS,
    bus::{Line, Topic, encode},
};
use crate::net;

/// What may wait to go out; what is over it is lost.
const QUEUE: usize = 1024;
const CONNECT: Duration = Duration::from_secs(2);
const AGAIN: Duration = Duration::from_millis(100);
const PING: Duration = Duration::from_secs(1);
/// After so much silence the connection is given up.
const PATIENCE: Duration = Duration::from_secs(3);

/// A driver of the bus. Cloning is cheap.
#[derive(Clone)]
pub(crate) struct Driver(Arc<Shared>);

struct Shared {
    local: Local,
    /// Topics that somebody here wants, and whether the bus has said that they come.
    topics: Mutex<BTreeMap<Topic, bool>>,
    lines: mpsc::Sender<Line>,
    is_up: watch::Sender<bool>,
}

impl Driver {
    /// Keeps a connection to the bus, in a task of the process.
    pub(crate) fn start(local: Local) -> Self {
        let (lines, queue) = mpsc::channel(QUEUE);
        let shared = Shared { local, topics: Mutex::default(), lines, is_up: watch::Sender::new(false) };
        let driver = Self(Arc::new(shared));
        tokio::spawn(driver.clone().keep(queue));
        driver
    }

    async fn keep(self, mut queue: mpsc::Receiver<Line>) {
        loop {
            if let Ok(Ok(stream)) = timeout(CONNECT, TcpStream::connect((BUS, net::BUS))).await {
                // What was to go out meanwhile is lost.
                while queue.try_recv().is_ok() {}
                let ended = self.carry(stream, &mut queue).await;
                let error = ended.err().map(|error| format!("{error:#}"));
                tracing::debug!(error, "the bus is away");
                self.0.topics.lock().expect("no poison").values_mut().for_each(|comes| *comes = false);
                self.0.is_up.send_replace(false);
                self.0.local.lag();
            }
            sleep(AGAIN).await;
        }
    }

    /// One connection, to its end.
    async fn carry(&self, stream: TcpStream, queue: &mut mpsc::Receiver<Line>) -> anyhow::Result<()> {
        let (read, mut write) = stream.into_split();
        let mut read: Lines<BufReader<OwnedReadHalf>> = BufReader::new(read).lines();
        let topics: Vec<Topic> = self.0.topics.lock().expect("no poison").keys().cloned().collect();
        for topic in topics {
            say(&mut write, &Line::Take(topic)).await?;
        }
        self.0.is_up.send_replace(true);
        self.0.local.lag();
        let (mut pings, mut heard) = (interval(PING), Instant::now());
        loop {
            tokio::select! {
                line = read.next_line() => match line? {
                    Some(line) => {
                        heard = Instant::now();
                        self.hear(serde_json::from_str(&line)?);
                    }
                    None => return Ok(()),
                },
                Some(line) = queue.recv() => say(&mut write, &line).await?,
                _ = pings.tick() => {
                    anyhow::ensure!(heard.elapsed() < PATIENCE, "silence");
                    say(&mut write, &Line::Ping).await?;
                }
            }
        }
    }

    fn hear(&self, line: Line) {
        match line {
            Line::Event((source, topic), sequence, event) => {
                let source = Source::try_from(source).unwrap_or_default();
                let envelope = Envelope { source, topic, sequence, event: event.into() };
                self.0.local.deliver(&[Arc::new(envelope)]);
            }
            Line::Take(topic) => {
                if let Some(comes) = self.0.topics.lock().expect("no poison").get_mut(&topic) {
                    *comes = true;
                }
                self.0.local.check(Source::try_from(topic.0).unwrap_or_default(), &topic.1);
            }
            Line::Release(_) | Line::Ping => {}
        }
    }
}

async fn say(write: &mut OwnedWriteHalf, line: &Line) -> anyhow::Result<()> {
    Ok(timeout(PATIENCE, write.write_all(&encode(line)?)).await??)
}

impl bus::Driver for Driver {
    fn publish(&self, envelopes: &[Arc<Envelope>], local: &Local) {
        local.deliver(envelopes);
        for envelope in envelopes {
            let topic = (envelope.source.into(), envelope.topic.clone());
            // What finds no room is lost.
            drop(self.0.lines.try_send(Line::Event(topic, envelope.sequence, envelope.event.to_vec())));
        }
    }

    fn reaches_others(&self) -> bool {
        true
    }

    fn take(&self, source: Source, topic: &Arc<str>) -> bool {
        let topic: Topic = (source.into(), topic.clone());
        let comes = *self.0.topics.lock().expect("no poison").entry(topic.clone()).or_default();
        if comes || !*self.0.is_up.borrow() {
            return true;
        }
        self.0.lines.try_send(Line::Take(topic)).is_err()
    }

    fn release(&self, source: Source, topic: &Arc<str>) {
        let topic: Topic = (source.into(), topic.clone());
        if self.0.topics.lock().expect("no poison").remove(&topic).is_some() {
            drop(self.0.lines.try_send(Line::Release(topic)));
        }
    }

    fn health(&self) -> Option<watch::Receiver<bool>> {
        Some(self.0.is_up.subscribe())
    }
}
