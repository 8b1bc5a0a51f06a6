//! One task for each socket, and the one place that reads and writes it.
//!
//! Whatever happens (a frame, mail, an answer, a timer) is told to the session, and what the session wants is done: that is
//! the whole loop. [`wire`] writes, [`mail`] is what comes from the fan-out, [`calls`] what is under way at the services.

mod calls;
mod mail;
mod wire;

use std::{pin::Pin, sync::Arc, time::Duration};

use causeway_proto::presence::UserPresence;
use futures_util::FutureExt;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, Sleep, sleep_until},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{self, Message, protocol::WebSocketConfig},
};

pub(crate) use self::mail::Mail;
use self::{
    calls::Calls,
    mail::Mailed,
    wire::{Broken, Wire},
};
use crate::{
    backend::call::Outcome,
    fanout::{
        mailbox::{Delivery, Mailbox},
        membership::Membership,
    },
    metrics::SocketMetrics,
    opening::Opened,
    presence::Registration,
    session::{
        Now, Session,
        action::{Action, Close, Lane},
    },
    settings::Settings,
    shared::Shared,
};

/// Read buffer of a socket, in bytes: it stays for as long as the socket is open.
const READ_BUFFER: usize = 4 << 10;

/// Bytes that are written together; the buffer grows to it only when so much is to be written.
const WRITE_BUFFER: usize = 16 << 10;

/// Frames that are read before anything is written.
const FRAMES_AT_ONCE: usize = 32;

/// Room for actions and deliveries that an idle socket keeps.
const KEPT: usize = 8;

/// How long a refused client may take to close its side.
const REFUSED: Duration = Duration::from_secs(5);

/// Sizes of the buffers and frames of a socket.
pub(crate) fn config(settings: &Settings) -> WebSocketConfig {
    // The write buffer itself has no limit: a frame is only added once what was there is written, see `wire`.
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_message_size(Some(settings.max_frame_bytes))
        .max_frame_size(Some(settings.max_frame_bytes))
}

/// Closes an upgraded socket at once, for the dialects that refuse so.
pub(crate) async fn refuse<S>(socket: WebSocketStream<S>, code: u16, reason: &'static str)
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    Wire::new(socket, REFUSED).close(Some(Close { code, reason }), REFUSED).await;
}

/// Runs an upgraded socket until it is closed.
pub(crate) async fn run<S>(socket: WebSocketStream<S>, opened: Opened)
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let mut connection = Connection::new(socket, opened);
    let end = connection.serve().await;
    connection.end(end).await;
}

/// An open socket with everything that belongs to it.
struct Connection<S> {
    wire: Wire<S>,
    shared: Arc<Shared>,
    session: Session,
    membership: Membership,
    registration: Registration,
    mail: Mail,
    calls: Calls,
    /// Who is online, to be shown once nothing old is left to show.
    presences: Vec<UserPresence>,
    actions: Vec<Action>,
    deliveries: Vec<Delivery>,
    metrics: SocketMetrics,
}

/// What a socket waits for.
enum Wake {
    Drain,
    Frame(Option<Result<Message, tungstenite::Error>>),
    Mail(Mailed),
    Outcome(Lane, Outcome),
    Tick,
}

/// Why a socket is served no more.
#[derive(Debug)]
enum End {
    /// The connection is lost.
    Gone,
    /// The peer closes.
    Left,
    /// We close.
    Close(Close),
}

