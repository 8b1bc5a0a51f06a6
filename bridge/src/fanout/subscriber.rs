//! One task and one stream for each service: it asks for the topics that somebody wants, and hands on the
//! events.
//!
//! When the stream breaks, sockets stay; the task comes back with growing, random pauses, and asks for each
//! topic again from the last event that was passed on. A service that stops in order hands the stream over: then it
//! is opened anew at once, on another replica where there is one.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use causeway_proto::{
    client::Grpc,
    event::{
        AddTopic, DropTopic, Source, SubscribeRequest, SubscribeResponse, events_client::EventsClient,
        subscribe_request::Action, subscribe_response::Message,
    },
};
use futures_util::{FutureExt, StreamExt};
use tokio::{
    sync::{mpsc, watch},
    task::yield_now,
    time::{Instant, timeout},
};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};

use crate::{
    backoff::Backoff,
    fanout::{
        packet::Packet,
        registry::{Change, Registry},
    },
    metrics::{Metrics, service},
};

/// Requests that may be on their way at once. More of them wait here, at most a few for each topic.
const OUTGOING: usize = 256;

/// Messages that are passed on together, when so many have come.
const AT_ONCE: usize = 64;

/// Bytes of events that are put into mailboxes before their readers get their turn; one event may have more.
const TOGETHER: usize = 64 << 10;

/// How long the service may take to answer that the stream is open.
const OPENING: Duration = Duration::from_secs(5);

/// Holds the stream to one service.
pub(crate) struct Subscriber {
    source: Source,
    client: EventsClient<Grpc>,
    registry: Arc<Registry>,
    connected: watch::Sender<bool>,
    metrics: Metrics,
}

impl Subscriber {
    /// For the topics of `registry`; `connected` is told whether the stream is open.
    pub(crate) fn new(
        source: Source,
        client: EventsClient<Grpc>,
        registry: Arc<Registry>,
        connected: watch::Sender<bool>,
        metrics: Metrics,
    ) -> Self {
        Self { source, client, registry, connected, metrics }
    }

    /// Runs until `stop`.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let _ = stop.run_until_cancelled(self.stay_connected()).await;
        self.connected.send_replace(false);
    }

    async fn stay_connected(&mut self) {
        let mut backoff = Backoff::default();
        let mut told = None;
        loop {
            let begun = Instant::now();
            let status = match self.subscribe().await {
                Ok(()) => Status::unavailable("the stream ended"),
                Err(status) => status,
            };
            let was_open = self.connected.send_replace(false);
            self.registry.disconnected();
            self.metrics.resubscribed(self.source);
            let code = status.code();
            // A service that stays away is no news.
            if told.replace(code) != Some(code) || was_open {
                tracing::warn!(
                    service = service(self.source),
                    ?code,
                    "events do not come; trying again until they do"
                );
            }
            tokio::time::sleep(backoff.after_stream(begun.elapsed(), &status)).await;
        }
    }

    /// One stream, for as long as it lives.
    async fn subscribe(&mut self) -> Result<(), Status> {
        let (outgoing, requests) = mpsc::channel(OUTGOING);
        let opening = self.client.subscribe(ReceiverStream::new(requests)).boxed();
        let opened =
            timeout(OPENING, opening).await.map_err(|_| Status::deadline_exceeded("no answer"))??;
        self.connected.send_replace(true);
        tracing::info!(service = service(self.source), "subscribed to events");
        self.pass_on(opened.into_inner(), outgoing).await
    }

    async fn pass_on(
        &self,
        incoming: Streaming<SubscribeResponse>,
        outgoing: mpsc::Sender<SubscribeRequest>,
    ) -> Result<(), Status> {
        let mut incoming = incoming.ready_chunks(AT_ONCE);
        let mut changes = VecDeque::new();
        loop {
            tokio::select! {
                messages = incoming.next() => match messages {
                    Some(messages) => self.on_messages(messages).await?,
                    None => return Ok(()),
                },
                () = self.registry.changes(&mut changes) => {}
                // Never waited for alone: the service may be waiting for us to read.
                permit = outgoing.reserve(), if !changes.is_empty() => {
                    let permit = permit.map_err(|_| Status::unavailable("the stream ended"))?;
                    if let Some(change) = changes.pop_front() {
                        permit.send(self.request(change));
                    }
                }
            }
        }
    }

    async fn on_messages(&self, messages: Vec<Result<SubscribeResponse, Status>>) -> Result<(), Status> {
        let mut packets = Vec::with_capacity(messages.len());
        let mut end = Ok(());
        for message in messages {
            match message.map(|response| response.message) {
                Ok(Some(Message::Event(event))) => packets.push(Arc::new(Packet::new(event))),
                Ok(Some(Message::Added(added))) => {
                    self.publish(&packets).await;
                    packets.clear();
                    self.registry.added(self.source, &added.topic, added.after, added.history_lost);
                }
                Ok(None) => {}
                Err(status) => end = Err(status),
            }
        }
        self.publish(&packets).await;
        end
    }

    /// Publishes a little at a time, so that readers who keep up get their turn before their mailboxes are full.
    async fn publish(&self, packets: &[Arc<Packet>]) {
        let mut rest = packets;
        while !rest.is_empty() {
            let (together, later) = rest.split_at(count_together(rest));
            let published = self.registry.publish(together);
            self.metrics.published(self.source, together.len(), published);
            if published.gap {
                tracing::warn!(service = service(self.source), "a gap in a topic; reading it again");
            }
            rest = later;
            if !rest.is_empty() {
                yield_now().await;
            }
        }
    }

    fn request(&self, change: Change) -> SubscribeRequest {
        let source = self.source.into();
        let action = match change {
            Change::Add(topic, after) => Action::Add(AddTopic { source, topic: topic.to_string(), after }),
            Change::Drop(topic) => Action::Drop(DropTopic { source, topic: topic.to_string() }),
        };
        SubscribeRequest { action: Some(action) }
    }
}

/// How many of the first packets are published together, at least one.
fn count_together(packets: &[Arc<Packet>]) -> usize {
    let mut bytes = 0;
    let within = packets.iter().take_while(|packet| {
        bytes += packet.bytes();
        bytes <= TOGETHER
    });
    within.count().max(1)
}

#[cfg(test)]
mod tests;
