//! A plugin on the runtime, and a host that does what each test wants.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use causeway_proto::{
    client::{Credential, in_process},
    plugin::{
        AccountReport, Capabilities, Credit, Delivery, DeliveryReport, Hello, InboundEvent, PluginKind,
        Typing, Unknown, Welcome, attach_request, attach_response, inbound_event::Body,
    },
};
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Host, Plugin, Profile, Runtime, RuntimeOptions, Sent, Settled, Stopped, Undelivered, event,
    played::{Call, PlayedHost},
};

/// Does with a delivery what its partition says.
struct Obedient {
    host: Arc<Mutex<Option<Host>>>,
    typed: mpsc::Sender<Typing>,
}

impl Plugin for Obedient {
    fn profile(&self) -> Profile {
        Profile {
            name: "obedient".to_owned(),
            version: "1".to_owned(),
            kind: PluginKind::Channel,
            capabilities: Capabilities::default(),
        }
    }

    async fn run(self: Arc<Self>, host: Host, stop: CancellationToken) {
        *self.host.lock().unwrap() = Some(host);
        stop.cancelled().await;
    }

    async fn deliver(&self, _: &Host, delivery: Delivery) -> Result<Sent, Undelivered> {
        match delivery.partition.as_str() {
            "panic" => panic!("as it was told"),
            "slow" => sleep(Duration::from_secs(3)).await,
            _ => {}
        }
        Ok(Sent { message_id: format!("sent/{}", delivery.id) })
    }

    async fn typing(&self, typing: Typing) {
        self.typed.send(typing).await.unwrap();
    }
}

/// The plugin, and its streams.
pub(super) struct Bench {
    pub(super) calls: mpsc::Receiver<Call>,
    host: Arc<Mutex<Option<Host>>>,
    pub(super) typed: mpsc::Receiver<Typing>,
    pub(super) stop: CancellationToken,
    pub(super) runtime: JoinHandle<()>,
}

impl Bench {
    pub(super) fn start() -> Self {
        let (service, calls) = PlayedHost::new();
        let grpc = in_process(service, Credential::bearer("token").unwrap());
        let (host, stop) = (Arc::new(Mutex::new(None)), CancellationToken::new());
        let (types, typed) = mpsc::channel(9);
        let mut runtime = Runtime::new(RuntimeOptions::default(), stop.clone());
        runtime.add(Obedient { host: host.clone(), typed: types }, grpc);
        Self { calls, host, typed, stop, runtime: tokio::spawn(runtime.run()) }
    }

    /// The next stream and what it begins with.
    pub(super) async fn call(&mut self) -> (Stream, Hello) {
        let mut call = timeout(Duration::from_secs(300), self.calls.recv()).await.unwrap().unwrap();
        let hello = call.hello().await.expect("Hello comes first");
        (Stream(call), hello)
    }

    /// A stream that is welcomed.
    pub(super) async fn attached(&mut self) -> Stream {
        let (stream, _) = self.call().await;
        stream.welcome(0).await;
        stream
    }

    pub(super) fn host(&self) -> Host {
        self.host.lock().unwrap().clone().expect("the plugin runs")
    }

    pub(super) fn push(&self, id: &str) -> JoinHandle<Result<Settled, Stopped>> {
        let event = event("bot", id, "a", Body::Unknown(Unknown::default()));
        let host = self.host();
        tokio::spawn(async move { host.push(event).await })
    }
}

/// One stream of the plugin.
pub(super) struct Stream(pub(super) Call);

impl Stream {
    pub(super) async fn welcome(&self, resume_after: u64) {
        let welcome = Welcome { credit: 16, resume_after, ..Welcome::default() };
        self.say(attach_response::Message::Welcome(welcome)).await;
    }

    pub(super) async fn say(&self, message: attach_response::Message) {
        self.0.send(message).await;
    }

    pub(super) async fn deliver(&self, id: u64, partition: &str) {
        let delivery = Delivery { id, partition: partition.to_owned(), ..Delivery::default() };
        self.say(attach_response::Message::Delivery(delivery)).await;
    }

    /// What comes next; `None` at the end of the stream.
    pub(super) async fn next(&mut self) -> Option<attach_request::Message> {
        let next = timeout(Duration::from_secs(120), self.0.receive()).await.expect("something comes");
        next.ok().flatten().flatten()
    }

    /// The next that is looked for.
    async fn find<T>(&mut self, look: impl Fn(attach_request::Message) -> Option<T>) -> T {
        loop {
            if let Some(found) = look(self.next().await.expect("the stream goes on")) {
                return found;
            }
        }
    }

    pub(super) async fn event(&mut self) -> InboundEvent {
        self.find(|message| match message {
            attach_request::Message::Event(event) => Some(event),
            _ => None,
        })
        .await
    }

    pub(super) async fn report(&mut self) -> DeliveryReport {
        self.find(|message| match message {
            attach_request::Message::Report(report) => Some(report),
            _ => None,
        })
        .await
    }

    pub(super) async fn account(&mut self) -> AccountReport {
        self.find(|message| match message {
            attach_request::Message::Account(report) => Some(report),
            _ => None,
        })
        .await
    }

    pub(super) async fn credit(&mut self) -> u32 {
        self.find(|message| match message {
            attach_request::Message::Credit(Credit { amount }) => Some(amount),
            _ => None,
        })
        .await
    }
}
