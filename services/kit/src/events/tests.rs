//! Subscriptions and reading, through the generated client: what every bus must do, within a process and between two over Redis
//! (`buses`); in `seam`, with a bus that loses things, and in `outage`, with a Redis that dies.

use std::{sync::Arc, time::Duration};

use causeway_proto::{
    event::{
        AddTopic, DropTopic, ReadRequest, ReadResponse, Source, SubscribeRequest, SubscribeResponse,
        TopicAdded, events_client::EventsClient, subscribe_request::Action, subscribe_response::Message,
    },
    topic::Topic,
};
use futures_util::future::join_all;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status, Streaming};

use self::buses::Ground;
use super::{EventsService, Hub};
use crate::{
    bus::{Bus, Envelope},
    part::Context,
    store::{
        Store,
        tests::{Scratch, body},
    },
};

mod buses;
mod outage;
mod seam;

/// A chat service's topics, and the server over them. Who writes and who serves may be two processes.
struct House {
    scratch: Scratch,
    store: Store,
    /// Of the process that writes.
    writer: Hub,
    /// Of the process that serves.
    hub: Hub,
    client: EventsClient<EventsService>,
    stop: CancellationToken,
    /// What the buses go over, and whatever else must stay.
    _ground: Option<Ground>,
}

impl House {
    async fn new() -> Self {
        Self::over(Bus::default()).await
    }

    async fn over(bus: Bus) -> Self {
        Self::between(bus.clone(), bus).await
    }

    /// Written by a process with one bus, and served by another.
    async fn between(writing: Bus, serving: Bus) -> Self {
        let scratch = Scratch::over(writing.clone());
        let (store, clock) = (scratch.open().await, scratch.clock.clone());
        let hub = |bus: &Bus| Hub::durable(Source::Chat, store.clone(), bus.clone(), clock.clone());
        let (writer, hub) = (hub(&writing), hub(&serving));
        let presence = Hub::ephemeral(Source::Presence, serving.clone(), clock);
        let context = Context { bus: serving, ..Context::new(scratch.dir.path()) };
        let service = EventsService::new(vec![hub.clone(), presence], &context);
        let (client, stop) = (EventsClient::new(service), context.stop);
        Self { scratch, store, writer, hub, client, stop, _ground: None }
    }

    async fn append(&self, topic: &'static str, times: usize) {
        let write =
            |tx: &mut crate::store::Tx<'_>| tx.append(Source::Chat, Topic::parse(topic).unwrap(), body());
        for result in join_all((0..times).map(|_| self.store.write(write))).await {
            result.unwrap();
        }
    }

    async fn subscribe(&self) -> Watcher {
        let (requests, receiver) = mpsc::channel(16);
        let stream = self.client.clone().subscribe(ReceiverStream::new(receiver)).await.unwrap().into_inner();
        Watcher { requests, stream }
    }

    async fn read(&self, topic: &str, after: u64, limit: u32) -> ReadResponse {
        let request = ReadRequest { source: Source::Chat.into(), topic: topic.to_owned(), after, limit };
        self.client.clone().read(request).await.unwrap().into_inner()
    }
}

struct Watcher {
    requests: mpsc::Sender<SubscribeRequest>,
    stream: Streaming<SubscribeResponse>,
}

impl Watcher {
    async fn ask(&self, action: Action) {
        self.requests.send(SubscribeRequest { action: Some(action) }).await.unwrap();
    }

    async fn next(&mut self) -> Result<Message, Status> {
        let next = tokio::time::timeout(Duration::from_secs(30), self.stream.message());
        Ok(next.await.expect("an answer within 30 s")?.expect("an answer").message.unwrap())
    }

    async fn add(&mut self, source: Source, topic: &str, after: Option<u64>) -> TopicAdded {
        self.ask(Action::Add(AddTopic { source: source.into(), topic: topic.to_owned(), after })).await;
        match self.next().await.unwrap() {
            Message::Added(added) => added,
            Message::Event(event) => panic!("{event:?}"),
        }
    }

    /// Topic and sequence number of the next event.
    async fn event(&mut self) -> (String, u64) {
        match self.next().await.unwrap() {
            Message::Event(event) => (event.topic, event.sequence),
            Message::Added(added) => panic!("{added:?}"),
        }
    }

    async fn sequences(&mut self, count: usize) -> Vec<u64> {
        let mut sequences = Vec::new();
        while sequences.len() < count {
            sequences.push(self.event().await.1);
        }
        sequences
    }
}

const ROOM: &str = "conversation/7";

async fn a_subscriber_gets_what_comes_after_it_came(house: House) {
    house.append(ROOM, 3).await;
    let mut watcher = house.subscribe().await;
    let added = watcher.add(Source::Chat, ROOM, None).await;
    assert_eq!((added.after, added.history_lost), (3, false));
    house.append(ROOM, 2).await;
    assert_eq!(watcher.sequences(2).await, [4, 5]);
}

async fn a_subscriber_that_comes_back_gets_what_it_missed_first(house: House) {
    house.append(ROOM, 700).await;
    let mut watcher = house.subscribe().await;
    assert_eq!(watcher.add(Source::Chat, ROOM, Some(2)).await.after, 2);
    house.append(ROOM, 5).await;
    assert_eq!(watcher.sequences(703).await, (3..=705).collect::<Vec<_>>());
}

