//! A chat service on a temporary directory, with actors in the place of its peers.

use std::time::Duration;

use causeway_chat::{Peers, Settings, start};
use causeway_kit::{
    Context,
    events::{EventsService, Hub},
    testing,
};
use causeway_proto::{
    chat::{
        Conversation, ConversationKind, CreateConversationRequest, Message, PutUserRequest,
        SendMessageRequest, chat_client::ChatClient, directory_client::DirectoryClient,
    },
    client::{Credential, Grpc, in_process},
    event::{ReadRequest, Source, event::Body, events_client::EventsClient},
    time::Clock,
};
use tempfile::TempDir;
use tonic::{Code, Response, Status, service::RoutesBuilder};
use tonic_types::StatusExt;

mod peers;

pub(crate) use peers::{NotificationActor, PresenceActor};

/// Noon of some day, in microseconds since the epoch.
pub(crate) const NOON: i64 = 1_764_000_000_000_000;

pub(crate) struct Stage {
    pub(crate) clock: Clock,
    pub(crate) presence: PresenceActor,
    pub(crate) notifications: NotificationActor,
    service: Service,
    settings: Settings,
    directory: TempDir,
}

/// A service that runs.
struct Service {
    chat: ChatClient<Grpc>,
    directory: DirectoryClient<Grpc>,
    events: EventsClient<Grpc>,
    context: Context,
    hub: Hub,
}

impl Drop for Service {
    fn drop(&mut self) {
        self.context.stop.cancel();
    }
}

impl Service {
    async fn start(settings: Settings, context: Context, peers: Peers) -> Self {
        let part = start(settings, &context, peers).await.unwrap();
        let hub = part.hub.clone();
        let mut routes = RoutesBuilder::default();
        routes.add_service(EventsService::new(vec![part.hub], &context));
        (part.add)(&mut routes);
        let grpc = in_process(routes.routes().prepare(), Credential::bearer("secret").unwrap());
        Self {
            chat: ChatClient::new(grpc.clone()),
            directory: DirectoryClient::new(grpc.clone()),
            events: EventsClient::new(grpc),
            context,
            hub,
        }
    }

    async fn stop(&self) {
        self.context.stop.cancel();
        self.context.tasks.close();
        self.context.tasks.wait().await;
        self.hub.close().await;
    }
}

impl Stage {
    /// A service with its default settings and nobody in it.
    pub(crate) async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Clock::manual(NOON);
        let (presence, notifications) = (PresenceActor::default(), NotificationActor::default());
        let context = Context {
            clock: clock.clone(),
            storage: testing::storage(directory.path()),
            ..Context::new(directory.path())
        };
        let peers = Peers { presence: presence.client(), notification: notifications.client() };
        let service = Service::start(settings.clone(), context, peers).await;
        Self { clock, presence, notifications, service, settings, directory }
    }

    /// The same service, stopped and started again.
    pub(crate) async fn restarted(self) -> Self {
        let Self { clock, presence, notifications, service, settings, directory } = self;
        service.stop().await;
        drop(service);
        let context = Context {
            clock: clock.clone(),
            storage: testing::storage(directory.path()),
            ..Context::new(directory.path())
        };
        let peers = Peers { presence: presence.client(), notification: notifications.client() };
        let service = Service::start(settings.clone(), context, peers).await;
        Self { clock, presence, notifications, service, settings, directory }
    }

    /// A service that knows these users.
    pub(crate) async fn of(users: &[&str]) -> Self {
        let stage = Self::new().await;
        stage.users(users).await;
        stage
    }

    pub(crate) fn chat(&self) -> ChatClient<Grpc> {
        self.service.chat.clone()
    }

    pub(crate) fn directory(&self) -> DirectoryClient<Grpc> {
        self.service.directory.clone()
    }

    /// Lets time pass.
    pub(crate) fn pass(&self, time: Duration) {
        let micros = i64::try_from(time.as_micros()).unwrap();
        self.clock.set(self.clock.now_micros() + micros);
    }

    pub(crate) async fn users(&self, ids: &[&str]) {
        for id in ids {
            let request = PutUserRequest { id: (*id).to_owned(), ..PutUserRequest::default() };
            self.directory().put_user(request).await.unwrap();
        }
    }

    pub(crate) async fn create(&self, request: CreateConversationRequest) -> Conversation {
        self.chat().create_conversation(request).await.unwrap().into_inner().conversation.unwrap()
    }

    pub(crate) async fn group(&self, id: &str, participants: &[&str]) -> Conversation {
        self.create(group(id, participants)).await
    }

    /// Sends a text into a conversation.
    pub(crate) async fn say(&self, sender: &str, conversation: &str, content: &str) -> Message {
        self.send(text(sender, conversation, content)).await
    }

    pub(crate) async fn send(&self, request: SendMessageRequest) -> Message {
        self.chat().send_message(request).await.unwrap().into_inner().message.unwrap()
    }

    /// What happened on a topic, from the first.
    pub(crate) async fn events(&self, topic: &str) -> Vec<Body> {
        let request =
            ReadRequest { source: Source::Chat.into(), topic: topic.to_owned(), after: 0, limit: 500 };
        let page = self.service.events.clone().read(request).await.unwrap().into_inner();
        let sequences: Vec<u64> = page.events.iter().map(|event| event.sequence).collect();
        assert!(sequences.iter().copied().eq(1..=page.head), "a gap in {topic}: {sequences:?}");
        page.events.into_iter().map(|event| event.body.unwrap()).collect()
    }

    /// What happened last on a topic.
    pub(crate) async fn last_event(&self, topic: &str) -> Body {
        self.events(topic).await.pop().unwrap()
    }
}

pub(crate) fn group(id: &str, participants: &[&str]) -> CreateConversationRequest {
    CreateConversationRequest {
        id: id.to_owned(),
        kind: ConversationKind::Group.into(),
        participant_ids: strings(participants),
        ..CreateConversationRequest::default()
    }
}

pub(crate) fn text(sender: &str, conversation: &str, content: &str) -> SendMessageRequest {
    SendMessageRequest {
        conversation_id: conversation.to_owned(),
        sender_id: sender.to_owned(),
        content: content.to_owned(),
        ..SendMessageRequest::default()
    }
}

pub(crate) fn direct(sender: &str, recipient: &str, content: &str) -> SendMessageRequest {
    SendMessageRequest {
        recipient_id: recipient.to_owned(),
        conversation_id: String::new(),
        ..text(sender, "", content)
    }
}

pub(crate) fn strings(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

/// The code that a call failed with.
pub(crate) fn code<T: std::fmt::Debug>(answer: Result<Response<T>, Status>) -> Code {
    answer.unwrap_err().code()
}

/// The field that a call was refused for; "" when it was refused for something else.
pub(crate) fn field<T: std::fmt::Debug>(answer: Result<Response<T>, Status>) -> String {
    let status = answer.unwrap_err();
    let violations = status.get_details_bad_request().map(|details| details.field_violations);
    violations.unwrap_or_default().into_iter().next().map(|violation| violation.field).unwrap_or_default()
}

/// Waits until it is so, for at most five seconds.
pub(crate) async fn eventually(mut is_so: impl FnMut() -> bool) {
    for _ in 0..500 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(is_so(), "it never came to be");
}
