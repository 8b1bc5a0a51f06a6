//! One attachment: what the plugin says is told apart, and goes on to `intake` (events) and `dispatch` (deliveries).
//!
//! The three work side by side in one task. When the stream ends, what had already come is still carried out: a plugin that
//! dies right after a report has made it.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use causeway_proto::plugin::{
    AccountReport, AttachRequest, AttachResponse, DeliveryReport, DeliveryState, Drain, InboundEvent, Typing,
    Welcome, attach_request, attach_response,
};
use prost::Message as _;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch},
    time::Instant,
};
use tonic::{Status, Streaming};
use uuid::Uuid;

use super::{
    Host,
    dismissal::Dismissal,
    dispatch::Dispatch,
    hello::{Greeting, invalid},
    host::Gauges,
    intake::Intake,
    lease::Begun,
};

/// Bytes of events that may wait to be applied; beyond that the stream is not read.
const EVENT_BYTES: u32 = 4 << 20;

/// Reports and the like that may wait to be noted; beyond that the stream is not read.
const SAID: usize = 1_024;

/// What a plugin says beside events.
#[derive(Debug)]
pub(super) enum Said {
    Report(DeliveryReport),
    Account(AccountReport),
    /// So many more deliveries may come.
    Credit(u32),
}

/// An event that waits to be applied.
pub(super) struct Arrived {
    pub(super) event: InboundEvent,
    /// Its share of [`EVENT_BYTES`].
    pub(super) _room: OwnedSemaphorePermit,
}

/// An attachment that is about to run.
pub(super) struct Session {
    pub(super) host: Host,
    pub(super) greeting: Greeting,
    pub(super) begun: Begun,
    pub(super) gauges: Arc<Gauges>,
    pub(super) responses: mpsc::Sender<Result<AttachResponse, Status>>,
    pub(super) dismiss: watch::Sender<Option<Dismissal>>,
    pub(super) dismissal: watch::Receiver<Option<Dismissal>>,
    pub(super) typings: mpsc::Receiver<Typing>,
}

impl Session {
    /// Runs until the plugin ends the stream, breaks the protocol, or is dismissed.
    pub(super) async fn run(self, requests: Streaming<AttachRequest>) {
        let hello = &self.greeting.hello;
        let measure = self.host.inner.store.metrics().plugins.of(&hello.name);
        measure.attached(true);
        tracing::info!(plugin = hello.name, version = hello.version, instance = hello.instance, "attached");
        self.welcome().await;
        let (events, arriving) = mpsc::channel(self.host.inner.options.event_credit.max(1) as usize);
        let (said, saying) = mpsc::channel(SAID);
        let intake = Intake::new(&self, measure.clone(), arriving);
        let (responses, name) = (self.responses.clone(), hello.name.clone());
        let reader = Reader {
            stop: self.host.inner.stop.clone(),
            grace: self.host.inner.options.grace,
            gauges: self.gauges.clone(),
            room: Arc::new(Semaphore::new(EVENT_BYTES as usize)),
            responses: self.responses.clone(),
            dismissal: self.dismissal.clone(),
            events,
            said,
        };
        let dispatch = Dispatch::new(self, measure.clone(), saying);
        let (ending, (), ()) = tokio::join!(reader.run(requests), intake.run(), dispatch.run());
        measure.attached(false);
        match ending {
            Ok(()) => tracing::info!(plugin = name, "detached"),
            Err(status) => {
                tracing::info!(plugin = name, code = ?status.code(), why = status.message(), "detached");
                // Whoever has gone needs no answer.
                let _ = responses.try_send(Err(status));
            }
        }
    }

    async fn welcome(&self) {
        let welcome = Welcome {
            session: Uuid::new_v4().to_string(),
            capabilities: Some(self.greeting.can.clone()),
            credit: self.host.inner.options.event_credit,
            resume_after: self.begun.settled,
        };
        say(&self.responses, attach_response::Message::Welcome(welcome)).await;
    }
}

/// Answers a plugin; one that has gone hears nothing, and its session ends by itself.
pub(super) async fn say(
    responses: &mpsc::Sender<Result<AttachResponse, Status>>,
    message: attach_response::Message,
) {
    let _ = responses.send(Ok(AttachResponse { message: Some(message) })).await;
}

