//! A listener without a network.

use causeway_config::{
    AuthSettings, Secret,
    auth::{Algorithm, KeySettings},
    bridge::{RateSettings, RootChatDialect},
};
use causeway_proto::time::Clock;
use jsonwebtoken::{EncodingKey, Header, encode};
use tokio::{sync::watch, task::JoinHandle};

use super::*;
use crate::live::Live;

const SECRET: &str = "a secret of the tests that is long enough";
/// The time of these tests, in seconds since the epoch.
const NOW: i64 = 1_800_000_000;

type Accepted = io::Result<DuplexStream>;

/// A listener whose connections are made by hand.
pub(super) struct Stage {
    connections: mpsc::Sender<Accepted>,
    edge: Arc<Edge>,
    live: watch::Sender<Arc<Live>>,
    listening: JoinHandle<()>,
}

struct ByHand(mpsc::Receiver<Accepted>);

impl Incoming for ByHand {
    type Io = DuplexStream;

    async fn accept(&mut self) -> Accepted {
        match self.0.recv().await {
            Some(accepted) => accepted,
            None => std::future::pending().await,
        }
    }
}

impl Stage {
    pub(super) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(super) async fn with(change: impl FnOnce(&mut BridgeSettings)) -> Self {
        let mut settings = settings();
        change(&mut settings);
        let (live, changing) = watch::channel(Arc::new(loaded(&settings)));
        let shared = Shared::without_services(changing);
        let edge = Arc::new(Edge::new(&settings, shared).unwrap());
        let (connections, incoming) = mpsc::channel(1);
        let listening = tokio::spawn(run(ByHand(incoming), edge.clone()));
        Self { connections, edge, live, listening }
    }

    /// From the next connection on it is over TLS, or not.
    pub(super) fn encrypt(&self, tls: Option<Arc<ServerConfig>>) {
        self.live.send_replace(Arc::new(loaded(&settings()).with_tls(tls)));
    }

    pub(super) async fn connect(&self) -> DuplexStream {
        let (client, server) = tokio::io::duplex(256 * 1024);
        self.connections.send(Ok(server)).await.unwrap();
        client
    }

    pub(super) async fn fail(&self, error: io::Error) {
        self.connections.send(Err(error)).await.unwrap();
    }

    /// Sends a request, and reads until the connection is closed or three seconds are over.
    pub(super) async fn ask(&self, request: &str) -> String {
        let mut client = self.connect().await;
        let _ = client.write_all(request.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = time::timeout(Duration::from_secs(3), client.read_to_end(&mut answer)).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    pub(super) async fn get(&self, path: &str, headers: &str) -> String {
        self.ask(&format!("GET {path} HTTP/1.1\r\nhost: h\r\n{headers}\r\n")).await
    }

    /// The code that a socket on this path is closed with, after an upgrade that a client accepts.
    pub(super) async fn close_code(&self, path: &str, headers: &[(&'static str, &str)]) -> u16 {
        let mut request = format!("ws://h{path}").into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let (mut socket, _) = tokio_tungstenite::client_async(request, self.connect().await).await.unwrap();
        match socket.next().await.unwrap().unwrap() {
            Message::Close(Some(frame)) => frame.code.into(),
            other => unreachable!("{other:?}"),
        }
    }

    pub(super) fn drain(&self) {
        self.edge.shared.drain.cancel();
    }

    /// Waits until all connections are done.
    pub(super) async fn quiet(&self) {
        self.edge.shared.sockets.close();
        self.edge.shared.sockets.wait().await;
        self.edge.shared.sockets.reopen();
    }

    pub(super) async fn ended(self) {
        self.listening.await.unwrap();
    }
}

/// A token that is good for an hour.
pub(super) fn token(user: &str) -> String {
    let claims = serde_json::json!({"sub": user, "exp": NOW + 3600});
    encode(&Header::default(), &claims, &EncodingKey::from_secret(SECRET.as_bytes())).unwrap()
}

fn loaded(settings: &BridgeSettings) -> Live {
    let clock = Clock::manual(NOW * 1_000_000);
    Live::load(settings, &auth(), "/nowhere".as_ref(), clock).unwrap()
}

fn auth() -> AuthSettings {
    let key = KeySettings {
        id: None,
        algorithm: Algorithm::HS256,
        secret: Secret::new(SECRET),
        secret_file: None,
        public_key_file: None,
        private_key_file: None,
        issuer: None,
        audience: None,
    };
    AuthSettings {
        service_token: None,
        leeway: Duration::from_secs(5),
        audience: None,
        issuer: None,
        identity_claims: vec!["sub".into()],
        keys: vec![key],
        introspection: None,
    }
}

fn settings() -> BridgeSettings {
    BridgeSettings {
        listen: ([127, 0, 0, 1], 0).into(),
        tls: None,
        origins: vec!["https://app.example.com".into()],
        allow_localhost_origins: true,
        allow_http_attachments: false,
        max_frame_bytes: 64 * 1024,
        max_connections: 100,
        max_connections_per_user: 0,
        mailbox_bytes: 256 * 1024,
        send_queue: 64,
        ping_interval: Duration::from_secs(25),
        idle_timeout: Duration::from_secs(60),
        handshake_timeout: Duration::from_secs(5),
        openings: 128,
        drain: Duration::from_secs(10),
        reconnect_within: Duration::from_secs(2),
        heartbeat: Duration::from_secs(30),
        presence_limit: 200,
        delivery_limit: 50,
        deprecated_conversation_path: true,
        root_chat_dialect: RootChatDialect::Jobs,
        rate: RateSettings { frames_per_second: 20, burst: 40 },
        mounts: Vec::new(),
    }
}
