use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use causeway_proto::event::{Event, ReadResponse, Source};
use futures_util::{FutureExt, future::BoxFuture};
use prometheus_client::metrics::gauge::Gauge;
use proptest::prelude::*;
use tonic::Status;

use super::*;
use crate::{
    fanout::{
        membership::Membership,
        registry::{Change, Interest, Joined, Registry},
        samples,
    },
    session::positions::{Pass, Positions},
};

/// A log of the topic `conversation/7` that can be read.
#[derive(Clone, Default)]
struct FakeLog(Arc<Mutex<Vec<Event>>>, Arc<AtomicUsize>, u64);

impl FakeLog {
    fn with(count: u64) -> Self {
        let log = Self::default();
        log.append(count);
        log
    }

    /// Events up to and including this one are not kept any more.
    fn trimmed(self, up_to: u64) -> Self {
        Self(self.0, self.1, up_to)
    }

    fn append(&self, count: u64) {
        let mut events = self.0.lock().unwrap();
        for _ in 0..count {
            let sequence = events.len() as u64 + 1;
            events.push(samples::message(sequence, sequence, "a"));
        }
    }

    fn head(&self) -> u64 {
        self.0.lock().unwrap().len() as u64
    }

    fn after(&self, after: u64) -> Vec<Event> {
        self.0.lock().unwrap().iter().filter(|event| event.sequence > after).cloned().collect()
    }

    fn reads(&self) -> usize {
        self.1.load(Ordering::Relaxed)
    }
}

impl Log for FakeLog {
    fn read(&self, _: &Topic, after: u64, limit: u32) -> BoxFuture<'static, Result<ReadResponse, Status>> {
        let log = self.clone();
        async move {
            // Others come to wait meanwhile.
            tokio::task::yield_now().await;
            log.1.fetch_add(1, Ordering::Relaxed);
            let (head, history_lost) = (log.head(), after < log.2 || after > log.head());
            let events = if history_lost { Vec::new() } else { log.after(after) };
            Ok(ReadResponse { events: events.into_iter().take(limit as usize).collect(), head, history_lost })
        }
        .boxed()
    }
}

fn fanout(log: &FakeLog) -> Arc<Fanout> {
    Arc::new(Fanout::new(Pages::new(Arc::new(log.clone()))))
}

/// Replays to the end; 0 stands for a loss.
async fn replay(fanout: &Arc<Fanout>, seen: u64, live_from: u64) -> Vec<u64> {
    let mailbox = Arc::new(Mailbox::new(1 << 20, Gauge::default()));
    let lanes = vec![Lane::new(samples::topic(), seen, live_from)];
    let mut replay = Replay::new(fanout.clone(), mailbox, lanes);
    let (mut numbers, mut batch) = (Vec::new(), Vec::new());
    while replay.next(&mut batch).await {
        numbers.extend(batch.drain(..).map(|delivery| number(&delivery)));
    }
    numbers
}

fn number(delivery: &Delivery) -> u64 {
    match delivery {
        Delivery::Event(packet) => packet.event().sequence,
        Delivery::Lost(_) => 0,
    }
}

