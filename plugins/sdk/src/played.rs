//! The host's side of the protocol for whoever plays the host: the conformance suite, and the stand-in of plugins' tests.
//!
//! A [`PlayedHost`] is the gRPC service. It decides nothing: each stream that a plugin opens becomes a [`Call`] in the hands
//! of the player.

use std::{fmt, pin::Pin};

use causeway_proto::plugin::{
    AttachRequest, AttachResponse, Recorded, attach_request, attach_response,
    plugin_host_server::{PluginHost, PluginHostServer},
};
#[cfg(any(test, feature = "testing"))]
use causeway_proto::plugin::{Hello, Outcome, OutcomeCode};
use http::header::AUTHORIZATION;
use tokio::sync::mpsc;
use tokio_stream::{Stream, wrappers::ReceiverStream};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

/// Streams that were opened and not looked at yet.
const CALLS: usize = 16;
/// Messages on their way to the plugin.
const RESPONSES: usize = 256;

/// A `PluginHost` whose every stream is given to its player.
pub(crate) struct PlayedHost {
    calls: mpsc::Sender<Call>,
}

/// How the connection of a stream is cut.
#[derive(Debug, Clone)]
pub(crate) struct Cut(pub(crate) CancellationToken);

/// One stream of a plugin.
pub(crate) struct Call {
    /// The header `authorization`, when it is text.
    pub(crate) authorization: Option<String>,
    /// Cuts the connection; `None` when there is none, within a process.
    pub(crate) cut: Option<Cut>,
    requests: Streaming<AttachRequest>,
    responses: mpsc::Sender<Result<AttachResponse, Status>>,
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").finish_non_exhaustive()
    }
}

impl PlayedHost {
    /// The service, and the streams that are opened on it.
    pub(crate) fn new() -> (PluginHostServer<Self>, mpsc::Receiver<Call>) {
        let (calls, opened) = mpsc::channel(CALLS);
        (PluginHostServer::new(Self { calls }), opened)
    }
}

#[tonic::async_trait]
impl PluginHost for PlayedHost {
    type AttachStream = Pin<Box<dyn Stream<Item = Result<AttachResponse, Status>> + Send>>;

    async fn attach(
        &self,
        request: Request<Streaming<AttachRequest>>,
    ) -> Result<Response<Self::AttachStream>, Status> {
        let authorization = request.metadata().get(AUTHORIZATION.as_str());
        let authorization = authorization.and_then(|value| value.to_str().ok()).map(str::to_owned);
        let cut = request.extensions().get::<Cut>().cloned();
        let (responses, stream) = mpsc::channel(RESPONSES);
        let call = Call { authorization, cut, requests: request.into_inner(), responses };
        self.calls.send(call).await.map_err(|_| Status::unavailable("the host stops"))?;
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }
}

impl Call {
    /// What the plugin says next; `Ok(None)` when it has ended its side in order. A message that this version of the protocol
    /// does not know is `Some(None)`.
    pub(crate) async fn receive(&mut self) -> Result<Option<Option<attach_request::Message>>, Status> {
        Ok(self.requests.message().await?.map(|request| request.message))
    }

    /// What the plugin says first, when that is Hello.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) async fn hello(&mut self) -> Option<Hello> {
        match self.receive().await {
            Ok(Some(Some(attach_request::Message::Hello(hello)))) => Some(hello),
            _ => None,
        }
    }

    /// Says something to the plugin. What is said to one that is gone is lost.
    pub(crate) async fn send(&self, message: impl Into<Option<attach_response::Message>>) {
        let _ = self.responses.send(Ok(AttachResponse { message: message.into() })).await;
    }

    /// Ends the stream with a status.
    pub(crate) async fn end(self, status: Status) {
        let _ = self.responses.send(Err(status)).await;
    }
}

/// An outcome of an event.
#[cfg(any(test, feature = "testing"))]
pub(crate) fn outcome(sequence: u64, code: OutcomeCode, settled_through: u64) -> attach_response::Message {
    attach_response::Message::Outcome(Outcome {
        sequence,
        code: code.into(),
        settled_through,
        ..Outcome::default()
    })
}

/// That a report is durable.
pub(crate) fn recorded(delivery_id: u64, part: u32) -> attach_response::Message {
    attach_response::Message::Recorded(Recorded { delivery_id, part })
}
