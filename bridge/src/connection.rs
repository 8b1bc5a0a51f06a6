//! One task for each socket, and the one place that reads and writes it.
//!
//! Whatever happens (a frame, mail, an answer, a timer) is told to the session, and what the session wants is
//! done: that is the whole loop. [`inbound`] reads, [`outbound`] does what is wanted and writes through
//! [`wire`] what [`encode`] makes of it, [`mail`] is what comes from the fan-out, [`calls`] what is under way at
//! the services, and [`ending`] is how it ends. What idles costs little: [`doorbell`] spares it questions, and
//! [`spare`] memory.

mod calls;
mod doorbell;
mod encode;
mod ending;
mod inbound;
mod mail;
mod outbound;
mod spare;
mod wire;

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

use causeway_proto::presence::UserPresence;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, Sleep, sleep_until},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{self, Message, protocol::WebSocketConfig},
};

pub(crate) use self::mail::Mail;
use self::{calls::Calls, doorbell::Doorbell, ending::End, mail::Mailed, wire::Wire};
use crate::{
    backend::call::Outcome,
    fanout::{mailbox::Delivery, membership::Membership},
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

/// Write buffer of a socket, in bytes, which is for control frames alone.
const WRITE_BUFFER: usize = 256;

/// How long a refused client may take to close its side.
const REFUSED: Duration = Duration::from_secs(5);

/// Sizes of the buffers and frames of a socket.
pub(crate) fn config(settings: &Settings) -> WebSocketConfig {
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
    Wire::new(socket, REFUSED).close(Some((code, reason.into())), REFUSED).await;
}

/// Runs an upgraded socket until it is closed. Its state is put into one place at once, so that the future
/// that waits for years is not as large as everything that was needed to begin.
pub(crate) fn run<S>(socket: WebSocketStream<S>, opened: Opened) -> impl Future<Output = ()> + Send
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let mut connection = Box::new(Connection::new(socket, opened));
    async move {
        let end = connection.serve().await;
        connection.end(end).await;
    }
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
        let (mut draining, announced) = (pin!(drain.cancelled()), Doorbell::default());
        let mut drained = false;
        let mut now = self.now();
        let mut timer = pin!(sleep_until(self.session.deadline(now)));
        if self.mail.is_live() {
            self.show_presences();
        }
        loop {
            if let Some(end) = self.perform().await {
                return end;
            }
            self.rearm(now, timer.as_mut());
            let wake = tokio::select! {
                () = poll_fn(|context| announced.poll(context, |context| draining.as_mut().poll(context))),
                    if !drained => Wake::Drain,
                frame = self.wire.next(), if self.session.takes_frames() => Wake::Frame(frame),
                mailed = self.mail.next(self.membership.mailbox(), &mut self.deliveries) => Wake::Mail(mailed),
                (lane, outcome) = self.calls.next() => Wake::Outcome(lane, outcome),
                () = &mut timer => Wake::Tick,
            };
            drained |= matches!(wake, Wake::Drain);
            now = self.now();
            if let Some(end) = self.on_wake(now, wake) {
                return end;
            }
        }
    }

    fn on_wake(&mut self, now: Now, wake: Wake) -> Option<End> {
        spare::borrow(&mut self.actions);
        if self.session.is_over(now) {
            return Some(End::Close(Close::EXPIRED));
        }
        match wake {
            Wake::Drain => self.session.on_drain(now.at + self.shared.turn()),
            Wake::Frame(frame) => return self.on_frames(now, frame),
            Wake::Mail(Mailed::Deliveries) => {
                for delivery in std::mem::take(&mut self.deliveries) {
                    self.session.on_delivery(now, delivery, &mut self.actions);
                }
            }
            Wake::Mail(Mailed::NowLive) => self.show_presences(),
            Wake::Mail(Mailed::Overflow) => return Some(self.too_slow()),
            Wake::Outcome(lane, outcome) => self.session.on_outcome(now, lane, outcome, &mut self.actions),
            Wake::Tick => self.session.on_tick(now, &mut self.actions),
        }
        None
    }

    fn show_presences(&mut self) {
        self.session.on_presences(std::mem::take(&mut self.presences), &mut self.actions);
    }

    fn rearm(&self, now: Now, timer: Pin<&mut Sleep>) {
        let deadline = self.session.deadline(now);
        // A timer that is early finds nothing to do; only one that would be late has to be set.
        if timer.is_elapsed() || timer.deadline() > deadline + Duration::from_millis(1) {
            timer.reset(deadline);
        }
    }

    fn now(&self) -> Now {
        now(&self.shared)
    }
}

fn now(shared: &Shared) -> Now {
    Now { at: Instant::now(), wall: shared.clock.now_micros() }
}

#[cfg(test)]
mod tests;
