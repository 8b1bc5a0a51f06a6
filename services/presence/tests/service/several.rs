//! Presence processes of one data directory and one Redis, each on a runtime and a port of its own, so that one can be killed: its
//! connections break, and nothing of it goes on.

use std::{path::Path, time::Duration};

use causeway_kit::{
    Context,
    bus::Bus,
    server::{Limits, ServiceToken, StackOptions, serve, stack},
};
use causeway_presence::{Settings, SharedAt, start};
use causeway_proto::{
    client::{Credential, remote},
    event::events_client::EventsClient,
    presence::{Hello, ListPresentRequest, attach_request::Message, presence_client::PresenceClient},
};
use tokio::{net::TcpListener, runtime::Runtime};
use tokio_stream::wrappers::TcpListenerStream;

use crate::{
    running::{Bridge, Listener},
    server,
};

/// A process.
struct Process {
    runtime: Option<Runtime>,
    url: String,
}

impl Process {
    fn start(dir: &Path, url: &str, bus: &Bus) -> Self {
        let runtime = Runtime::new().unwrap();
        let context = Context { bus: bus.clone(), ..Context::new(dir) };
        let redis = causeway_link::redis::Settings::new(url.parse().unwrap());
        let address = runtime.block_on(async {
            let redis = causeway_link::redis::Redis::connect(redis).await.unwrap();
            let lease = Duration::from_secs(1);
            let settings = Settings {
                offline_after: Duration::from_millis(200),
                orphan_grace: Duration::from_secs(3),
                shared: Some(SharedAt { lease, ..SharedAt::new(redis, "causeway") }),
                ..Settings::default()
            };
            let part = start(settings, &context).await.unwrap();
            let options = StackOptions { token: ServiceToken::new("secret"), reflection: false };
            let service = stack(vec![part], options, &context);
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let incoming = TcpListenerStream::new(listener);
            tokio::spawn(serve(service, incoming, Limits::default(), context.stop.clone()));
            address
        });
        Self { runtime: Some(runtime), url: format!("http://{address}") }
    }

    fn client(&self) -> PresenceClient<causeway_proto::client::Grpc> {
        PresenceClient::new(remote(&self.url, Credential::bearer("secret").unwrap()).unwrap())
    }

    async fn bridge(&self, bridge_id: &str) -> Bridge {
        let mut bridge = Bridge::connect(&mut self.client()).await;
        bridge.say(Message::Hello(Hello { bridge_id: bridge_id.into() })).await;
        bridge
    }

    async fn listen(&self, topics: &[&str]) -> Listener {
        let grpc = remote(&self.url, Credential::bearer("secret").unwrap()).unwrap();
        Listener::to(&mut EventsClient::new(grpc), topics).await
    }

    async fn present(&self, conversation: &str) -> Vec<String> {
        let request = ListPresentRequest { conversation_id: conversation.into() };
        self.client().list_present(request).await.unwrap().into_inner().user_ids
    }

    fn kill(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

#[test]
fn when_a_process_is_killed_its_bridges_go_on_at_another_and_nobody_flickers() {
    let Some(server) = server::Redis::start() else { return };
    let (dir, bus) = (tempfile::tempdir().unwrap(), Bus::default());
    let mut one = Process::start(dir.path(), &server.url(), &bus);
    let two = Process::start(dir.path(), &server.url(), &bus);
    Runtime::new().unwrap().block_on(async {
        let mut listener = two.listen(&["presence/alice", "presence/bob"]).await;
        let mut first = one.bridge("b1").await;
        let mut second = two.bridge("b2").await;
        first.open("s1", "alice", "room").await;
        assert_eq!(listener.hears().await, "alice online");
        second.open("s1", "bob", "room").await;
        assert_eq!(listener.hears().await, "bob online");
        assert_eq!(one.present("room").await, ["alice", "bob"]);
        one.kill();
        first.refusal().await;
        let mut first = two.bridge("b1").await;
        first.open("s1", "alice", "room").await;
        first.synced().await;
        listener.hears_nothing().await;
        assert_eq!(two.present("room").await, ["alice", "bob"]);
        first.close("s1").await;
        assert_eq!(listener.hears().await, "alice offline");
        second.close("s1").await;
        assert_eq!(listener.hears().await, "bob offline");
    });
}
