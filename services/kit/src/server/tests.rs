//! The stack as its callers see it, within the process and over a socket.

use std::time::Duration;

use causeway_proto::{
    client::{self, Credential, Grpc},
    event::{ReadRequest, Source, events_client::EventsClient},
};
use futures_util::StreamExt;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::Code;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

use super::*;
use crate::events::Hub;

mod encrypted;
mod leaving;

const TOKEN: &str = "s3cret";

/// A process with a presence service that has topics and no calls of its own.
struct Process {
    _dir: TempDir,
    context: Context,
    service: GrpcService,
    well: watch::Sender<bool>,
}

impl Process {
    fn start() -> Self {
        Self::of(Box::new(|_| {}))
    }

    /// With calls, too.
    fn with(calls: leaving::Late) -> Self {
        Self::of(Box::new(|routes| {
            routes.add_service(calls);
        }))
    }

    fn of(add: Box<dyn FnOnce(&mut RoutesBuilder) + Send>) -> Self {
        let dir = TempDir::new().unwrap();
        let context = Context::new(dir.path());
        let hub = Hub::ephemeral(Source::Presence, context.bus.clone(), context.clock.clone());
        let (well, health) = watch::channel(true);
        let broken = tokio_util::sync::CancellationToken::new();
        let part = Part { name: "presence", hub, health, broken, plugins: None, add };
        let options = StackOptions { token: ServiceToken::new(TOKEN), reflection: true };
        let service = stack(vec![part], options, &context);
        Self { _dir: dir, context, service, well }
    }

    /// Listens on a port of its own; answers its address.
    async fn listen(&self, limits: Limits) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let incoming = TcpListenerStream::new(listener);
        let closing = self.context.closing.clone();
        self.context.tasks.spawn(serve(self.service.clone(), incoming, limits, closing));
        address
    }

    async fn health(&self, service: &str) -> Result<ServingStatus, tonic::Status> {
        let request = HealthCheckRequest { service: service.to_owned() };
        let response = HealthClient::new(self.service.clone()).check(request).await?;
        Ok(response.into_inner().status())
    }

    /// Waits until a service's health is as wanted.
    async fn turns(&self, service: &str, wanted: ServingStatus) {
        let turned = async {
            while self.health(service).await.ok() != Some(wanted) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), turned).await.expect("it turns within 5 s");
    }
}

async fn read(grpc: Grpc) -> Result<u64, Code> {
    let request =
        ReadRequest { source: Source::Presence.into(), topic: "presence/1".to_owned(), after: 0, limit: 0 };
    let read = EventsClient::new(grpc).read(request).await;
    read.map(|response| response.into_inner().head).map_err(|status| status.code())
}

fn credential(token: &str) -> Credential {
    Credential::bearer(token).unwrap()
}

#[tokio::test]
async fn without_the_token_nothing_is_answered() {
    let process = Process::start();
    let read_with = |token: &str| read(client::in_process(process.service.clone(), credential(token)));
    assert_eq!(read_with(TOKEN).await, Ok(0));
    assert_eq!(read_with("guess").await, Err(Code::Unauthenticated));
    assert_eq!(read_with("").await, Err(Code::Unauthenticated));
}

#[tokio::test]
async fn a_call_within_the_process_and_one_over_a_socket_are_alike() {
    let process = Process::start();
    let url = format!("http://{}", process.listen(Limits::default()).await);
    assert_eq!(read(client::remote(&url, credential(TOKEN)).unwrap()).await, Ok(0));
    assert_eq!(read(client::remote(&url, credential("guess")).unwrap()).await, Err(Code::Unauthenticated));
}

