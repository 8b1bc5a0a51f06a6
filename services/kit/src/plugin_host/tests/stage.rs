//! A service with plugins that do what a test says.

use std::time::Duration;

use causeway_proto::{
    client::{Credential, Grpc, in_process},
    plugin::{
        AddPluginRequest, AttachRequest, AttachResponse, Capabilities, Credit, CustomerMessage, Delivery,
        DeliveryReport, DeliveryState, Hello, InboundEvent, Outcome, PluginKind, PluginStatus, Recorded,
        TextDelivery, Welcome, attach_request, attach_response, delivery, inbound_event,
        plugin_host_client::PluginHostClient, plugins_client::PluginsClient,
    },
    time::Clock,
};
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use super::super::{Desk, Host, Options, Owed, Prepared, Progress, Verdict, owe};
use crate::{
    bus::Bus,
    error::Error,
    events::Hub,
    outbox,
    part::{Context, Part},
    server::{GrpcService, ServiceToken, StackOptions, stack},
    store::{Migration, Reader, Storage, Store, StoreOptions, Tx},
    testing::{shared, storage},
};

const SERVICE_TOKEN: &str = "the-service-token";

const SCHEMA: &[Migration] = &[Migration {
    version: 1,
    name: "slate",
    sql: "CREATE TABLE slate (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;
          CREATE TABLE late (provider_id TEXT PRIMARY KEY) STRICT",
    postgres: "",
}];

/// Writes down what plugins say, and hands out texts whose parts a "|" divides.
struct Slate;

impl Desk for Slate {
    fn kinds(&self) -> &'static [PluginKind] {
        &[PluginKind::Channel]
    }

    fn apply(&self, tx: &mut Tx<'_>, _: &str, event: InboundEvent) -> Result<Verdict, Error> {
        let Some(inbound_event::Body::CustomerMessage(message)) = event.body else {
            return Ok(Verdict::Ignored("only messages mean something".into()));
        };
        write(tx, &message.text)?;
        match message.text.as_str() {
            "wrong" => Err(Error::invalid("text", "is wrong")),
            "broken" => Err(Error::internal("a fault of ours")),
            text if text.starts_with("later") && !ready(tx)? => {
                Ok(Verdict::NotYet(Duration::from_millis(20)))
            }
            _ => Ok(Verdict::Accepted),
        }
    }

    fn prepare(&self, _: &Reader<'_>, owed: &Owed, _: &Capabilities) -> Result<Prepared, Error> {
        let text = String::from_utf8_lossy(&owed.payload).into_owned();
        let parts: Vec<&str> = text.split('|').collect();
        match text.as_str() {
            "gone" => Ok(Prepared::Nothing),
            "impossible" => {
                Ok(Prepared::Impossible { code: "too_odd".into(), text: "cannot be sent".into() })
            }
            _ => {
                let part = parts.get(owed.part as usize).copied().unwrap_or_default().to_owned();
                let body = delivery::Body::Text(TextDelivery { text: part, ..TextDelivery::default() });
                let delivery = Delivery { account: "shop".into(), body: Some(body), ..Delivery::default() };
                Ok(Prepared::Deliver {
                    delivery: Box::new(delivery),
                    parts: u32::try_from(parts.len()).map_err(Error::internal)?,
                })
            }
        }
    }

    fn note(&self, tx: &mut Tx<'_>, owed: &Owed, progress: Progress) -> Result<(), Error> {
        let doubt = if owed.uncertain { " uncertain" } else { "" };
        let text = match progress {
            Progress::Sent { provider_message_id, is_last } => {
                format!(
                    "{} part {} sent as {provider_message_id}, last: {is_last}{doubt}",
                    owed.key, owed.part
                )
            }
            Progress::GivenUp { code, text } => format!("{} given up, {code}: {text}", owed.key),
            Progress::Replayed => format!("{} replayed", owed.key),
        };
        write(tx, &text)
    }

    fn reached(&self, tx: &mut Tx<'_>, plugin: &str, _: i64, state: DeliveryState) -> Result<(), Error> {
        write(tx, &format!("{plugin} {}", state.as_str_name()))
    }
}

fn write(tx: &Tx<'_>, text: &str) -> Result<(), Error> {
    tx.execute("INSERT INTO slate (text) VALUES (?1)", [text]).map(drop)
}

/// Whether [`Service::now`] was called.
fn ready(tx: &Tx<'_>) -> Result<bool, Error> {
    Ok(tx.one("SELECT 1 FROM late", [], |_| Ok(()))?.is_some())
}

/// A service whose plugins are hosted.
pub(super) struct Service {
    pub(super) dir: TempDir,
    pub(super) store: Store,
    pub(super) host: Host,
    context: Context,
    grpc: GrpcService,
}

impl Service {
    pub(super) async fn start() -> Self {
        Self::with(TempDir::new().unwrap(), Options::default()).await
    }

