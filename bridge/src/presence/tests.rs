use std::pin::Pin;

use causeway_proto::{
    client::{Credential, in_process},
    presence::{
        AttachRequest, AttachResponse, GetPresenceRequest, GetPresenceResponse, ListPresentRequest,
        ListPresentResponse, SetTypingRequest, SetTypingResponse,
        presence_client::PresenceClient,
        presence_server::{Presence, PresenceServer},
    },
};
use tokio::sync::mpsc;
use tokio_stream::{Stream, wrappers::ReceiverStream};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use super::*;

/// A presence service that tells the test what it hears.
#[derive(Clone)]
struct Service {
    heard: mpsc::Sender<String>,
    cut: Arc<Notify>,
}

#[tonic::async_trait]
impl Presence for Service {
    type AttachStream = Pin<Box<dyn Stream<Item = Result<AttachResponse, Status>> + Send>>;

    async fn attach(
        &self,
        request: Request<Streaming<AttachRequest>>,
    ) -> Result<Response<Self::AttachStream>, Status> {
        let (service, mut requests) = (self.clone(), request.into_inner());
        let (outgoing, answers) = mpsc::channel(64);
        tokio::spawn(async move {
            let mut applied = 0;
            loop {
                let message = tokio::select! {
                    message = requests.message() => message,
                    () = service.cut.notified() => return,
                };
                let Ok(Some(AttachRequest { message: Some(message) })) = message else { return };
                applied += u64::from(matches!(message, Message::Opened(_) | Message::Closed(_)));
                service.heard.send(line(&message)).await.unwrap();
                let _ = outgoing.send(Ok(AttachResponse { applied })).await;
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(answers))))
    }

    async fn get_presence(
        &self,
        _: Request<GetPresenceRequest>,
    ) -> Result<Response<GetPresenceResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_present(
        &self,
        _: Request<ListPresentRequest>,
    ) -> Result<Response<ListPresentResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn set_typing(&self, _: Request<SetTypingRequest>) -> Result<Response<SetTypingResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}

fn line(message: &Message) -> String {
    match message {
        Message::Hello(hello) => format!("hello {}", hello.bridge_id),
        Message::Opened(opened) => format!("opened {}", opened.session_id),
        Message::Closed(closed) => format!("closed {}", closed.session_id),
        Message::Synced(_) => "synced".to_owned(),
    }
}

struct Bench {
    ledger: Ledger,
    heard: mpsc::Receiver<String>,
    cut: Arc<Notify>,
}

impl Bench {
    fn start() -> Self {
        let (heard, hears) = mpsc::channel(64);
        let cut = Arc::<Notify>::default();
        let service = PresenceServer::new(Service { heard, cut: cut.clone() });
        let client = PresenceClient::new(in_process(service, Credential::bearer("x").unwrap()));
        let (attached, _) = watch::channel(false);
        let ledger = Ledger::default();
        let link = Link::new("bridge".to_owned(), client, ledger.clone(), attached);
        tokio::spawn(link.run(CancellationToken::new()));
        Self { ledger, heard: hears, cut }
    }

    async fn hear(&mut self, count: usize) -> Vec<String> {
        let mut lines = Vec::new();
        for _ in 0..count {
            lines.push(self.heard.recv().await.unwrap());
        }
        lines
    }
}

fn session(id: &str) -> SessionOpened {
    SessionOpened { session_id: id.to_owned(), ..SessionOpened::default() }
}

#[tokio::test(start_paused = true)]
async fn a_socket_is_noted_before_it_opens_and_when_it_is_gone() {
    let mut bench = Bench::start();
    assert_eq!(bench.hear(2).await, ["hello bridge", "synced"]);
    let registration = bench.ledger.open(session("one")).await;
    assert_eq!(bench.heard.try_recv().unwrap(), "opened one");
    drop(registration);
    assert_eq!(bench.hear(1).await, ["closed one"]);
}

#[tokio::test(start_paused = true)]
async fn after_a_break_all_that_are_open_are_reported_again() {
    let mut bench = Bench::start();
    bench.hear(2).await;
    let one = bench.ledger.open(session("one")).await;
    let two = bench.ledger.open(session("two")).await;
    bench.hear(2).await;
    bench.cut.notify_one();
    assert_eq!(bench.hear(1).await, ["hello bridge"]);
    let mut again = bench.hear(2).await;
    again.sort();
    assert_eq!(again, ["opened one", "opened two"]);
    assert_eq!(bench.hear(1).await, ["synced"]);
    drop((one, two));
}

#[tokio::test(start_paused = true)]
async fn without_the_service_a_socket_opens_all_the_same() {
    let ledger = Ledger::default();
    let begun = tokio::time::Instant::now();
    let _registration = ledger.open(session("one")).await;
    assert_eq!(begun.elapsed(), Duration::ZERO);
}