impl<S> Connection<S>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    fn new(socket: WebSocketStream<S>, opened: Opened) -> Self {
        let metrics = opened.shared.metrics.opened(opened.dialect);
        Self {
            wire: Wire::new(socket, opened.shared.settings.write_timeout),
            calls: Calls::new(opened.allow_opaque),
            shared: opened.shared,
            session: opened.session,
            membership: opened.membership,
            registration: opened.registration,
            mail: opened.mail,
            presences: opened.presences,
            actions: opened.greeting,
            deliveries: Vec::new(),
            metrics,
        }
    }

    async fn serve(&mut self) -> End {
        let drain = self.shared.drain.child_token();
        let mut draining = std::pin::pin!(drain.cancelled());
        let mut drained = false;
        let mut timer = std::pin::pin!(sleep_until(self.session.deadline(self.now())));
        if self.mail.is_live() {
            self.show_presences();
        }
        loop {
            if let Some(end) = self.perform().await {
                return end;
            }
            self.rearm(timer.as_mut());
            let wake = tokio::select! {
                () = &mut draining, if !drained => Wake::Drain,
                frame = self.wire.next(), if self.session.takes_frames() => Wake::Frame(frame),
                mailed = self.mail.next(self.membership.mailbox(), &mut self.deliveries) => Wake::Mail(mailed),
                (lane, outcome) = self.calls.next() => Wake::Outcome(lane, outcome),
                () = &mut timer => Wake::Tick,
            };
            drained |= matches!(wake, Wake::Drain);
            if let Some(end) = self.on_wake(wake) {
                return end;
            }
        }
    }

    fn on_wake(&mut self, wake: Wake) -> Option<End> {
        let now = self.now();
        match wake {
            Wake::Drain => self.session.on_drain(now.at + self.shared.settings.drain.mul_f64(rand::random())),
            Wake::Frame(frame) => return self.on_frames(now, frame),
            Wake::Mail(Mailed::Deliveries) => {
                for delivery in &self.deliveries {
                    self.session.on_delivery(now, delivery, &mut self.actions);
                }
                self.deliveries.clear();
            }
            Wake::Mail(Mailed::NowLive) => self.show_presences(),
            Wake::Mail(Mailed::Overflow) => return Some(self.too_slow()),
            Wake::Outcome(lane, outcome) => self.session.on_outcome(now, lane, outcome, &mut self.actions),
            Wake::Tick => self.session.on_tick(now, &mut self.actions),
        }
        None
    }

    /// Reads what is there, up to a bound, so that messages which come together are stored together.
    fn on_frames(&mut self, now: Now, first: Option<Result<Message, tungstenite::Error>>) -> Option<End> {
        let mut next = first;
        for _ in 0..FRAMES_AT_ONCE {
            match next {
                Some(Ok(message)) => {
                    if let Some(end) = self.on_message(now, &message) {
                        return Some(end);
                    }
                }
                Some(Err(error)) => return Some(unreadable(&error)),
                None => return Some(End::Gone),
            }
            if !self.session.takes_frames() || matches!(self.actions.last(), Some(Action::Close(_))) {
                break;
            }
            next = self.wire.next().now_or_never()?;
        }
        None
    }

    fn on_message(&mut self, now: Now, message: &Message) -> Option<End> {
        self.session.heard(now);
        match message {
            Message::Text(text) => {
                self.metrics.frame_in();
                self.session.on_text(now, text, &mut self.actions);
            }
            Message::Binary(_) => self.session.on_binary(&mut self.actions),
            Message::Ping(_) => self.session.on_ping(now, &mut self.actions),
            Message::Pong(_) | Message::Frame(_) => {}
            Message::Close(_) => return Some(End::Left),
        }
        None
    }

    /// Does what the session wants, and writes it out.
    async fn perform(&mut self) -> Option<End> {
        let mut actions = std::mem::take(&mut self.actions);
        let mut frames = 0;
        for action in actions.drain(..) {
            let message = match action {
                Action::Frame(frame) => {
                    frames += 1;
                    Message::Text(frame)
                }
                Action::Fault(code, frame) => {
                    self.metrics.fault(code);
                    frames += 1;
                    Message::Text(frame)
                }
                Action::Ping => Message::Ping(bytes::Bytes::new()),
                Action::Call(lane, call) => {
                    self.calls.start(&self.shared, self.session.caller(), lane, *call);
                    continue;
                }
                Action::Join(topic, interest) => {
                    self.membership.join(topic, interest);
                    continue;
                }
                Action::Leave(topic) => {
                    self.membership.leave(topic.source, &topic.name);
                    continue;
                }
                Action::Ignored => {
                    self.metrics.ignored();
                    continue;
                }
                Action::Close(close) => return Some(End::Close(close)),
            };
            if let Err(broken) = self.wire.feed(message, watched(&self.mail, &self.membership)).await {
                return Some(self.broken(broken));
            }
        }
        if actions.capacity() <= KEPT {
            self.actions = actions;
        }
        if self.deliveries.capacity() > KEPT {
            self.deliveries = Vec::new();
        }
        self.metrics.frames_out(frames);
        let flushed = self.wire.flush(watched(&self.mail, &self.membership)).await;
        flushed.err().map(|broken| self.broken(broken))
    }

    fn broken(&self, broken: Broken) -> End {
        match broken {
            Broken::Gone => End::Gone,
            Broken::TooSlow => self.too_slow(),
        }
    }

    fn too_slow(&self) -> End {
        self.metrics.overflowed();
        End::Close(Close::TOO_SLOW)
    }

    fn show_presences(&mut self) {
        self.session.on_presences(std::mem::take(&mut self.presences), &mut self.actions);
    }

    fn rearm(&self, timer: Pin<&mut Sleep>) {
        let deadline = self.session.deadline(self.now());
        // A timer that is early finds nothing to do; only one that would be late has to be set.
        if timer.is_elapsed() || timer.deadline() > deadline + Duration::from_millis(1) {
            timer.reset(deadline);
        }
    }

    fn now(&self) -> Now {
        Now { at: Instant::now(), wall: self.shared.clock.now_micros() }
    }

    /// Leaves every topic at once, and then closes.
    async fn end(self, end: End) {
        let Self { wire, shared, session, membership, registration, mail, calls, metrics, .. } = self;
        drop((membership, registration, mail, calls));
        let patience = shared.settings.close_timeout;
        match end {
            End::Gone => {}
            End::Left => wire.close(None, patience).await,
            End::Close(close) => {
                metrics.closed(close.reason);
                wire.close(Some(close), patience).await;
            }
        }
        // The user's place is taken until here.
        drop(session);
    }
}

/// The mailbox whose overflow ends a write that does not go on. While the log is being read, an overflow does no harm.
fn watched<'a>(mail: &Mail, membership: &'a Membership) -> Option<&'a Mailbox> {
    mail.is_live().then(|| &**membership.mailbox())
}

/// What to do about a frame that could not be read.
fn unreadable(error: &tungstenite::Error) -> End {
    use tungstenite::{Error, error::ProtocolError};
    match error {
        Error::Capacity(_) => End::Close(Close::TOO_LARGE),
        Error::Utf8(_) => End::Close(Close::NOT_TEXT),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => End::Gone,
        Error::Protocol(_) => End::Close(Close::PROTOCOL),
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Io(_)
        | Error::Tls(_)
        | Error::WriteBufferFull(_)
        | Error::AttackAttempt
        | Error::Url(_)
        | Error::Http(_)
        | Error::HttpFormat(_) => End::Gone,
    }
}
