//! A service that runs for one test, the bridges attached to it, and who listens.

use std::time::Duration;

use causeway_kit::{
    Context,
    events::Hub,
    server::{ServiceToken, StackOptions, stack},
};
use causeway_presence::{Settings, start};
use causeway_proto::{
    client::{Credential, Grpc, in_process},
    event::{
        AddTopic, Source, SubscribeRequest, SubscribeResponse, event::Body, events_client::EventsClient,
        subscribe_request::Action, subscribe_response,
    },
    presence::{
        AttachRequest, AttachResponse, GetPresenceRequest, Hello, ListPresentRequest, SessionClosed,
        SessionOpened, Synced, UserPresence, attach_request::Message, presence_client::PresenceClient,
    },
};
use tempfile::TempDir;
use tokio::{sync::mpsc, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};
use tonic_types::StatusExt;

use crate::server;

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// The service, its clients and its folder.
pub(crate) struct Running {
    pub(crate) client: PresenceClient<Grpc>,
    events: EventsClient<Grpc>,
    hub: Hub,
    context: Context,
    dir: TempDir,
    server: Option<server::Redis>,
}

/// Delays as short as a test wants to wait for.
pub(crate) fn hasty() -> Settings {
    Settings {
        offline_after: Duration::from_millis(60),
        typing_timeout: Duration::from_millis(120),
        orphan_grace: Duration::from_millis(60),
        ..Settings::default()
    }
}

impl Running {
    pub(crate) async fn start(settings: Settings) -> Self {
        Self::on((tempfile::tempdir().unwrap(), server::Redis::start()), settings).await
    }

    /// Stops the service, and starts another on the same folder. No stream of it may be held any more.
    pub(crate) async fn restart(self, settings: Settings) -> Self {
        let Self { client, events, hub, context, dir, server } = self;
        drop((client, events));
        context.stop.cancel();
        context.tasks.close();
        context.tasks.wait().await;
        hub.close().await;
        drop(hub);
        Self::on((dir, server), settings).await
    }

    /// Asks the service to stop; its streams are still there.
    pub(crate) fn stop(&self) {
        self.context.stop.cancel();
    }

    async fn on((dir, server): (TempDir, Option<server::Redis>), settings: Settings) -> Self {
        let settings = Settings { shared: crate::shared(server.as_ref()).await, ..settings };
        let context = Context::new(dir.path());
        let part = start(settings, &context).await.unwrap();
        let hub = part.hub.clone();
        let options = StackOptions { token: ServiceToken::new("secret"), reflection: false };
        let grpc = in_process(stack(vec![part], options, &context), Credential::bearer("secret").unwrap());
        let (client, events) = (PresenceClient::new(grpc.clone()), EventsClient::new(grpc));
        Self { client, events, hub, context, dir, server }
    }

    /// A bridge that has attached and said who it is.
    pub(crate) async fn bridge(&mut self, bridge_id: &str) -> Bridge {
        let mut bridge = self.stranger().await;
        bridge.say(Message::Hello(Hello { bridge_id: bridge_id.into() })).await;
        bridge
    }

    /// A stream on which nothing was said.
    pub(crate) async fn stranger(&mut self) -> Bridge {
        Bridge::connect(&mut self.client).await
    }

    pub(crate) async fn presence(&mut self, user: &str) -> UserPresence {
        let request = GetPresenceRequest { user_ids: vec![user.into()] };
        self.client.get_presence(request).await.unwrap().into_inner().presences.remove(0)
    }

    pub(crate) async fn present(&mut self, conversation: &str) -> Vec<String> {
        let request = ListPresentRequest { conversation_id: conversation.into() };
        self.client.list_present(request).await.unwrap().into_inner().user_ids
    }

    /// Waits until nobody is on the conversation any more.
    pub(crate) async fn deserted(&mut self, conversation: &str) {
        let wait = async {
            while !self.present(conversation).await.is_empty() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, wait).await.unwrap();
    }

    /// Listens to topics of the service from now on.
    pub(crate) async fn listen(&mut self, topics: &[&str]) -> Listener {
        Listener::to(&mut self.events, topics).await
    }
}

/// A bridge as the service sees it. Dropping it is its loss.
pub(crate) struct Bridge {
    requests: mpsc::Sender<AttachRequest>,
    responses: Streaming<AttachResponse>,
    reported: u64,
}

