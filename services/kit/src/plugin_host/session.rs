//! One attachment: what the plugin says is told apart, and goes on to `intake` (events) and `dispatch` (deliveries).
//!
//! The three work side by side in one task. When the stream ends, what had already come is still carried out: a plugin that
//! dies right after a report has made it.

use std::{
    pin::pin,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use causeway_proto::plugin::{
    AccountReport, AttachRequest, DeliveryReport, DeliveryState, Drain, InboundEvent, Typing, Welcome,
    attach_request, attach_response,
};
use prost::Message as _;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};
use uuid::Uuid;

use super::{
    Host,
    answers::Answers,
    dismissal::{Call, Dismissal},
    dispatch::Dispatch,
    gauges::Gauges,
    hello::{Greeting, invalid},
    in_hand::Begun,
    intake::Intake,
};
use crate::lease::Fence;

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
    pub(super) fence: Fence,
    pub(super) gauges: Arc<Gauges>,
    pub(super) answers: Answers,
    pub(super) dismiss: watch::Sender<Option<Dismissal>>,
    pub(super) dismissal: watch::Receiver<Option<Dismissal>>,
    pub(super) typings: mpsc::Receiver<Typing>,
}

impl Session {
    /// Runs until the plugin ends the stream, breaks the protocol, or is dismissed.
    pub(super) async fn run(self, requests: Streaming<AttachRequest>) {
        let hello = &self.greeting.hello;
        let measure = self.host.inner.store.metrics().plugins.of(&hello.name);
        tracing::info!(plugin = hello.name, version = hello.version, instance = hello.instance, "attached");
        self.welcome().await;
        let (events, arriving) = mpsc::channel(self.host.inner.options.event_credit.max(1) as usize);
        let (said, saying) = mpsc::channel(SAID);
        let intake = Intake::new(&self, measure.clone(), arriving);
        let (answers, name, grace) =
            (self.answers.clone(), hello.name.clone(), self.host.inner.options.grace);
        let call = Call { stop: self.host.inner.stop.clone(), dismissal: self.dismissal.clone(), grace };
        let reader = Reader {
            call: call.clone(),
            gauges: self.gauges.clone(),
            room: Arc::new(Semaphore::new(EVENT_BYTES as usize)),
            answers: answers.clone(),
            events,
            said,
        };
        let dispatch = Dispatch::new(self, measure.clone(), saying);
        let done = CancellationToken::new();
        let reading = async {
            let ending = reader.run(requests).await;
            // What is still to be said is said to whoever reads.
            let _ = tokio::time::timeout(grace, done.cancelled()).await;
            answers.over();
            ending
        };
        let working = async {
            tokio::join!(intake.run(), dispatch.run());
            done.cancel();
        };
        let mut all = pin!(async { tokio::join!(reading, working).0 });
        let ending = tokio::select! {
            ending = &mut all => ending,
            () = call.run_out() => {
                // Whatever waits for a plugin that does not read, and keeps the stream from being read, goes on.
                answers.over();
                all.await
            }
        };
        match ending {
            Ok(()) => tracing::info!(plugin = name, "detached"),
            Err(status) => {
                tracing::info!(plugin = name, code = ?status.code(), why = status.message(), "detached");
                // Whoever has gone needs no answer.
                answers.end(status);
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
        self.answers.say(attach_response::Message::Welcome(welcome)).await;
    }
}

/// Reads the stream and tells apart what comes.
struct Reader {
    call: Call,
    gauges: Arc<Gauges>,
    room: Arc<Semaphore>,
    answers: Answers,
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
                    Ok(Some(AttachRequest { message: Some(message) })) => self.take(message).await.inspect_err(|_| self.answers.over())?,
                    // What a newer plugin says is not for this version.
                    Ok(Some(AttachRequest { message: None })) => {}
                    Ok(None) | Err(_) => return going.map_or(Ok(()), |(why, _)| Err(why.into())),
                },
                why = self.call.comes(), if going.is_none() => {
                    going = Some((why, Instant::now() + self.say_goodbye(why)));
                }
                () = until(deadline), if deadline.is_some() => {
                    self.answers.over();
                    return going.map_or(Ok(()), |(why, _)| Err(why.into()));
                }
            }
        }
    }

    /// Asks the plugin to finish; how long it may take.
    fn say_goodbye(&self, why: Dismissal) -> Duration {
        let grace = self.call.grace(why);
        if !grace.is_zero() {
            let within_ms = u32::try_from(grace.as_millis()).unwrap_or(u32::MAX);
            self.answers.try_say(attach_response::Message::Drain(Drain { within_ms }));
        }
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
        if event.sequence == 0 {
            return Err(invalid("event.sequence", "must be at least 1"));
        }
        let spent = self
            .gauges
            .event_credit
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |credit| credit.checked_sub(1));
        if spent.is_err() {
            return Err(Status::resource_exhausted("an event came without credit for it"));
        }
        let bytes = u32::try_from(event.encoded_len()).unwrap_or(EVENT_BYTES).clamp(1, EVENT_BYTES);
        let room = self.room.clone().acquire_many_owned(bytes).await.map_err(|_| self.stopped())?;
        self.events.send(Arrived { event, _room: room }).await.map_err(|_| self.stopped())
    }

    /// What a plugin is told when nobody takes what it says any more.
    fn stopped(&self) -> Status {
        self.call.reason().into()
    }

    async fn pass_on(&self, said: Said) -> Result<(), Status> {
        self.said.send(said).await.map_err(|_| self.stopped())
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
