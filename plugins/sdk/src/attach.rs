//! The client's side of `PluginHost.Attach`: Hello and Welcome, then events and deliveries within credit.

use std::collections::VecDeque;

use causeway_proto::{
    client::Grpc,
    plugin::{
        AccountReport, AttachRequest, AttachResponse, Capabilities, Credit, Delivery, DeliveryReport, Drain,
        Hello, InboundEvent, Outcome, PluginKind, attach_request, attach_response,
        plugin_host_client::PluginHostClient,
    },
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};
use uuid::Uuid;

/// Version of the attach protocol that this crate speaks.
pub const PROTOCOL: u32 = 1;

/// Deliveries that may be under way to the plugin at once.
const DELIVERY_CREDIT: u32 = 64;

/// Requests that wait for the connection; beyond that, `push` and `report` wait.
const OUTGOING: usize = 64;

/// Who a plugin is and what it can do.
#[derive(Debug, Clone)]
pub struct Plugin {
    hello: Hello,
}

/// A plugin's stream to its host.
#[derive(Debug)]
pub struct Attachment {
    requests: mpsc::Sender<AttachRequest>,
    responses: Streaming<AttachResponse>,
    /// Events that may be pushed before the host must grant more.
    credit: u32,
    next_sequence: u64,
    resume_after: u64,
    /// What arrived while `push` waited for credit.
    waiting: VecDeque<Incoming>,
}

/// What a host sends.
#[derive(Debug, Clone, PartialEq)]
pub enum Incoming {
    /// What became of an event.
    Outcome(Outcome),
    /// A message to hand to the provider; answer with [`Attachment::report`].
    Delivery(Delivery),
    /// The host is about to stop: finish what is in hand and attach again.
    Drain(Drain),
}

/// Why an attachment could not be made or ended.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// The host refused or the connection was lost; the status says which and whether to try again.
    #[error("the host ended the attachment: {}", .0.message())]
    Host(#[from] Status),
    /// The stream ended without a word.
    #[error("the connection to the host was lost")]
    Lost,
    /// The host's first message was not Welcome.
    #[error("the host did not answer Hello with Welcome")]
    NoWelcome,
}

impl Plugin {
    /// A plugin of this name and version. Each start of it has an instance id of its own.
    pub fn new(name: &str, version: &str, kind: PluginKind, capabilities: Capabilities) -> Self {
        Self {
            hello: Hello {
                name: name.to_owned(),
                version: version.to_owned(),
                protocol: PROTOCOL,
                instance: Uuid::new_v4().to_string(),
                kind: kind.into(),
                capabilities: Some(capabilities),
            },
        }
    }

    /// Attaches through `host`, which carries the plugin's credential. Fails with [`AttachError::Host`] when the credential is
    /// missing, is another plugin's, or the protocol version is not spoken.
    pub async fn attach(&self, host: Grpc) -> Result<Attachment, AttachError> {
        let (requests, outgoing) = mpsc::channel(OUTGOING);
        let first = [attach_request::Message::Hello(self.hello.clone()), credit(DELIVERY_CREDIT)];
        for message in first {
            requests.send(AttachRequest { message: Some(message) }).await.map_err(|_| AttachError::Lost)?;
        }
        let mut responses =
            PluginHostClient::new(host).attach(ReceiverStream::new(outgoing)).await?.into_inner();
        let Some(AttachResponse { message: Some(attach_response::Message::Welcome(welcome)) }) =
            responses.message().await?
        else {
            return Err(AttachError::NoWelcome);
        };
        Ok(Attachment {
            requests,
            responses,
            credit: welcome.credit,
            next_sequence: welcome.resume_after + 1,
            resume_after: welcome.resume_after,
            waiting: VecDeque::new(),
        })
    }
}

impl Attachment {
    /// The last event that the host has settled: push again what came after it.
    pub fn resume_after(&self) -> u64 {
        self.resume_after
    }

    /// Pushes an event and returns its sequence number, once the host's credit allows it. The outcome comes by
    /// [`Attachment::next`].
    pub async fn push(&mut self, mut event: InboundEvent) -> Result<u64, AttachError> {
        while self.credit == 0 {
            match self.receive().await? {
                Received::Incoming(incoming) => self.waiting.push_back(incoming),
                Received::Credit => {}
                Received::End => return Err(AttachError::Lost),
            }
        }
        event.sequence = self.next_sequence;
        self.send(attach_request::Message::Event(event)).await?;
        self.credit -= 1;
        self.next_sequence += 1;
        Ok(self.next_sequence - 1)
    }

    /// Says how far a delivery got, and so makes room for another.
    pub async fn report(&mut self, report: DeliveryReport) -> Result<(), AttachError> {
        self.send(attach_request::Message::Report(report)).await?;
        self.send(credit(1)).await
    }

    /// Says how a provider account is.
    pub async fn account(&mut self, report: AccountReport) -> Result<(), AttachError> {
        self.send(attach_request::Message::Account(report)).await
    }