impl Bridge {
    /// A stream on which nothing was said.
    pub(crate) async fn connect(client: &mut PresenceClient<Grpc>) -> Self {
        let (requests, sent) = mpsc::channel(64);
        let responses = client.attach(ReceiverStream::new(sent)).await.unwrap().into_inner();
        Self { requests, responses, reported: 0 }
    }

    pub(crate) async fn say(&mut self, message: Message) {
        self.requests.send(AttachRequest { message: Some(message) }).await.unwrap();
    }

    /// Reports a socket, and waits until the service knows of it. The session's name is that of its user.
    pub(crate) async fn open(&mut self, session: &str, user: &str, conversation: &str) {
        self.say(Message::Opened(SessionOpened {
            session_id: session.into(),
            user_id: user.into(),
            display_name: user.to_uppercase(),
            conversation_id: conversation.into(),
        }))
        .await;
        self.applied().await;
    }

    pub(crate) async fn close(&mut self, session: &str) {
        self.say(Message::Closed(SessionClosed { session_id: session.into() })).await;
        self.applied().await;
    }

    pub(crate) async fn synced(&mut self) {
        self.say(Message::Synced(Synced {})).await;
        timeout(PATIENCE, self.responses.message()).await.unwrap().unwrap().unwrap();
    }

    /// What the service says when it ends the stream.
    pub(crate) async fn refusal(&mut self) -> Status {
        loop {
            match timeout(PATIENCE, self.responses.message()).await.unwrap() {
                Ok(Some(_)) => {}
                Ok(None) => panic!("ended without a reason"),
                Err(status) => return status,
            }
        }
    }

    async fn applied(&mut self) {
        self.reported += 1;
        let response = timeout(PATIENCE, self.responses.message()).await.unwrap().unwrap().unwrap();
        assert_eq!(response.applied, self.reported);
    }
}

/// A subscription.
pub(crate) struct Listener {
    responses: Streaming<SubscribeResponse>,
    _requests: mpsc::Sender<SubscribeRequest>,
}

impl Listener {
    /// Listens to topics from now on.
    pub(crate) async fn to(events: &mut EventsClient<Grpc>, topics: &[&str]) -> Self {
        let (requests, sent) = mpsc::channel(64);
        let mut listener = Self {
            responses: events.subscribe(ReceiverStream::new(sent)).await.unwrap().into_inner(),
            _requests: requests.clone(),
        };
        for topic in topics {
            let add = AddTopic { source: Source::Presence.into(), topic: (*topic).into(), after: None };
            requests.send(SubscribeRequest { action: Some(Action::Add(add)) }).await.unwrap();
            assert!(matches!(listener.message().await, subscribe_response::Message::Added(_)));
        }
        listener
    }

    /// The next event, in a few words.
    pub(crate) async fn hears(&mut self) -> String {
        let subscribe_response::Message::Event(event) = self.message().await else {
            panic!("not an event");
        };
        assert_eq!(event.sequence, 0, "ephemeral");
        match event.body.unwrap() {
            Body::PresenceChanged(changed) => {
                let presence = changed.presence.unwrap();
                assert_eq!(event.topic, format!("presence/{}", presence.user_id));
                let status = presence.status().as_str_name().trim_start_matches("PRESENCE_STATUS_");
                format!("{} {}", presence.user_id, status.to_lowercase())
            }
            Body::TypingChanged(changed) => {
                let does = if changed.is_typing { "types" } else { "stopped" };
                let user = changed.user.unwrap().user_id;
                format!("{user} {does} in {} from {:?}", changed.conversation_id, changed.session_id)
            }
            other => panic!("{other:?}"),
        }
    }

    /// Nothing comes for a while.
    pub(crate) async fn hears_nothing(&mut self) {
        let heard = timeout(Duration::from_millis(150), self.message()).await;
        assert!(heard.is_err(), "{heard:?}");
    }

    async fn message(&mut self) -> subscribe_response::Message {
        let message = timeout(PATIENCE, self.responses.message()).await;
        message.unwrap().unwrap().unwrap().message.unwrap()
    }
}

/// The field that a refusal names.
pub(crate) fn wrong_field(status: &Status) -> String {
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    status.get_details_bad_request().unwrap().field_violations.remove(0).field
}
