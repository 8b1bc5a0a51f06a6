//! A socket whose other end is in the test, and whose events are made by hand.

use causeway_config::AuthSettings;
use causeway_proto::{chat::ConversationKind, event::Source, presence::SessionOpened, time::Clock};
use futures_util::{SinkExt, StreamExt};
use tokio::{io::DuplexStream, sync::watch, task::JoinHandle};
use tokio_tungstenite::tungstenite::protocol::Role;

use super::*;
use crate::{
    auth::Auth,
    backend::call::Caller,
    dialect::{Dialect, Room},
    fanout::{
        registry::{Interest, Published},
        samples,
    },
    limits::{Caps, Limits},
    live::Live,
    origin::Origins,
    session::{Place, Setup, shows::Shows},
};

const CAPS: Caps = Caps { connections: 10, connections_per_user: 10, frames_per_second: 0, burst: 1 };

/// Alice's socket on the group conversation 7.
struct Stage {
    shared: Arc<Shared>,
    client: WebSocketStream<DuplexStream>,
    serving: JoinHandle<()>,
}

impl Stage {
    /// `pipe` is what the network holds, in bytes.
    async fn open(pipe: usize) -> Self {
        let live = Live { auth: auth(), origins: Origins::default(), caps: CAPS, tls: None };
        let shared = Shared::without_services(watch::channel(Arc::new(live)).1);
        let (near, far) = tokio::io::duplex(pipe);
        let config = Some(config(&shared.settings));
        let socket = WebSocketStream::from_raw_socket(near, Role::Server, config).await;
        let client = WebSocketStream::from_raw_socket(far, Role::Client, None).await;
        let opened = opened(&shared).await;
        let serving = tokio::spawn(run(socket, opened));
        Self { shared, client, serving }
    }

    fn publish(&self, sequence: u64) {
        self.shared
            .fanout
            .registry(Source::Chat)
            .publish(&[samples::packet(samples::message(sequence, sequence, "bob"))]);
    }

    async fn text(&mut self) -> String {
        match self.client.next().await {
            Some(Ok(Message::Text(text))) => text.to_string(),
            other => panic!("{other:?}"),
        }
    }