#[tokio::test]
async fn what_was_missed_comes_in_order_over_many_pages() {
    let log = FakeLog::with(1_000);
    assert_eq!(replay(&fanout(&log), 3, 1_000).await, (4..=1_000).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_thousand_who_come_back_at_once_read_each_page_once() {
    let log = FakeLog::with(300);
    let fanout = fanout(&log);
    let readers = (0..1_000).map(|reader| {
        let fanout = fanout.clone();
        tokio::spawn(
            async move { replay(&fanout, reader % 300, 300).await.len() as u64 == 300 - reader % 300 },
        )
    });
    for reader in readers.collect::<Vec<_>>() {
        assert!(reader.await.unwrap());
    }
    assert_eq!(log.reads(), 3);
}

#[tokio::test]
async fn a_page_that_everybody_has_turned_away_from_is_read_no_further() {
    let log = FakeLog::with(300);
    let fanout = fanout(&log);
    // It is begun, and its reader is gone.
    assert!(replay(&fanout, 0, 300).now_or_never().is_none());
    assert_eq!(Arc::strong_count(&log.1), 2, "the test's own, and that of the pages");
    assert_eq!(replay(&fanout, 0, 300).await.len(), 300);
}

#[tokio::test]
async fn what_is_not_kept_any_more_is_lost_and_what_is_kept_is_not() {
    let log = FakeLog::with(300).trimmed(150);
    assert_eq!(replay(&fanout(&log), 100, 300).await, [0]);
    assert_eq!(replay(&fanout(&log), 150, 300).await, (151..=300).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_number_from_the_future_is_lost_unless_only_this_bridge_is_behind() {
    let log = FakeLog::with(10);
    assert_eq!(replay(&fanout(&log), 11, 8).await, [0]);
    assert_eq!(replay(&fanout(&log), 10, 8).await, Vec::<u64>::new());
}

#[tokio::test]
async fn two_topics_are_merged_by_time() {
    let log = FakeLog::with(4);
    let fanout = fanout(&log);
    let mailbox = Arc::new(Mailbox::new(1 << 20, Gauge::default()));
    let other = Topic { source: Source::Notification, name: "user/1".into() };
    let lanes = vec![Lane::new(samples::topic(), 0, 4), Lane::new(other, 2, 4)];
    let mut replay = Replay::new(fanout, mailbox, lanes);
    let mut batch = Vec::new();
    assert!(replay.next(&mut batch).await);
    assert_eq!(batch.iter().map(number).collect::<Vec<_>>(), [1, 2, 3, 3, 4, 4]);
}

/// One reader, one topic, and a service that both can lose.
struct World {
    log: FakeLog,
    fanout: Arc<Fanout>,
    /// What the service has said and the registry has not heard.
    wire: VecDeque<Said>,
    /// The last event that the service has sent on this stream.
    sent: Option<u64>,
    reader: Option<Reader>,
    received: Vec<u64>,
    cursor: u64,
}

enum Said {
    Event(Box<Event>),
    Added(u64),
}

struct Reader {
    membership: Membership,
    joining: Option<Joined>,
    positions: Positions,
    replay: Option<Replay>,
}

#[derive(Debug, Clone)]
enum Step {
    Append(u64),
    Hear(usize),
    Settle,
    Read(usize),
    Break,
    Reconnect,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1u64..40).prop_map(Step::Append),
        4 => (1usize..60).prop_map(Step::Hear),
        3 => Just(Step::Settle),
        4 => (1usize..4).prop_map(Step::Read),
        1 => Just(Step::Break),
        1 => Just(Step::Reconnect),
    ]
}

impl World {
    fn new(before: u64, cursor: u64) -> Self {
        let log = FakeLog::with(before);
        let fanout = fanout(&log);
        let mut world = Self {
            log,
            fanout,
            wire: VecDeque::new(),
            sent: None,
            reader: None,
            received: Vec::new(),
            cursor,
        };
        world.reconnect();
        world
    }

    fn registry(&self) -> &Registry {
        self.fanout.registry(Source::Chat)
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Append(count) => {
                self.log.append(count);
                self.send();
            }
            Step::Hear(count) => self.hear(count),
            Step::Settle => self.settle(),
            Step::Read(count) => (0..count).for_each(|_| self.read()),
            Step::Break => {
                self.wire.clear();
                self.sent = None;
                self.registry().disconnected();
            }
            Step::Reconnect => self.reconnect(),
        }
    }

    /// The client comes back with its cursor.
    fn reconnect(&mut self) {
        // The old socket's places are given up first, as they are when a connection ends.
        self.reader = None;
        let mut membership = Membership::new(self.fanout.clone(), 3_000, Gauge::default());
        let joining = Some(membership.join(samples::topic(), Interest::Everything));
        self.reader = Some(Reader { membership, joining, positions: Positions::default(), replay: None });
    }

    /// The service sends what it has not sent.
    fn send(&mut self) {
        if let Some(sent) = self.sent {
            self.wire.extend(self.log.after(sent).into_iter().map(|event| Said::Event(Box::new(event))));
            self.sent = Some(self.log.head());
        }
    }

    fn hear(&mut self, count: usize) {
        for _ in 0..count {
            match self.wire.pop_front() {
                Some(Said::Event(event)) => {
                    self.registry().publish(&[samples::packet(*event)]);
                }
                Some(Said::Added(after)) => {
                    self.registry().added(Source::Chat, "conversation/7", after, false)
                }
                None => return,
            }
        }
    }

    fn settle(&mut self) {
        let mut changes = Vec::new();
        let _ = self.registry().changes(&mut changes).now_or_never();
        for change in changes {
            match change {
                Change::Drop(_) => self.sent = None,
                Change::Add(_, after) => {
                    let after = after.unwrap_or(self.log.head());
                    self.wire.push_back(Said::Added(after));
                    self.sent = Some(after);
                    self.send();
                }
            }
        }
    }

    fn read(&mut self) {
        let Some(reader) = &mut self.reader else { return };
        if let Some(joined) = reader.joining.take() {
            let position = match joined {
                Joined::Live(position) => position,
                Joined::Asked(mut answer) => match answer.try_recv() {
                    Ok(position) => position,
                    Err(_) => {
                        reader.joining = Some(Joined::Asked(answer));
                        return;
                    }
                },
            };
            reader.positions.follow(samples::topic(), Some(self.cursor), position);
            let lanes = vec![Lane::new(samples::topic(), self.cursor, position)];
            reader.replay =
                Some(Replay::new(self.fanout.clone(), reader.membership.mailbox().clone(), lanes));
        }
        let mut batch = Vec::new();
        if let Some(replay) = &mut reader.replay {
            if replay.next(&mut batch).now_or_never() == Some(false) {
                reader.replay = None;
            }
        } else if let Some(Err(_)) = reader.membership.mailbox().take(&mut batch, 3).now_or_never() {
            return self.reconnect();
        }
        for delivery in batch {
            let Delivery::Event(packet) = delivery else { continue };
            if reader.positions.pass(packet.event()) != Pass::Seen {
                self.cursor = packet.event().sequence;
                self.received.push(self.cursor);
            }
        }
    }

    /// Goes on until nothing happens any more.
    fn finish(&mut self) {
        for _ in 0..2_000 {
            self.settle();
            self.hear(5);
            (0..4).for_each(|_| self.read());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn every_event_after_the_cursor_comes_once_and_in_order(
        before in 0u64..300,
        back in 0u64..300,
        steps in prop::collection::vec(step(), 0..60),
    ) {
        let since = before.saturating_sub(back);
        let mut world = World::new(before, since);
        for step in steps {
            world.take(step);
        }
        world.finish();
        prop_assert_eq!(world.received, (since + 1..=world.log.head()).collect::<Vec<_>>());
    }
}