    pub(super) async fn with(dir: TempDir, options: Options) -> Self {
        let storage = storage(dir.path());
        Self::over(storage, dir, Bus::default(), options).await
    }

    /// As two processes of the service: with one store, and what they publish reaches both or each itself only. `None` where
    /// PostgreSQL is not installed.
    pub(super) async fn two(buses: [Bus; 2]) -> Option<[Self; 2]> {
        let dirs = [TempDir::new().unwrap(), TempDir::new().unwrap()];
        let storage = shared(dirs[0].path())?;
        let start = |dir, bus| Self::over(storage.clone(), dir, bus, Options::default());
        let ([dir, other_dir], [bus, other_bus]) = (dirs, buses);
        Some([start(dir, bus).await, start(other_dir, other_bus).await])
    }

    async fn over(storage: Storage, dir: TempDir, bus: Bus, options: Options) -> Self {
        let context = Context { clock: Clock::default(), storage, bus, ..Context::new(dir.path()) };
        let store = StoreOptions {
            storage: context.storage.clone(),
            name: "chat",
            migrations: SCHEMA,
            clock: context.clock.clone(),
            bus: context.bus.clone(),
            retain: Duration::from_secs(60),
        };
        let store = Store::open(store, &context.metrics).await.unwrap();
        let retry = outbox::Options {
            first: Duration::from_millis(2),
            longest: Duration::from_millis(10),
            attempts: Some(3),
            ..options.retry
        };
        let grace = Duration::from_millis(200);
        let host = Host::new("chat", store.clone(), Slate, Options { retry, grace, ..options }, &context);
        let hub = Hub::durable(
            causeway_proto::event::Source::Chat,
            store.clone(),
            context.bus.clone(),
            context.clock.clone(),
        );
        let (_, health) = watch::channel(true);
        let part = Part {
            name: "chat",
            hub,
            health,
            broken: store.broken(),
            plugins: Some(host.clone()),
            add: Box::new(|_| {}),
        };
        let options = StackOptions { token: ServiceToken::new(SERVICE_TOKEN), reflection: false };
        let grpc = stack(vec![part], options, &context);
        Self { dir, store, host, context, grpc }
    }

    /// Dies as by a power cut, and starts again on the same data.
    pub(super) async fn restart(self) -> Self {
        self.stop().await;
        self.store.close().await;
        let Self { dir, store, host, context, grpc } = self;
        drop((store, host, context, grpc));
        Self::with(dir, Options::default()).await
    }

    pub(super) async fn stop(&self) {
        self.context.stop.cancel();
        self.context.tasks.close();
        let ended = tokio::time::timeout(Duration::from_secs(5), self.context.tasks.wait());
        ended.await.expect("all tasks end within 5 s");
    }

    pub(super) fn grpc(&self, token: &str) -> Grpc {
        in_process(self.grpc.clone(), Credential::bearer(token).unwrap())
    }

    pub(super) fn operators(&self) -> PluginsClient<Grpc> {
        PluginsClient::new(self.grpc(SERVICE_TOKEN))
    }

    /// Lets a channel attach; its credential.
    pub(super) async fn add(&self, name: &str) -> String {
        let request =
            AddPluginRequest { name: name.into(), kind: PluginKind::Channel.into(), token: String::new() };
        self.operators().add_plugin(request).await.unwrap().into_inner().token
    }

    pub(super) async fn status(&self, name: &str) -> PluginStatus {
        let list =
            self.operators().list_plugins(causeway_proto::plugin::ListPluginsRequest {}).await.unwrap();
        list.into_inner().plugins.into_iter().find(|plugin| plugin.name == name).unwrap()
    }

    /// What is on the slate.
    pub(super) async fn slate(&self) -> Vec<String> {
        let rows = |row: &crate::store::Row<'_>| row.get(0);
        self.store
            .read(move |reader| reader.all("SELECT text FROM slate ORDER BY id", [], rows))
            .await
            .unwrap()
    }