/// Reads the stream and tells apart what comes.
struct Reader {
    stop: tokio_util::sync::CancellationToken,
    grace: Duration,
    gauges: Arc<Gauges>,
    room: Arc<Semaphore>,
    responses: mpsc::Sender<Result<AttachResponse, Status>>,
    dismissal: watch::Receiver<Option<Dismissal>>,
    events: mpsc::Sender<Arrived>,
    said: mpsc::Sender<Said>,
}

impl Reader {
    /// Ends with what the plugin is told, or with nothing when it ended the stream itself.
    async fn run(mut self, mut requests: Streaming<AttachRequest>) -> Result<(), Status> {
        let mut going: Option<(Dismissal, Instant)> = None;
        loop {
            let deadline = going.map(|(_, at)| at);
            tokio::select! {
                request = requests.message() => match request {
                    Ok(Some(AttachRequest { message: Some(message) })) => self.take(message).await?,
                    // What a newer plugin says is not for this version.
                    Ok(Some(AttachRequest { message: None })) => {}
                    Ok(None) | Err(_) => return going.map_or(Ok(()), |(why, _)| Err(why.into())),
                },
                why = self.dismissed(), if going.is_none() => {
                    going = Some((why, Instant::now() + self.say_goodbye(why).await));
                }
                () = until(deadline), if deadline.is_some() => {
                    return going.map_or(Ok(()), |(why, _)| Err(why.into()));
                }
            }
        }
    }

    async fn dismissed(&mut self) -> Dismissal {
        tokio::select! {
            () = self.stop.cancelled() => Dismissal::Stopping,
            why = self.dismissal.wait_for(Option::is_some) => {
                // The sender lives as long as the session.
                why.ok().and_then(|why| *why).unwrap_or(Dismissal::Stopping)
            }
        }
    }

    /// Asks the plugin to finish; how long it may take.
    async fn say_goodbye(&self, why: Dismissal) -> Duration {
        let grace = match why {
            Dismissal::Superseded | Dismissal::Stopping => self.grace,
            Dismissal::Reconnected | Dismissal::Removed | Dismissal::Silent => return Duration::ZERO,
        };
        let within_ms = u32::try_from(grace.as_millis()).unwrap_or(u32::MAX);
        let drain = attach_response::Message::Drain(Drain { within_ms });
        let _ = self.responses.try_send(Ok(AttachResponse { message: Some(drain) }));
        grace
    }

    async fn take(&self, message: attach_request::Message) -> Result<(), Status> {
        match message {
            attach_request::Message::Event(event) => self.take_event(event).await,
            attach_request::Message::Report(report) => {
                if report.state() == DeliveryState::Unspecified {
                    return Err(invalid("report.state", "is required"));
                }
                self.pass_on(Said::Report(report)).await
            }
            attach_request::Message::Account(report) => {
                if !(1..=128).contains(&report.account.chars().count()) {
                    return Err(invalid("account.account", "must be 1 to 128 characters"));
                }
                self.pass_on(Said::Account(report)).await
            }
            attach_request::Message::Credit(more) => self.pass_on(Said::Credit(more.amount)).await,
            attach_request::Message::Hello(_) => Err(invalid("hello", "must come once")),
        }
    }

    async fn take_event(&self, event: InboundEvent) -> Result<(), Status> {
        let spent = self
            .gauges
            .event_credit
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |credit| credit.checked_sub(1));
        if spent.is_err() {
            return Err(Status::resource_exhausted("an event came without credit for it"));
        }
        let bytes = u32::try_from(event.encoded_len()).unwrap_or(EVENT_BYTES).clamp(1, EVENT_BYTES);
        let room = self.room.clone().acquire_many_owned(bytes).await.map_err(|_| stopped())?;
        self.events.send(Arrived { event, _room: room }).await.map_err(|_| stopped())
    }

    async fn pass_on(&self, said: Said) -> Result<(), Status> {
        self.said.send(said).await.map_err(|_| stopped())
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

fn stopped() -> Status {
    Dismissal::Stopping.into()
}