    /// Reads until the close frame.
    async fn close_code(&mut self) -> u16 {
        loop {
            match self.client.next().await {
                Some(Ok(Message::Close(Some(frame)))) => return frame.code.into(),
                Some(Ok(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    async fn say(&mut self, message: Message) {
        self.client.send(message).await.unwrap();
    }
}

fn auth() -> Auth {
    let settings = AuthSettings {
        service_token: None,
        leeway: Duration::ZERO,
        audience: None,
        issuer: None,
        identity_claims: vec!["sub".into()],
        keys: Vec::new(),
        introspection: None,
    };
    let key = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(key.path(), "a key that is long enough to be one of ours").unwrap();
    Auth::load(&settings, key.path(), Clock::default()).unwrap()
}

async fn opened(shared: &Arc<Shared>) -> Opened {
    let (dialect, room) = (Dialect::Rooms, Room::Conversation(None));
    let mut membership = Membership::new(shared.fanout.clone(), 16 << 10, shared.metrics.waiting());
    let joined = membership.join(samples::topic(), Interest::Everything);
    shared.fanout.registry(Source::Chat).added(Source::Chat, &samples::topic().name, 0, false);
    joined.position(Duration::ZERO).await.unwrap();
    let caller = Caller {
        user: samples::user("alice"),
        session_id: "this-socket".into(),
        conversation_id: Some("7".into()),
        conversation_kind: ConversationKind::Group,
    };
    let setup = Setup {
        dialect,
        room,
        shows: Shows::of(dialect, room),
        caller: Arc::new(caller),
        place: Some(Place { kind: ConversationKind::Group, participants: 500 }),
        company: Vec::new(),
        positions: None,
        shown: 0,
        ends_at: i64::MAX,
        settings: shared.settings.clone(),
        seat: Limits::new(CAPS).enter("alice").unwrap(),
    };
    let session = Session::new(setup, Now { at: Instant::now(), wall: shared.clock.now_micros() });
    Opened {
        dialect,
        session,
        membership,
        registration: shared.ledger.open(SessionOpened::default()).await,
        mail: Mail::Live,
        greeting: Vec::new(),
        presences: Vec::new(),
        allow_opaque: false,
        kind: None,
        shared: shared.clone(),
    }
}

#[tokio::test(start_paused = true)]
async fn events_become_frames_and_leaving_gives_the_topic_back() {
    let mut stage = Stage::open(1 << 20).await;
    stage.publish(1);
    stage.publish(2);
    assert!(stage.text().await.contains("message 1"));
    assert!(stage.text().await.contains("message 2"));
    stage.client.close(None).await.unwrap();
    while let Some(Ok(_)) = stage.client.next().await {}
    stage.serving.await.unwrap();
    assert_eq!(
        stage.shared.fanout.registry(Source::Chat).publish(&[samples::packet(samples::message(3, 3, "bob"))]),
        Published { events: 1, deliveries: 0, gap: false }
    );
}

#[tokio::test(start_paused = true)]
async fn a_frame_is_answered() {
    let mut stage = Stage::open(1 << 20).await;
    stage.say(Message::text(r#"{"type":"ping"}"#)).await;
    assert_eq!(stage.text().await, r#"{"type":"pong"}"#);
    stage.say(Message::text(r#"{"type":"message","content":"hi"}"#)).await;
    assert!(stage.text().await.contains(r#""code":"unavailable""#));
}

#[tokio::test(start_paused = true)]
async fn each_of_many_frames_that_come_at_once_is_answered() {
    let mut stage = Stage::open(1 << 20).await;
    for number in 0..200 {
        let frame = format!(r#"{{"type":"nothing {number}"}}"#);
        stage.client.feed(Message::text(frame)).await.unwrap();
    }
    stage.client.flush().await.unwrap();
    for _ in 0..200 {
        assert!(stage.text().await.contains("unknown_type"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_reader_who_stops_reading_is_closed_when_the_mailbox_is_full() {
    let mut stage = Stage::open(1 << 10).await;
    for sequence in 1..2_000 {
        stage.publish(sequence);
        tokio::task::yield_now().await;
    }
    assert_eq!(stage.close_code().await, 4008);
    stage.serving.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_binary_frame_is_closed_with_1003() {
    let mut stage = Stage::open(1 << 20).await;
    stage.say(Message::binary("x")).await;
    assert_eq!(stage.close_code().await, 1003);
}

#[tokio::test(start_paused = true)]
async fn a_frame_over_the_limit_is_closed_with_1009_though_the_rest_of_it_never_comes() {
    let mut stage = Stage::open(1 << 20).await;
    // The head of a masked text frame of 65 537 bytes, and nothing of it.
    let head = [0x81, 0xff, 0, 0, 0, 0, 0, 1, 0, 1, 1, 2, 3, 4];
    tokio::io::AsyncWriteExt::write_all(stage.client.get_mut(), &head).await.unwrap();
    assert_eq!(stage.close_code().await, 1009);
}

#[tokio::test(start_paused = true)]
async fn when_the_bridge_stops_sockets_are_closed_with_1012_within_the_window() {
    let mut stage = Stage::open(1 << 20).await;
    let begun = Instant::now();
    stage.shared.drain.cancel();
    assert_eq!(stage.close_code().await, 1012);
    assert!(begun.elapsed() <= stage.shared.settings.drain);
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_pinged_and_closed() {
    let mut stage = Stage::open(1 << 20).await;
    // The network is there and nobody is at its end.
    let begun = Instant::now();
    let mut pings = 0;
    while begun.elapsed() < Duration::from_secs(59) {
        let mut byte = [0; 2];
        tokio::io::AsyncReadExt::read_exact(stage.client.get_mut(), &mut byte).await.unwrap();
        if byte == [0x89, 0] {
            pings += 1;
        }
        if byte[0] == 0x88 {
            break;
        }
        // Frames of other kinds are as long as they say.
        let length = usize::from(byte[1]);
        let mut body = vec![0; length];
        tokio::io::AsyncReadExt::read_exact(stage.client.get_mut(), &mut body).await.unwrap();
    }
    assert_eq!(pings, 2);
}

#[tokio::test(start_paused = true)]
async fn what_was_said_before_goodbye_is_carried_out() {
    let mut stage = Stage::open(1 << 20).await;
    stage.client.feed(Message::text(r#"{"type":"message","content":"last words"}"#)).await.unwrap();
    stage.client.feed(Message::text(r#"{"type":"read","message_id":1}"#)).await.unwrap();
    stage.client.close(None).await.unwrap();
    while let Some(Ok(_)) = stage.client.next().await {}
    stage.serving.await.unwrap();
    for call in ["SendMessages", "MarkRead"] {
        assert_eq!(stage.shared.metrics.failures("Chat", call, "unavailable"), 1, "{call}");
    }
}