    /// Waits until the slate ends with a text.
    pub(super) async fn reads(&self, wanted: &str) {
        let read = async {
            while self.slate().await.last().map(String::as_str) != Some(wanted) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        if tokio::time::timeout(Duration::from_secs(5), read).await.is_err() {
            panic!("wanted {wanted:?} at the end of {:?}", self.slate().await);
        }
    }

    /// What came too early can be told now.
    pub(super) async fn now(&self) {
        self.store.write(|tx| tx.execute("INSERT INTO late VALUES ('x')", []).map(drop)).await.unwrap();
    }

    pub(super) async fn owe(&self, plugin: &'static str, key: &'static str, text: &'static str) -> u64 {
        let write = self.store.write(move |tx| owe(tx, plugin, key, "shop", text.into()));
        write.await.unwrap().unsigned_abs()
    }
}

/// A plugin's end of the stream.
pub(super) struct Line {
    requests: mpsc::Sender<AttachRequest>,
    responses: Streaming<AttachResponse>,
    pub(super) welcome: Welcome,
}

pub(super) fn hello(name: &str, instance: &str) -> Hello {
    Hello {
        name: name.into(),
        version: "1.2.3".into(),
        protocol: 1,
        instance: instance.into(),
        kind: PluginKind::Channel.into(),
        capabilities: Some(Capabilities { text_limit: 10, ..Capabilities::default() }),
        holding: Vec::new(),
    }
}

impl Line {
    pub(super) async fn attach(grpc: Grpc, hello: Hello) -> Result<Self, Status> {
        let (requests, outgoing) = mpsc::channel(8_000);
        let first = AttachRequest { message: Some(attach_request::Message::Hello(hello)) };
        requests.send(first).await.unwrap();
        let mut responses =
            PluginHostClient::new(grpc).attach(ReceiverStream::new(outgoing)).await?.into_inner();
        let Some(AttachResponse { message: Some(attach_response::Message::Welcome(welcome)) }) =
            responses.message().await?
        else {
            panic!("a Welcome comes first")
        };
        Ok(Self { requests, responses, welcome })
    }

    /// Attaches a channel that is let in, with room for deliveries.
    pub(super) async fn open(service: &Service, name: &str, instance: &str) -> Self {
        Self::holding(service, name, instance, Vec::new()).await
    }

    pub(super) async fn holding(service: &Service, name: &str, instance: &str, holding: Vec<u64>) -> Self {
        let token = service.add(name).await;
        let hello = Hello { holding, ..hello(name, instance) };
        let mut line = Self::attach(service.grpc(&token), hello).await.unwrap();
        line.say(attach_request::Message::Credit(Credit { amount: 10 })).await;
        line
    }

    pub(super) async fn say(&mut self, message: attach_request::Message) {
        self.requests.send(AttachRequest { message: Some(message) }).await.unwrap();
    }

    pub(super) async fn push(&mut self, sequence: u64, provider_id: &str, text: &str) {
        self.push_in(sequence, "p", provider_id, text).await;
    }

    pub(super) async fn push_in(&mut self, sequence: u64, partition: &str, provider_id: &str, text: &str) {
        let message = CustomerMessage { text: text.into(), ..CustomerMessage::default() };
        let event = InboundEvent {
            sequence,
            account: "shop".into(),
            provider_id: provider_id.into(),
            partition: partition.into(),
            time: None,
            body: Some(inbound_event::Body::CustomerMessage(message)),
        };
        self.say(attach_request::Message::Event(event)).await;
    }

    pub(super) async fn report(&mut self, delivery: &Delivery, state: DeliveryState, id: &str) {
        let report = DeliveryReport {
            delivery_id: delivery.id,
            part: delivery.part,
            state: state.into(),
            provider_message_id: id.into(),
            ..DeliveryReport::default()
        };
        self.say(attach_request::Message::Report(report)).await;
    }

    /// What the host says next, but for credit.
    pub(super) async fn next(&mut self) -> Result<Option<attach_response::Message>, Status> {
        loop {
            let next = tokio::time::timeout(Duration::from_secs(5), self.responses.message());
            match next.await.expect("the host says something within 5 s")? {
                Some(AttachResponse { message: Some(attach_response::Message::Credit(_)) }) => {}
                Some(response) => return Ok(response.message),
                None => return Ok(None),
            }
        }
    }

    /// What the host says next, however long that takes.
    pub(super) async fn responses(&mut self) -> Result<Option<attach_response::Message>, Status> {
        Ok(self.responses.message().await?.and_then(|response| response.message))
    }

    pub(super) async fn outcome(&mut self) -> Outcome {
        match self.next().await.unwrap() {
            Some(attach_response::Message::Outcome(outcome)) => outcome,
            other => panic!("an outcome, not {other:?}"),
        }
    }

    pub(super) async fn delivery(&mut self) -> (Delivery, String) {
        match self.next().await.unwrap() {
            Some(attach_response::Message::Delivery(delivery)) => {
                let Some(delivery::Body::Text(text)) = &delivery.body else { panic!("a text") };
                let text = text.text.clone();
                (delivery, text)
            }
            other => panic!("a delivery, not {other:?}"),
        }
    }

    pub(super) async fn recorded(&mut self) -> Recorded {
        match self.next().await.unwrap() {
            Some(attach_response::Message::Recorded(recorded)) => recorded,
            other => panic!("a record, not {other:?}"),
        }
    }

    /// Nothing comes for a while. It cannot fail by being slow; what must not come is tried by other means too.
    pub(super) async fn is_quiet(&mut self) {
        let next = tokio::time::timeout(Duration::from_millis(60), self.next());
        assert!(next.await.is_err(), "nothing comes");
    }

    /// Reads to the end; how the host ended it.
    pub(super) async fn end(mut self) -> Result<(), Status> {
        loop {
            if self.next().await?.is_none() {
                return Ok(());
            }
        }
    }
}
