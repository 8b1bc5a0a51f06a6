//! A service that runs for one test.

use causeway_kit::{
    Context,
    events::Hub,
    server::{ServiceToken, StackOptions, stack},
    store::Storage,
    testing,
};
use causeway_notification::{Settings, start};
use causeway_proto::{
    client::{Credential, Grpc, in_process},
    event::{ReadRequest, Source, event::Body, events_client::EventsClient},
    notification::{
        BroadcastRequest, Content, ListNotificationsRequest, ListNotificationsResponse, MarkReadRequest,
        Notification, NotifyRequest, notifications_client::NotificationsClient,
    },
    time::Clock,
};
use tempfile::TempDir;
use tonic::{Code, Status};
use tonic_types::StatusExt;

/// The service, its client and its folder.
pub(crate) struct Running {
    pub(crate) client: NotificationsClient<Grpc>,
    events: EventsClient<Grpc>,
    hub: Hub,
    context: Context,
    dir: TempDir,
}

impl Running {
    pub(crate) async fn start() -> Self {
        Self::with(Settings::default(), Clock::default()).await
    }

    pub(crate) async fn with(settings: Settings, clock: Clock) -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self::on(dir, settings, clock).await
    }

    /// Stops the service, and starts another on the same folder. No stream of it may be held any more.
    pub(crate) async fn restart(self, settings: Settings) -> Self {
        let Self { client, events, hub, context, dir } = self;
        drop((client, events));
        let clock = context.clock.clone();
        context.stop.cancel();
        context.tasks.close();
        context.tasks.wait().await;
        hub.close().await;
        drop(hub);
        Self::on(dir, settings, clock).await
    }

    /// As two processes of the service, which have one store and hear nothing of each other; `None` where
    /// PostgreSQL is not installed.
    pub(crate) async fn two(settings: impl Fn() -> Settings) -> Option<[Self; 2]> {
        let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let storage = testing::shared(dirs[0].path())?;
        let start = |dir| Self::over(storage.clone(), dir, settings(), Clock::default());
        let [one, other] = dirs;
        Some([start(one).await, start(other).await])
    }

    /// Its tasks end, and what it has in hand is left as it is.
    pub(crate) async fn stop(&self) {
        self.context.stop.cancel();
        self.context.tasks.close();
        self.context.tasks.wait().await;
    }

    async fn on(dir: TempDir, settings: Settings, clock: Clock) -> Self {
        let storage = testing::storage(dir.path());
        Self::over(storage, dir, settings, clock).await
    }

    async fn over(storage: Storage, dir: TempDir, settings: Settings, clock: Clock) -> Self {
        let context = Context { clock, storage, ..Context::new(dir.path()) };
        let part = start(settings, &context).await.unwrap();
        let hub = part.hub.clone();
        let options = StackOptions { token: ServiceToken::new("secret"), reflection: false };
        let grpc = in_process(stack(vec![part], options, &context), Credential::bearer("secret").unwrap());
        let (client, events) = (NotificationsClient::new(grpc.clone()), EventsClient::new(grpc));
        Self { client, events, hub, context, dir }
    }

    /// The durable events of a topic, each in a few words.
    pub(crate) async fn published(&mut self, topic: &str) -> Vec<String> {
        let request =
            ReadRequest { source: Source::Notification.into(), topic: topic.into(), after: 0, limit: 500 };
        let page = self.events.read(request).await.unwrap().into_inner();
        let told = page.events.into_iter().map(|event| match event.body.unwrap() {
            Body::NotificationPublished(published) => {
                let Notification { id, title, is_read, .. } = published.notification.unwrap();
                assert!(!is_read, "what is published is unread");
                format!("{title} ({id})")
            }
            Body::NotificationsRead(read) => match read.notification_id {
                Some(id) => format!("read {id}"),
                None => "read all".to_owned(),
            },
            other => panic!("{other:?}"),
        });
        told.collect()
    }

    pub(crate) async fn notify(&mut self, user: &str, title: &str) -> Notification {
        let request =
            NotifyRequest { user_id: user.into(), content: Some(saying(title)), ..NotifyRequest::default() };
        self.client.notify(request).await.unwrap().into_inner().notification.unwrap()
    }

    pub(crate) async fn broadcast(&mut self, audience: &str, title: &str) -> Notification {
        let request = BroadcastRequest {
            audience: audience.into(),
            content: Some(saying(title)),
            ..BroadcastRequest::default()
        };
        self.client.broadcast(request).await.unwrap().into_inner().notification.unwrap()
    }

    pub(crate) async fn list(&mut self, user: &str, audiences: &[&str]) -> ListNotificationsResponse {
        let audiences = audiences.iter().map(|name| (*name).to_owned()).collect();
        let request = ListNotificationsRequest {
            user_id: user.into(),
            audiences,
            ..ListNotificationsRequest::default()
        };
        self.client.list_notifications(request).await.unwrap().into_inner()
    }

    pub(crate) async fn mark(
        &mut self,
        user: &str,
        audiences: &[&str],
        id: Option<u64>,
    ) -> Result<bool, Status> {
        let audiences = audiences.iter().map(|name| (*name).to_owned()).collect();
        let request = MarkReadRequest { user_id: user.into(), audiences, notification_id: id };
        self.client.mark_read(request).await.map(|response| response.into_inner().changed)
    }
}

pub(crate) fn saying(title: &str) -> Content {
    Content { title: title.into(), ..Content::default() }
}

pub(crate) fn titles(listed: &ListNotificationsResponse) -> Vec<&str> {
    listed.notifications.iter().map(|notification| notification.title.as_str()).collect()
}

/// The field that a refusal names.
pub(crate) fn wrong_field(status: &Status) -> String {
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    status.get_details_bad_request().unwrap().field_violations.remove(0).field
}
