//! The stream to the presence service.

use std::collections::VecDeque;

use causeway_proto::{
    client::Grpc,
    presence::{
        AttachRequest, AttachResponse, Hello, Synced, attach_request::Message,
        presence_client::PresenceClient,
    },
};
use futures_util::FutureExt;
use tokio::{
    sync::{mpsc, watch},
    time::{Duration, Instant, timeout},
};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};

use super::{Ledger, Progress};
use crate::backoff::Backoff;

/// Reports that may be on their way at once.
const OUTGOING: usize = 256;

/// How long the service may take to answer that the stream is open.
const OPENING: Duration = Duration::from_secs(5);

/// Holds the stream.
pub(crate) struct Link {
    bridge_id: String,
    client: PresenceClient<Grpc>,
    ledger: Ledger,
    attached: watch::Sender<bool>,
    streams: u64,
}

impl Link {
    /// Reports the sockets of `ledger` as those of the bridge `bridge_id`; `attached` is told whether the
    /// stream is open.
    pub(crate) fn new(
        bridge_id: String,
        client: PresenceClient<Grpc>,
        ledger: Ledger,
        attached: watch::Sender<bool>,
    ) -> Self {
        Self { bridge_id, client, ledger, attached, streams: 0 }
    }

    /// Runs until `stop`.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let _ = stop.run_until_cancelled(self.stay_attached()).await;
        self.attached.send_replace(false);
    }

    async fn stay_attached(&mut self) {
        let mut backoff = Backoff::default();
        let mut told = None;
        loop {
            let begun = Instant::now();
            let status = match self.attach().await {
                Ok(()) => Status::unavailable("the stream ended"),
                Err(status) => status,
            };
            let was_attached = self.attached.send_replace(false);
            self.ledger.detached();
            let code = status.code();
            // A service that stays away is no news.
            if told.replace(code) != Some(code) || was_attached {
                tracing::warn!(?code, "not attached to the presence service; trying until it is there");
            }
            tokio::time::sleep(backoff.after_stream(begun.elapsed(), &status)).await;
        }
    }

    async fn attach(&mut self) -> Result<(), Status> {
        let (outgoing, requests) = mpsc::channel(OUTGOING);
        let opening = self.client.attach(ReceiverStream::new(requests)).boxed();
        let opened =
            timeout(OPENING, opening).await.map_err(|_| Status::deadline_exceeded("no answer"))??;
        self.streams += 1;
        let waiting = self.ledger.attached(self.streams, &self.bridge_id);
        self.attached.send_replace(true);
        tracing::info!("attached to the presence service");
        self.report(opened.into_inner(), outgoing, waiting).await
    }

    async fn report(
        &self,
        mut incoming: Streaming<AttachResponse>,
        outgoing: mpsc::Sender<AttachRequest>,
        mut waiting: VecDeque<Message>,
    ) -> Result<(), Status> {
        loop {
            tokio::select! {
                response = incoming.message() => match response? {
                    Some(response) => self.ledger.applied(self.streams, response.applied),
                    None => return Ok(()),
                },
                () = self.ledger.changes(&mut waiting) => {}
                // Never waited for alone: the service may be waiting for us to read.
                permit = outgoing.reserve(), if !waiting.is_empty() => {
                    let permit = permit.map_err(|_| Status::unavailable("the stream ended"))?;
                    permit.send(AttachRequest { message: waiting.pop_front() });
                }
            }
        }
    }
}

impl Ledger {
    /// A stream is open: what is to be said on it first.
    fn attached(&self, stream: u64, bridge_id: &str) -> VecDeque<Message> {
        let mut state = self.lock();
        state.changes = VecDeque::new();
        state.stream = Some(stream);
        state.reports = state.sessions.len() as u64;
        let hello = Message::Hello(Hello { bridge_id: bridge_id.to_owned() });
        let sessions = state.sessions.values().cloned().map(Message::Opened);
        let first = [hello].into_iter().chain(sessions).chain([Message::Synced(Synced {})]).collect();
        self.0.progress.send_replace(Progress { stream, applied: 0 });
        first
    }

    /// The stream is gone: what was to be said on it is said on the next.
    fn detached(&self) {
        let mut state = self.lock();
        state.stream = None;
        state.changes = VecDeque::new();
        // Whoever waits for a report on the stream need not wait any more.
        self.0.progress.send_modify(|progress| progress.stream += 1);
    }

    fn applied(&self, stream: u64, applied: u64) {
        self.0.progress.send_replace(Progress { stream, applied });
    }

    /// Waits for sockets that come and go, and adds what is to be said about them.
    async fn changes(&self, into: &mut VecDeque<Message>) {
        self.0.changed.notified().await;
        into.append(&mut self.lock().changes);
    }
}
