//! One task and one stream for each service: it asks for the topics that somebody wants, and hands on the
//! events.
//!
//! When the stream breaks, sockets stay; the task comes back with growing, random pauses, and asks for each
//! topic again from the last event that was passed on.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use causeway_proto::{
    client::Grpc,
    event::{
        AddTopic, DropTopic, Source, SubscribeRequest, SubscribeResponse, events_client::EventsClient,
        subscribe_request::Action, subscribe_response::Message,
    },
};
use futures_util::FutureExt;
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, timeout},
};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};

use crate::{
    backoff::Backoff,
    fanout::registry::{Change, Published, Registry},
    metrics::Metrics,
};

/// Requests that may be on their way at once. More of them wait here, at most a few for each topic.
const OUTGOING: usize = 256;

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
        loop {
            let begun = Instant::now();
            let status = match self.subscribe().await {
                Ok(()) => Status::unavailable("the stream ended"),
                Err(status) => status,
            };
            self.connected.send_replace(false);
            self.registry.disconnected();
            self.metrics.resubscribed(self.source);
            let pause = backoff.after(begun.elapsed());
            tracing::warn!(
                service = self.source.as_str_name(),
                code = ?status.code(),
                ?pause,
                "events do not come; subscribing again"
            );
            tokio::time::sleep(pause).await;
        }
    }

    /// One stream, for as long as it lives.
    async fn subscribe(&mut self) -> Result<(), Status> {
        let (outgoing, requests) = mpsc::channel(OUTGOING);
        let opening = self.client.subscribe(ReceiverStream::new(requests)).boxed();
        let opened =
            timeout(OPENING, opening).await.map_err(|_| Status::deadline_exceeded("no answer"))??;
        self.connected.send_replace(true);
        tracing::info!(service = self.source.as_str_name(), "subscribed to events");
        self.pass_on(opened.into_inner(), outgoing).await
    }

    async fn pass_on(
        &self,
        mut incoming: Streaming<SubscribeResponse>,
        outgoing: mpsc::Sender<SubscribeRequest>,
    ) -> Result<(), Status> {
        let mut changes = VecDeque::new();
        loop {
            tokio::select! {
                message = incoming.message() => match message? {
                    Some(SubscribeResponse { message: Some(message) }) => self.on_message(message),
                    Some(SubscribeResponse { message: None }) => {}
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

    fn on_message(&self, message: Message) {
        match message {
            Message::Event(event) => match self.registry.publish(event) {
                Published::To(readers) => self.metrics.published(self.source, readers),
                Published::Ignored => {}
                Published::Gap => {
                    tracing::warn!(service = self.source.as_str_name(), "a gap in a topic; reading it again")
                }
            },
            Message::Added(added) => {
                self.registry.added(self.source, &added.topic, added.after, added.history_lost);
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

#[cfg(test)]
mod tests;