#[tokio::test]
async fn health_is_open_and_follows_the_parts() {
    let process = Process::start();
    process.turns("causeway.presence.v1.Presence", ServingStatus::Serving).await;
    process.turns("", ServingStatus::Serving).await;
    process.well.send_replace(false);
    process.turns("causeway.presence.v1.Presence", ServingStatus::NotServing).await;
    process.turns("", ServingStatus::NotServing).await;
    process.turns("causeway.event.v1.Events", ServingStatus::NotServing).await;
    assert_eq!(process.health("causeway.chat.v1.Chat").await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn readiness_turns_false_at_the_stop_and_every_task_ends() {
    let process = Process::start();
    process.listen(Limits::default()).await;
    process.turns("", ServingStatus::Serving).await;
    process.context.stop.cancel();
    process.turns("", ServingStatus::NotServing).await;
    process.context.tasks.close();
    let ended = tokio::time::timeout(Duration::from_secs(5), process.context.tasks.wait());
    ended.await.expect("all tasks end within 5 s");
}

#[tokio::test]
async fn reflection_is_open_and_lists_the_services() {
    let process = Process::start();
    let message_request = Some(MessageRequest::ListServices(String::new()));
    let request = ServerReflectionRequest { host: String::new(), message_request };
    let requests = tokio_stream::iter([request]);
    let mut client = ServerReflectionClient::new(process.service.clone());
    let mut answers = client.server_reflection_info(requests).await.unwrap().into_inner();
    let Some(MessageResponse::ListServicesResponse(list)) =
        answers.next().await.unwrap().unwrap().message_response
    else {
        unreachable!("services were asked for")
    };
    let lists = |name| list.service.iter().any(|service| service.name == name);
    assert!(lists("causeway.presence.v1.Presence") && lists("causeway.event.v1.Events"));
    assert!(!lists("causeway.plugin.v1.PluginHost"), "nobody serves it here");
}

#[tokio::test]
async fn calls_are_measured_by_method_and_code() {
    let process = Process::start();
    read(client::in_process(process.service.clone(), credential(TOKEN))).await.unwrap();
    read(client::in_process(process.service.clone(), credential("guess"))).await.unwrap_err();
    let metrics = process.context.metrics.encode();
    for code in ["Ok", "Unauthenticated"] {
        let line = format!(
            "causeway_grpc_call_seconds_count{{service=\"causeway.event.v1.Events\",method=\"Read\",code=\"{code}\"}} 1"
        );
        assert!(metrics.contains(&line), "{metrics}");
    }
}

#[tokio::test]
async fn half_a_handshake_is_closed_in_time() {
    let process = Process::start();
    let limits = Limits { handshake_timeout: Duration::from_millis(50), ..Limits::default() };
    let address = process.listen(limits).await;
    for said in [&b""[..], b"PRI * HTT", b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"] {
        let mut socket = TcpStream::connect(&address).await.unwrap();
        socket.write_all(said).await.unwrap();
        let mut answer = [0; 64];
        let closed = tokio::time::timeout(Duration::from_secs(2), socket.read(&mut answer));
        assert!(matches!(closed.await.expect("closed within 2 s"), Ok(0) | Err(_)));
    }
}

#[tokio::test]
async fn one_connection_too_many_is_closed_and_the_others_are_not() {
    let process = Process::start();
    let address = process.listen(Limits { max_connections: 1, ..Limits::default() }).await;
    let url = format!("http://{address}");
    let first = client::remote(&url, credential(TOKEN)).unwrap();
    assert_eq!(read(first.clone()).await, Ok(0));
    let mut second = TcpStream::connect(&address).await.unwrap();
    assert!(matches!(second.read(&mut [0; 1]).await, Ok(0) | Err(_)));
    assert_eq!(read(first).await, Ok(0));
}

#[tokio::test]
async fn a_caller_of_another_protocol_is_refused_by_name_and_version() {
    let process = Process::start();
    let request = |peer: &'static str| {
        let topic = "presence/1".to_owned();
        let body = ReadRequest { source: Source::Presence.into(), topic, after: 0, limit: 0 };
        let mut request = tonic::Request::new(body);
        request.metadata_mut().insert(causeway_proto::peer::PEER, peer.parse().unwrap());
        request
    };
    let mut client = EventsClient::new(client::in_process(process.service.clone(), credential(TOKEN)));
    let refused = client.read(request("bridge/7.0.0; protocol=70")).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    for named in ["presence ", "bridge 7.0.0 (protocol 70)"] {
        assert!(refused.message().contains(named), "{}", refused.message());
    }
    let answered = client.read(request("bridge/7.0.0; protocol=1")).await.unwrap();
    assert!(answered.metadata().contains_key(causeway_proto::peer::TIME), "it says what time it has");
}
