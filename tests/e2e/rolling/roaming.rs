//! Somebody who goes to the other bridge whenever the socket is closed with 1012, and resumes there.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_tungstenite::connect_async;

use crate::stage::{Client, Seen, client::PATIENCE};

/// How long whoever is not answered waits before sending again.
const AGAIN: Duration = Duration::from_millis(50);

/// Somebody with a socket on one of two bridges.
pub(super) struct Roaming {
    bridges: [SocketAddr; 2],
    at: usize,
    path: String,
    since: String,
    client: Client,
    /// How many times the socket was closed.
    closed: usize,
}

/// What somebody who writes has noted.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// Messages that were acknowledged.
    pub(super) written: usize,
    /// How often one was sent again.
    pub(super) again: usize,
    /// The longest that one waited for its acknowledgement.
    pub(super) longest: Duration,
    /// How often the socket was closed.
    pub(super) closed: usize,
}

impl Roaming {
    pub(super) async fn start(bridges: [SocketAddr; 2], at: usize, path: String) -> Self {
        let client = open(bridges[at], &path, "").await.expect("the bridge is there");
        Self { bridges, at, path, since: String::new(), client, closed: 0 }
    }

    /// Reads until there have been as many messages as `total` says once it says something.
    pub(super) async fn read_to(mut self, total: watch::Receiver<Option<usize>>) -> Vec<String> {
        let mut read = Vec::new();
        while total.borrow().is_none_or(|total| read.len() < total) {
            if let Some(frame) = self.next(Duration::from_millis(200)).await
                && frame["type"] == "message"
            {
                read.push(frame["message"]["content"].as_str().expect("a text").to_owned());
            }
        }
        // What comes twice comes late.
        while let Some(frame) = self.next(Duration::from_millis(500)).await {
            assert_ne!(frame["type"], "message", "{frame} after {}", read.len());
        }
        read
    }

    /// Writes numbers, each until it is acknowledged, and then says how many there were.
    pub(super) async fn write_until(
        mut self,
        enough: watch::Receiver<bool>,
        count: watch::Sender<usize>,
        total: watch::Sender<Option<usize>>,
    ) -> Log {
        let mut log = Log::default();
        while !*enough.borrow() {
            let begun = Instant::now();
            let text = log.written.to_string();
            while !self.write(&text).await {
                log.again += 1;
                assert!(begun.elapsed() < 3 * PATIENCE, "{text} is never taken: {log:?}");
                tokio::time::sleep(AGAIN).await;
            }
            log.longest = log.longest.max(begun.elapsed());
            log.written += 1;
            count.send_replace(log.written);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        total.send_replace(Some(log.written));
        log.closed = self.closed;
        log
    }

    /// Whether a message was acknowledged. Otherwise it is to be sent again, under the same key.
    async fn write(&mut self, text: &str) -> bool {
        let closed = self.closed;
        let frame = json!({"type": "message", "content": text, "client_message_id": text});
        if !self.client.try_send(frame).await {
            self.next(PATIENCE).await;
            return false;
        }
        while self.closed == closed {
            match self.next(PATIENCE).await {
                Some(frame) if frame["message"]["client_message_id"] == text => return true,
                Some(frame) if frame["type"] == "error" => {
                    assert_eq!(frame["code"], "unavailable", "{frame}");
                    return false;
                }
                Some(_) => {}
                None => return false,
            }
        }
        false
    }

    /// The next frame. When the socket is closed instead, the next of another one.
    async fn next(&mut self, within: Duration) -> Option<Value> {
        match self.client.next(within).await {
            Seen::Frame(frame) => {
                if let Some(id) = frame["event_id"].as_str() {
                    id.clone_into(&mut self.since);
                }
                Some(frame)
            }
            Seen::Nothing => None,
            Seen::Closed(code, reason) => {
                assert_eq!(code, 1012, "{reason}");
                self.move_on(&reason).await;
                None
            }
        }
    }

    /// Waits as long as the reason asks for, and goes to the other bridge; where that is away as well, back.
    async fn move_on(&mut self, reason: &str) {
        let hint = reason.split_once("retry-after-ms=").expect("a hint").1.parse().expect("a number");
        assert!(hint < 500, "{reason}");
        tokio::time::sleep(Duration::from_millis(hint)).await;
        self.closed += 1;
        let begun = Instant::now();
        loop {
            self.at = 1 - self.at;
            if let Some(client) = open(self.bridges[self.at], &self.path, &self.since).await {
                return self.client = client;
            }
            assert!(begun.elapsed() < 2 * PATIENCE, "no bridge takes a socket");
            tokio::time::sleep(AGAIN).await;
        }
    }
}

async fn open(bridge: SocketAddr, path: &str, since: &str) -> Option<Client> {
    let opened = connect_async(format!("ws://{bridge}{path}&since={since}")).await;
    opened.ok().map(|(socket, _)| Client::new(socket, "somebody who roams".to_owned()))
}
