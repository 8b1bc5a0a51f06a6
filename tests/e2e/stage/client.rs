//! A frontend's socket, in the words of a test: send, expect, expect nothing.

use std::{collections::VecDeque, future::Future, panic::Location, time::Duration};

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::{io::AsyncWriteExt, net::TcpStream, time::Instant};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite::Message};

use super::pattern::difference;

/// How long anything may take that must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// How long nothing must happen before it counts as nothing.
const QUIET: Duration = Duration::from_millis(500);
/// Frames that come because of others and at any time; a test that wants them asks for them by name.
const AMBIENT: [&str; 6] =
    ["presence", "user_presence", "user_status", "heartbeat", "message_delivered", "notification"];
/// How many frames a failing test shows.
const TRAIL: usize = 12;

/// A connected socket.
pub(crate) struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    who: String,
    trail: VecDeque<String>,
}

/// What came from the server.
#[derive(Debug)]
pub(crate) enum Seen {
    /// A text frame.
    Frame(Value),
    /// The socket was closed, with this code (1006 when without a close frame) and reason.
    Closed(u16, String),
    /// Nothing, for as long as was waited.
    Nothing,
}

impl Client {
    /// Takes over a connected socket; `who` names it when a test fails.
    pub(crate) fn new(socket: WebSocketStream<MaybeTlsStream<TcpStream>>, who: String) -> Self {
        Self { socket, who, trail: VecDeque::new() }
    }

    /// Sends a frame.
    pub(crate) async fn send(&mut self, frame: Value) {
        self.send_raw(Message::text(frame.to_string())).await;
    }

    /// Sends a text frame that need not be JSON.
    pub(crate) async fn send_text(&mut self, text: &str) {
        self.send_raw(Message::text(text)).await;
    }

    /// Sends any WebSocket message.
    pub(crate) async fn send_raw(&mut self, message: Message) {
        self.note("→", &message.to_string());
        if let Err(error) = self.socket.send(message).await {
            panic!("{}", self.story(&format!("sending failed: {error}")));
        }
    }

