//! Every part is stopped and started again, one after another, while people write and read: nobody misses a message, nobody
//! gets one twice, and whatever is not taken at once is taken when it is sent again.

mod roaming;

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use tokio::sync::watch;

use self::roaming::{Log, Roaming};
use crate::stage::{
    Causeway, Person, Setup,
    client::PATIENCE,
    eventually, http,
    process::{Process, free_address},
};

const READERS: usize = 8;

/// Four parts, and a second bridge on the same services.
struct Stage {
    causeway: Causeway,
    second: Option<Process>,
    bridges: [SocketAddr; 2],
    people: Vec<Person>,
    path: String,
}

impl Stage {
    async fn new() -> Self {
        let setup =
            Setup::default().split().set("bridge.drain", "1s").set("bridge.rate.frames_per_second", 0);
        let causeway = setup.set("bridge.reconnect_within", "500ms").start().await;
        let people: Vec<_> = causeway.people(["Alice", "Bob", "Cleo"]).await.into();
        let path = format!("/ws/group/{}/", causeway.group(&people).await);
        let bridges = [causeway.at.bridge, free_address()];
        let mut stage = Self { causeway, second: None, bridges, people, path };
        stage.start_second();
        stage.is_ready(bridges[1]).await;
        stage
    }

    fn start_second(&mut self) {
        let (listen, admin) = (self.bridges[1].to_string(), free_address().to_string());
        let command = self.causeway.command(&["bridge", "--listen", &listen, "--admin", &admin]);
        self.second = Some(Process::start(command, self.causeway.home()));
    }

    async fn is_ready(&self, bridge: SocketAddr) {
        eventually("the bridge is ready", async || {
            http::get(bridge, "/readyz", &[]).await.is_ok_and(|answer| answer.status == 200)
        })
        .await;
    }

    /// Stops a part in order and starts it again; how long it was away.
    async fn restart(&mut self, part: &'static str) -> Duration {
        self.causeway.terminate(part);
        let begun = Instant::now();
        assert!(self.causeway.exit(part).await.success(), "{part}: {}", self.causeway.printed());
        self.causeway.start_again_without_waiting(part);
        for bridge in self.bridges {
            self.is_ready(bridge).await;
        }
        begun.elapsed()
    }

    async fn restart_second(&mut self) {
        let mut second = self.second.take().unwrap();
        second.terminate();
        assert!(second.exit().await.success(), "{}", second.printed());
        self.start_second();
        self.is_ready(self.bridges[1]).await;
    }

    /// Somebody at one of the bridges.
    async fn roaming(&self, person: usize, bridge: usize) -> Roaming {
        let token = self.causeway.token(&self.people[person].id).await;
        Roaming::start(self.bridges, bridge, format!("{}?token={token}", self.path)).await
    }
}

/// People who read and one who writes until they are told to stop.
struct Traffic {
    written: watch::Receiver<usize>,
    enough: watch::Sender<bool>,
    writer: tokio::task::JoinHandle<Log>,
    readers: Vec<tokio::task::JoinHandle<Vec<String>>>,
}

impl Traffic {
    async fn start(stage: &Stage) -> Self {
        let (enough, stop) = watch::channel(false);
        let ((last, total), (count, written)) = (watch::channel(None), watch::channel(0));
        let mut readers = Vec::new();
        for number in 0..READERS {
            let reader = stage.roaming(1 + number % 2, number % 2).await;
            readers.push(tokio::spawn(reader.read_to(total.clone())));
        }
        let writer = stage.roaming(0, 0).await;
        let writer = tokio::spawn(writer.write_until(stop, count, last));
        Self { written, enough, writer, readers }
    }

    /// Waits until some more messages were taken.
    async fn goes_on(&mut self) {
        let more = *self.written.borrow() + 10;
        let written = self.written.wait_for(|written| *written >= more);
        tokio::time::timeout(3 * PATIENCE, written)
            .await
            .expect("messages are taken")
            .expect("somebody writes");
    }

    /// What the writer has noted, once every reader has read exactly what was written.
    async fn end(self) -> Log {
        self.enough.send(true).unwrap();
        let log = self.writer.await.unwrap();
        let written: Vec<String> = (0..log.written).map(|number| number.to_string()).collect();
        for reader in self.readers {
            let read = reader.await.unwrap();
            assert_eq!(read.len(), written.len());
            assert_eq!(read, written);
        }
        log
    }
}

#[tokio::test]
async fn services_restart_under_a_stream_of_messages_and_every_socket_sees_each_once_in_order() {
    let mut stage = Stage::new().await;
    let mut traffic = Traffic::start(&stage).await;
    let mut away = Duration::ZERO;
    for part in ["presence", "notification", "chat", "chat"] {
        traffic.goes_on().await;
        let restart = stage.restart(part).await;
        if part == "chat" {
            away = away.max(restart);
        }
    }
    traffic.goes_on().await;
    let log = traffic.end().await;
    println!(
        "{} messages, {} sent again, {:?} without an answer, chat away for {away:?}",
        log.written, log.again, log.longest
    );
    assert_eq!(log.closed, 0, "no socket is closed: {log:?}");
    // Somebody who is told to send again waits a little between two tries.
    assert!(log.longest < away + Duration::from_secs(2), "{log:?}, and chat was away for {away:?}");
}

#[tokio::test]
async fn bridges_restart_one_after_another_and_clients_go_to_the_other() {
    let mut stage = Stage::new().await;
    let mut traffic = Traffic::start(&stage).await;
    for _ in 0..2 {
        traffic.goes_on().await;
        stage.restart("bridge").await;
        traffic.goes_on().await;
        stage.restart_second().await;
    }
    traffic.goes_on().await;
    let log = traffic.end().await;
    println!("{} messages, {} sent again, {:?} without an answer", log.written, log.again, log.longest);
    assert!(log.closed > 0, "{log:?}");
}