    /// What the host sends next; `None` when it has ended the stream in order.
    pub async fn next(&mut self) -> Result<Option<Incoming>, AttachError> {
        if let Some(incoming) = self.waiting.pop_front() {
            return Ok(Some(incoming));
        }
        loop {
            match self.receive().await? {
                Received::Incoming(incoming) => return Ok(Some(incoming)),
                Received::Credit => {}
                Received::End => return Ok(None),
            }
        }
    }

    async fn send(&self, message: attach_request::Message) -> Result<(), AttachError> {
        self.requests.send(AttachRequest { message: Some(message) }).await.map_err(|_| AttachError::Lost)
    }

    /// One message of the host. What `push` sets aside while it waits is bounded by the credit that this side has given
    /// and by the events that it has sent.
    async fn receive(&mut self) -> Result<Received, AttachError> {
        loop {
            let Some(response) = self.responses.message().await? else { return Ok(Received::End) };
            return Ok(match response.message {
                Some(attach_response::Message::Credit(more)) => {
                    self.credit = self.credit.saturating_add(more.amount);
                    Received::Credit
                }
                Some(attach_response::Message::Outcome(outcome)) => {
                    Received::Incoming(Incoming::Outcome(outcome))
                }
                Some(attach_response::Message::Delivery(delivery)) => {
                    Received::Incoming(Incoming::Delivery(delivery))
                }
                Some(attach_response::Message::Drain(drain)) => Received::Incoming(Incoming::Drain(drain)),
                // A second Welcome says nothing new, and what a newer host adds is not for this version.
                Some(attach_response::Message::Welcome(_)) | None => continue,
            });
        }
    }
}

enum Received {
    Incoming(Incoming),
    Credit,
    End,
}

fn credit(amount: u32) -> attach_request::Message {
    attach_request::Message::Credit(Credit { amount })
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;

    use causeway_proto::{
        client::{Credential, in_process},
        plugin::{
            OutcomeCode, Welcome,
            plugin_host_server::{PluginHost, PluginHostServer},
        },
    };
    use tokio_stream::{Stream, StreamExt};
    use tonic::{Request, Response};

    use super::*;

    /// A host that gives credit for one event at a time and accepts every event.
    struct OneAtATime;

    type Responses = Pin<Box<dyn Stream<Item = Result<AttachResponse, Status>> + Send>>;

    #[tonic::async_trait]
    impl PluginHost for OneAtATime {
        type AttachStream = Responses;

        async fn attach(
            &self,
            request: Request<Streaming<AttachRequest>>,
        ) -> Result<Response<Self::AttachStream>, Status> {
            let answers = request
                .into_inner()
                .map(|request| Ok(AttachResponse { message: request?.message.and_then(answer) }));
            Ok(Response::new(Box::pin(answers)))
        }
    }

    fn answer(request: attach_request::Message) -> Option<attach_response::Message> {
        match request {
            attach_request::Message::Hello(_) => Some(attach_response::Message::Welcome(Welcome {
                credit: 1,
                resume_after: 7,
                ..Welcome::default()
            })),
            attach_request::Message::Event(event) => Some(attach_response::Message::Outcome(Outcome {
                sequence: event.sequence,
                code: OutcomeCode::Accepted.into(),
                settled_through: event.sequence,
                ..Outcome::default()
            })),
            // A report is answered with the credit for one more event.
            attach_request::Message::Report(_) => {
                Some(attach_response::Message::Credit(Credit { amount: 1 }))
            }
            attach_request::Message::Account(_) | attach_request::Message::Credit(_) => None,
        }
    }

    async fn attach() -> Attachment {
        let credential = Credential::bearer("secret").expect("a token");
        let host = in_process(PluginHostServer::new(OneAtATime), credential);
        let plugin = Plugin::new("echo", "1.0.0", PluginKind::Channel, Capabilities::default());
        plugin.attach(host).await.expect("the host welcomes")
    }

    #[tokio::test]
    async fn events_go_on_where_the_host_settled_them() {
        let mut host = attach().await;
        assert_eq!(host.resume_after(), 7);
        assert_eq!(host.push(InboundEvent::default()).await.expect("credit for one"), 8);
        let Some(Incoming::Outcome(outcome)) = host.next().await.expect("attached") else {
            panic!("an outcome comes");
        };
        assert_eq!(outcome.settled_through, 8);
    }

    #[tokio::test]
    async fn a_push_without_credit_waits_and_loses_nothing_that_comes_meanwhile() {
        let mut host = attach().await;
        host.push(InboundEvent::default()).await.expect("credit for one");
        let early =
            tokio::time::timeout(std::time::Duration::from_millis(50), host.push(InboundEvent::default()));
        assert!(early.await.is_err(), "there is no credit for a second event");
        host.report(DeliveryReport::default()).await.expect("attached");
        assert_eq!(host.push(InboundEvent::default()).await.expect("credit came"), 9);
        let Some(Incoming::Outcome(first)) = host.next().await.expect("attached") else {
            panic!("the outcome that came while pushing is there");
        };
        assert_eq!(first.sequence, 8);
    }
}
