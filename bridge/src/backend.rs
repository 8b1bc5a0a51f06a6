//! The services behind the bridge, as it calls them: every call has a deadline, is measured, and fails in one
//! way.
//!
//! [`call`] says what a session can ask for; each of the other files asks one service.

pub(crate) mod call;
mod conversations;
mod messages;
mod notices;
mod people;
pub(crate) mod status;

use std::time::Duration;

use causeway_link::grpc::Versions;
use causeway_proto::{
    chat::{chat_client::ChatClient, directory_client::DirectoryClient},
    client::Grpc,
    event::{ReadRequest, ReadResponse, Source, events_client::EventsClient},
    notification::notifications_client::NotificationsClient,
    presence::presence_client::PresenceClient,
};
use futures_util::{FutureExt, future::BoxFuture};
use tokio::time::{Instant, timeout};
use tonic::{Request, Response, Status};

use crate::{
    fanout::{Topic, replay::Log},
    metrics::Metrics,
};

/// Longest answer that is taken, in bytes: a page of the longest messages.
const LONGEST_ANSWER: usize = 16 << 20;

/// How the three services are reached.
#[derive(Clone)]
pub struct Services {
    /// `causeway.chat.v1`.
    pub chat: Grpc,
    /// `causeway.notification.v1`.
    pub notification: Grpc,
    /// `causeway.presence.v1`.
    pub presence: Grpc,
    /// Whether their versions fit ours.
    pub versions: ServiceVersions,
}

/// Whether the version of each service fits ours. The default is that all do, as they do in one process.
#[derive(Debug, Clone, Default)]
pub struct ServiceVersions {
    /// Chat's.
    pub chat: Versions,
    /// Notification's.
    pub notification: Versions,
    /// Presence's.
    pub presence: Versions,
}

impl std::fmt::Debug for Services {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Services")
    }
}

/// The clients. Cloning is cheap.
#[derive(Clone)]
pub(crate) struct Backend {
    chat: ChatClient<Grpc>,
    directory: DirectoryClient<Grpc>,
    notifications: NotificationsClient<Grpc>,
    presence: PresenceClient<Grpc>,
    events: [EventsClient<Grpc>; 3],
    deadline: Duration,
    metrics: Metrics,
}

impl Backend {
    /// Calls these services, and gives up after `deadline`.
    pub(crate) fn new(services: Services, deadline: Duration, metrics: Metrics) -> Self {
        let Services { chat, notification, presence, versions: _ } = services;
        let events = [&chat, &notification, &presence].map(|service| EventsClient::new(service.clone()));
        Self {
            chat: ChatClient::new(chat.clone()).max_decoding_message_size(LONGEST_ANSWER),
            directory: DirectoryClient::new(chat),
            notifications: NotificationsClient::new(notification),
            presence: PresenceClient::new(presence),
            events: events.map(|client| client.max_decoding_message_size(LONGEST_ANSWER)),
            deadline,
            metrics,
        }
    }

    /// The events of a service.
    pub(crate) fn events(&self, source: Source) -> EventsClient<Grpc> {
        let [chat, notification, presence] = &self.events;
        match source {
            Source::Chat | Source::Unspecified => chat.clone(),
            Source::Notification => notification.clone(),
            Source::Presence => presence.clone(),
        }
    }

    /// The presence service, for the stream on which sessions are reported.
    pub(crate) fn presence(&self) -> PresenceClient<Grpc> {
        self.presence.clone()
    }

    /// Makes one call, named `Service.Method`, by its deadline. A failure that is ours is logged here.
    async fn call<'a, Q, T>(
        &self,
        name: &'static str,
        mut request: Request<Q>,
        run: impl FnOnce(Request<Q>) -> BoxFuture<'a, Result<Response<T>, Status>>,
    ) -> Result<T, Status> {
        request.set_timeout(self.deadline);
        let begun = Instant::now();
        let result = match timeout(self.deadline, run(request)).await {
            Ok(result) => result.map(Response::into_inner),
            Err(_) => Err(Status::deadline_exceeded("no answer in time")),
        };
        let failure = result.as_ref().err().map(|status| status::label(status.code()));
        self.metrics.called(name, begun.elapsed(), failure);
        result.inspect_err(|status| status::note(name, status))
    }
}

/// Makes a call with one of the backend's clients: `ask!(self.chat, "Chat.React", react, request)`.
macro_rules! ask {
    ($backend:ident.$client:ident, $name:literal, $method:ident, $body:expr) => {
        ask!($backend.$client, $name, $method, request: ::tonic::Request::new($body))
    };
    ($backend:ident.$client:ident, $name:literal, $method:ident, request: $request:expr) => {{
        let mut client = $backend.$client.clone();
        $backend
            .call($name, $request, |request| ::futures_util::FutureExt::boxed(client.$method(request)))
            .await
    }};
}
use ask;

impl Log for Backend {
    fn read(
        &self,
        topic: &Topic,
        after: u64,
        limit: u32,
    ) -> BoxFuture<'static, Result<ReadResponse, Status>> {
        let backend = self.clone();
        let source = topic.source;
        let request = ReadRequest { source: source.into(), topic: topic.name.to_string(), after, limit };
        async move {
            let mut client = backend.events(source);
            backend.call("Events.Read", Request::new(request), |request| client.read(request).boxed()).await
        }
        .boxed()
    }
}