async fn a_topic_that_is_dropped_is_silent(house: House) {
    let mut watcher = house.subscribe().await;
    watcher.add(Source::Chat, ROOM, None).await;
    watcher.ask(Action::Drop(DropTopic { source: Source::Chat.into(), topic: ROOM.to_owned() })).await;
    watcher.add(Source::Chat, "user/1", None).await;
    house.append(ROOM, 1).await;
    house.append("user/1", 1).await;
    assert_eq!(watcher.event().await, ("user/1".to_owned(), 1));
}

async fn ephemeral_events_pass_and_are_not_kept(house: House) {
    let mut watcher = house.subscribe().await;
    watcher.add(Source::Chat, ROOM, None).await;
    house.writer.publish_ephemeral(Topic::Conversation("7"), body());
    house.append(ROOM, 1).await;
    assert_eq!(watcher.sequences(2).await, [0, 1]);
    assert_eq!(house.read(ROOM, 0, 0).await.events.len(), 1);
}

async fn services_of_one_process_share_a_stream_and_not_their_topics(house: House) {
    let mut watcher = house.subscribe().await;
    assert_eq!(watcher.add(Source::Presence, "user/1", None).await.after, 0);
    assert!(watcher.add(Source::Presence, "presence/1", Some(3)).await.history_lost);
    house.append("user/1", 1).await;
    assert_eq!(watcher.add(Source::Chat, "user/1", None).await.after, 1);
}

async fn who_stops_asking_may_go_on_listening(house: House) {
    let mut watcher = house.subscribe().await;
    watcher.add(Source::Chat, ROOM, None).await;
    let Watcher { requests, stream } = watcher;
    drop(requests);
    let mut watcher = Watcher { requests: mpsc::channel(1).0, stream };
    house.append(ROOM, 1).await;
    assert_eq!(watcher.sequences(1).await, [1]);
}

async fn history_that_is_not_there_is_lost_and_not_silent(house: House) {
    house.append(ROOM, 5).await;
    house.scratch.clock.set(100_000_000);
    house.append(ROOM, 1).await;
    house.store.trim().await.unwrap();

    let mut watcher = house.subscribe().await;
    for (after, lost, from) in [(4, true, 6), (7, true, 6), (u64::MAX, true, 6), (5, false, 5)] {
        let added = watcher.add(Source::Chat, ROOM, Some(after)).await;
        assert_eq!((added.history_lost, added.after), (lost, from), "after {after}");
        let read = house.read(ROOM, after, 0).await;
        assert_eq!((read.history_lost, read.events.is_empty(), read.head), (lost, lost, 6), "after {after}");
    }
    assert_eq!(watcher.sequences(1).await, [6]);
}

async fn a_topic_nobody_wrote_to_is_empty(house: House) {
    assert_eq!(house.read("user/9", 0, 0).await, ReadResponse::default());
    assert!(house.read("user/9", 1, 0).await.history_lost);
}

async fn history_is_read_in_pages(house: House) {
    house.append(ROOM, 600).await;
    let sequences = |page: ReadResponse| page.events.iter().map(|event| event.sequence).collect::<Vec<_>>();
    assert_eq!(sequences(house.read(ROOM, 0, 0).await), (1..=100).collect::<Vec<_>>());
    assert_eq!(sequences(house.read(ROOM, 50, 3).await), [51, 52, 53]);
    assert_eq!(house.read(ROOM, 0, 10_000).await.events.len(), 500);
    let last = house.read(ROOM, 599, 10).await;
    assert_eq!((last.head, last.events[0].clone().topic.as_str()), (600, ROOM));
    assert!(last.events[0].body.is_some() && last.events[0].time.is_some());
}

async fn what_makes_no_sense_is_refused(house: House) {
    for (source, topic) in
        [(Source::Notification, ROOM), (Source::Unspecified, ROOM), (Source::Chat, "room/7")]
    {
        let mut watcher = house.subscribe().await;
        let add = AddTopic { source: source.into(), topic: topic.to_owned(), after: None };
        watcher.ask(Action::Add(add)).await;
        assert_eq!(watcher.next().await.unwrap_err().code(), Code::InvalidArgument, "{source:?} {topic}");
    }
}

async fn subscriptions_end_when_the_server_stops(house: House) {
    let mut watcher = house.subscribe().await;
    watcher.add(Source::Chat, ROOM, None).await;
    house.stop.cancel();
    assert_eq!(watcher.next().await.unwrap_err().code(), Code::Unavailable);
}

#[tokio::test]
async fn who_reads_too_slowly_loses_its_place_and_nothing_else() {
    let house = House::new().await;
    let mut watcher = house.subscribe().await;
    watcher.add(Source::Chat, ROOM, None).await;
    house.append(ROOM, 1).await;
    watcher.event().await;

    let envelope = |sequence| Envelope {
        source: Source::Chat,
        topic: ROOM.into(),
        sequence,
        event: vec![0; 1 << 20].into(),
    };
    (2..10).for_each(|sequence| house.scratch.bus.publish(&[Arc::new(envelope(sequence))]));
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(11)).await;
    assert_eq!(watcher.next().await.unwrap_err().code(), Code::ResourceExhausted);
}