    /// Writes bytes below the protocol, which need not be a frame.
    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) {
        self.socket.get_mut().write_all(bytes).await.expect("the connection takes them");
    }

    /// Sends a frame if the socket still takes it.
    pub(crate) async fn try_send(&mut self, frame: Value) -> bool {
        self.socket.send(Message::text(frame.to_string())).await.is_ok()
    }

    /// Whatever comes next, waiting no longer than this.
    pub(crate) async fn next(&mut self, within: Duration) -> Seen {
        let deadline = Instant::now() + within;
        loop {
            let Ok(message) = tokio::time::timeout_at(deadline, self.socket.next()).await else {
                return Seen::Nothing;
            };
            match message {
                Some(Ok(Message::Text(text))) => {
                    self.note("←", &text);
                    let frame = serde_json::from_str(&text);
                    return Seen::Frame(frame.unwrap_or_else(|error| panic!("{error}: {text}")));
                }
                Some(Ok(Message::Close(frame))) => {
                    let (code, reason) = frame
                        .map_or((1005, String::new()), |frame| (frame.code.into(), frame.reason.to_string()));
                    self.note("←", &format!("close {code} {reason}"));
                    return Seen::Closed(code, reason);
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Seen::Closed(1006, String::new()),
            }
        }
    }

    /// The next frame but for ambient ones has this `type`.
    #[track_caller]
    pub(crate) fn expect<'a>(&'a mut self, kind: &'a str) -> impl Future<Output = Value> + 'a {
        let at = Location::caller();
        async move {
            let wanted = |frame: &Value| {
                (kind_of(frame) != kind).then(|| format!("should be a frame of type {kind}: {frame}"))
            };
            self.until(at, kind, wanted).await
        }
    }

    /// The next frame but for ambient ones has exactly the pattern's keys and shapes.
    #[track_caller]
    pub(crate) fn expect_exact(&mut self, pattern: Value) -> impl Future<Output = Value> + '_ {
        let at = Location::caller();
        async move {
            let wanted = |frame: &Value| {
                difference(&pattern, frame).map(|at| format!("{at}\n  wanted {pattern}\n  got    {frame}"))
            };
            self.until(at, kind_of(&pattern), wanted).await
        }
    }

    /// The next `count` frames of this `type`, passing over any others but errors.
    #[track_caller]
    pub(crate) fn gather<'a>(
        &'a mut self,
        kind: &'a str,
        count: usize,
    ) -> impl Future<Output = Vec<Value>> + 'a {
        let at = Location::caller();
        async move {
            let mut frames = Vec::with_capacity(count);
            let deadline = Instant::now() + 3 * PATIENCE;
            while frames.len() < count {
                match self.next(deadline.saturating_duration_since(Instant::now())).await {
                    Seen::Frame(frame) if kind_of(&frame) == kind => frames.push(frame),
                    Seen::Frame(frame) if kind_of(&frame) != "error" => {}
                    other => {
                        let problem = format!("{other:?} after {} of {count} {kind}", frames.len());
                        panic!("{at}: {}", self.story(&problem));
                    }
                }
            }
            frames
        }
    }

    /// The server closes with this code; frames before that are passed over. Returns the reason.
    #[track_caller]
    pub(crate) fn expect_close(&mut self, code: u16) -> impl Future<Output = String> + '_ {
        let at = Location::caller();
        async move {
            let deadline = Instant::now() + PATIENCE;
            loop {
                match self.next(deadline - Instant::now()).await {
                    Seen::Frame(_) => {}
                    Seen::Closed(found, reason) if found == code => return reason,
                    other => {
                        panic!("{at}: {}", self.story(&format!("should close with {code} and not {other:?}")))
                    }
                }
            }
        }
    }

    /// Nothing but ambient frames comes for half a second.
    #[track_caller]
    pub(crate) fn silence(&mut self) -> impl Future<Output = ()> + '_ {
        let at = Location::caller();
        async move {
            let deadline = Instant::now() + QUIET;
            loop {
                match self.next(deadline.saturating_duration_since(Instant::now())).await {
                    Seen::Nothing => return,
                    Seen::Frame(frame) if is_ambient(&frame) => {}
                    other => panic!("{at}: {}", self.story(&format!("should be silent and not {other:?}"))),
                }
            }
        }
    }

    /// Leaves as a frontend does that closes its page.
    pub(crate) async fn leave(mut self) {
        let _ = self.socket.close(None).await;
        while let Some(Ok(_)) = self.socket.next().await {}
    }

    /// Reads until a frame is as wanted. Ambient frames are passed over; any other that differs fails the test.
    async fn until(
        &mut self,
        at: &Location<'_>,
        wanted: &str,
        differs: impl Fn(&Value) -> Option<String>,
    ) -> Value {
        let deadline = Instant::now() + PATIENCE;
        let mut last = None;
        loop {
            match self.next(deadline.saturating_duration_since(Instant::now())).await {
                Seen::Frame(frame) => match differs(&frame) {
                    None => return frame,
                    Some(difference) if is_ambient(&frame) => last = Some(difference),
                    Some(difference) => panic!("{at}: {}", self.story(&difference)),
                },
                other => {
                    let last = last.map(|last| format!("\n  the last that came: {last}")).unwrap_or_default();
                    panic!("{at}: {}", self.story(&format!("should get {wanted} and not {other:?}{last}")));
                }
            }
        }
    }

    fn note(&mut self, way: &str, text: &str) {
        self.trail.push_back(format!("{way} {}", text.chars().take(300).collect::<String>()));
        if self.trail.len() > TRAIL {
            self.trail.pop_front();
        }
    }

    fn story(&self, problem: &str) -> String {
        let trail: Vec<_> = self.trail.iter().map(|line| format!("    {line}")).collect();
        format!("{}: {problem}\n  the last frames:\n{}", self.who, trail.join("\n"))
    }
}

fn is_ambient(frame: &Value) -> bool {
    AMBIENT.contains(&kind_of(frame))
}

fn kind_of(frame: &Value) -> &str {
    frame["type"].as_str().unwrap_or("a frame without type")
}
