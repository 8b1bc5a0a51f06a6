use std::{
    pin::Pin,
    sync::{Mutex, atomic::AtomicBool, atomic::Ordering},
};

use causeway_proto::{
    client::{Credential, in_process},
    event::{
        Event, ReadRequest, ReadResponse, TopicAdded,
        events_server::{Events, EventsServer},
    },
};
use prometheus_client::{metrics::gauge::Gauge, registry::Registry as MetricsRegistry};
use tokio_stream::Stream;
use tonic::{Request, Response};

use super::*;
use crate::fanout::{
    mailbox::{Delivery, Mailbox},
    registry::{Interest, Joined},
    samples,
};

type Answer = Result<SubscribeResponse, Status>;

/// A service with one topic, whose streams can be cut.
#[derive(Clone, Default)]
struct Service(Arc<Inner>);

#[derive(Default)]
struct Inner {
    log: Mutex<Vec<Event>>,
    streams: Mutex<Vec<Follower>>,
    /// The log has forgotten everything but its head.
    trimmed: AtomicBool,
}

struct Follower {
    outgoing: mpsc::Sender<Answer>,
    follows: Arc<AtomicBool>,
}

impl Service {
    async fn append(&self) {
        let sequence = self.0.log.lock().unwrap().len() as u64 + 1;
        let event = samples::message(sequence, sequence, "a");
        self.0.log.lock().unwrap().push(event.clone());
        let streams: Vec<_> = {
            let streams = self.0.streams.lock().unwrap();
            let following = streams.iter().filter(|stream| stream.follows.load(Ordering::SeqCst));
            following.map(|stream| stream.outgoing.clone()).collect()
        };
        for stream in streams {
            stream.send(Ok(said(Message::Event(event.clone())))).await.unwrap();
        }
    }

    async fn cut(&self) {
        let streams: Vec<_> = self.0.streams.lock().unwrap().drain(..).collect();
        for stream in streams {
            let _ = stream.outgoing.send(Err(Status::unavailable("cut"))).await;
        }
    }

    fn answer(&self, add: &AddTopic) -> Vec<SubscribeResponse> {
        let log = self.0.log.lock().unwrap();
        let head = log.len() as u64;
        let history_lost =
            self.0.trimmed.load(Ordering::SeqCst) && add.after.is_some_and(|after| after < head);
        let after = add.after.filter(|_| !history_lost).unwrap_or(head);
        let added = TopicAdded { source: add.source, topic: add.topic.clone(), after, history_lost };
        let events = log.iter().filter(|event| event.sequence > after).cloned().map(Message::Event);
        [Message::Added(added)].into_iter().chain(events).map(said).collect()
    }
}

fn said(message: Message) -> SubscribeResponse {
    SubscribeResponse { message: Some(message) }
}

#[tonic::async_trait]
impl Events for Service {
    type SubscribeStream = Pin<Box<dyn Stream<Item = Answer> + Send>>;

    async fn subscribe(
        &self,
        request: Request<Streaming<SubscribeRequest>>,
    ) -> Result<Response<Self::SubscribeStream>, Status> {
        let (outgoing, answers) = mpsc::channel(64);
        let follows = Arc::new(AtomicBool::new(false));
        self.0
            .streams
            .lock()
            .unwrap()
            .push(Follower { outgoing: outgoing.clone(), follows: follows.clone() });
        let (service, mut requests) = (self.clone(), request.into_inner());
        tokio::spawn(async move {
            while let Ok(Some(request)) = requests.message().await {
                let Some(Action::Add(add)) = request.action else { continue };
                follows.store(true, Ordering::SeqCst);
                for answer in service.answer(&add) {
                    let _ = outgoing.send(Ok(answer)).await;
                }
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(answers))))
    }

    async fn read(&self, _: Request<ReadRequest>) -> Result<Response<ReadResponse>, Status> {
        Ok(Response::new(ReadResponse::default()))
    }
}

struct Bench {
    service: Service,
    registry: Arc<Registry>,
    mailbox: Arc<Mailbox>,
    connected: watch::Receiver<bool>,
    stop: CancellationToken,
}

impl Bench {
    fn start() -> Self {
        let (service, registry, stop) =
            (Service::default(), Arc::<Registry>::default(), CancellationToken::new());
        let (sender, connected) = watch::channel(false);
        let grpc = in_process(EventsServer::new(service.clone()), Credential::bearer("x").unwrap());
        let metrics = Metrics::register(&mut MetricsRegistry::default());
        let client = EventsClient::new(grpc);
        let subscriber = Subscriber::new(Source::Chat, client, registry.clone(), sender, metrics);
        tokio::spawn(subscriber.run(stop.clone()));
        let mailbox = Arc::new(Mailbox::new(1 << 20, Gauge::default()));
        Self { service, registry, mailbox, connected, stop }
    }

    async fn join(&self) -> u64 {
        match self.registry.join(samples::topic().name, &self.mailbox, Interest::Everything).1 {
            Joined::Live(position) => position,
            Joined::Asked(answer) => answer.await.unwrap(),
        }
    }

    /// The next delivery's sequence number; 0 for a loss.
    async fn next(&self) -> u64 {
        let mut batch = Vec::new();
        self.mailbox.take(&mut batch, 1).await.unwrap();
        match &batch[0] {
            Delivery::Event(packet) => packet.event().sequence,
            Delivery::Lost(_) => 0,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn events_come_from_the_join_on() {
    let bench = Bench::start();
    bench.service.append().await;
    assert_eq!(bench.join().await, 1);
    bench.service.append().await;
    assert_eq!(bench.next().await, 2);
}

#[tokio::test(start_paused = true)]
async fn what_happens_while_the_stream_is_down_comes_when_it_is_up() {
    let mut bench = Bench::start();
    bench.join().await;
    bench.service.append().await;
    assert_eq!(bench.next().await, 1);
    bench.service.cut().await;
    bench.connected.wait_for(|connected| !connected).await.unwrap();
    bench.service.append().await;
    bench.service.append().await;
    assert_eq!((bench.next().await, bench.next().await), (2, 3));
    assert!(*bench.connected.borrow());
}

#[tokio::test(start_paused = true)]
async fn what_was_not_kept_meanwhile_is_told() {
    let bench = Bench::start();
    bench.join().await;
    bench.service.cut().await;
    bench.service.append().await;
    bench.service.0.trimmed.store(true, Ordering::SeqCst);
    assert_eq!(bench.next().await, 0);
    bench.service.append().await;
    assert_eq!(bench.next().await, 2);
}

#[tokio::test(start_paused = true)]
async fn it_stops_when_it_is_told_to() {
    let mut bench = Bench::start();
    bench.join().await;
    bench.stop.cancel();
    bench.connected.wait_for(|connected| !connected).await.unwrap();
}
