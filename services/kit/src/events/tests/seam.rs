//! What every bus and store must do together: a subscriber sees each topic's events once and in order, whatever the bus loses.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use causeway_proto::event::{AddTopic, Source, subscribe_request::Action, subscribe_response::Message};
use proptest::prelude::*;

use super::{House, ROOM};
use crate::bus::{Bus, Driver, Envelope, Local};

/// What the bus does with an event.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Passes,
    IsLost,
    ComesTwice,
    ComesAfterTheNext,
    IsLostWithAllOthers,
}

/// A bus that follows a script, and then passes everything on.
struct Lossy {
    script: Mutex<VecDeque<Fate>>,
    late: Mutex<Option<Arc<Envelope>>>,
}

impl Driver for Lossy {
    fn publish(&self, envelopes: &[Arc<Envelope>], local: &Local) {
        envelopes.iter().for_each(|envelope| self.bring(envelope, local));
    }
}

impl Lossy {
    fn bring(&self, envelope: &Arc<Envelope>, local: &Local) {
        let late = self.late.lock().unwrap().take();
        let mut brought = Vec::new();
        match self.script.lock().unwrap().pop_front().unwrap_or(Fate::Passes) {
            Fate::Passes => brought.push(envelope.clone()),
            Fate::IsLost => {}
            Fate::ComesTwice => brought.extend([envelope.clone(), envelope.clone()]),
            Fate::ComesAfterTheNext => *self.late.lock().unwrap() = Some(envelope.clone()),
            Fate::IsLostWithAllOthers => local.lag(),
        }
        brought.extend(late);
        local.deliver(&brought);
    }
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        3 => Just(Fate::Passes),
        2 => Just(Fate::IsLost),
        1 => Just(Fate::ComesTwice),
        1 => Just(Fate::ComesAfterTheNext),
        1 => Just(Fate::IsLostWithAllOthers),
    ]
}

/// Events of two topics; how many there are before the subscriber comes, and how many it has of them.
#[derive(Debug, Clone)]
struct Story {
    script: Vec<Fate>,
    before: usize,
    has: usize,
    bursts: Vec<usize>,
}

fn story() -> impl Strategy<Value = Story> {
    let bursts = prop::collection::vec(1..12_usize, 1..6);
    (prop::collection::vec(fate(), 0..80), 0..40_usize, 0..40_usize, bursts)
        .prop_map(|(script, before, has, bursts)| Story { script, before, has: has.min(before), bursts })
}

async fn lived_through(story: Story) {
    const TOPICS: [&str; 2] = [ROOM, "user/1"];
    let lossy = Lossy { script: Mutex::new(story.script.into()), late: Mutex::default() };
    let house = House::over(Bus::new(lossy, Local::default())).await;
    for topic in TOPICS {
        house.append(topic, story.before).await;
    }
    let has = u64::try_from(story.has).unwrap();
    let mut watcher = house.subscribe().await;
    for topic in TOPICS {
        let add = AddTopic { source: Source::Chat.into(), topic: topic.to_owned(), after: Some(has) };
        watcher.ask(Action::Add(add)).await;
    }
    let total = story.before + story.bursts.iter().sum::<usize>();
    let writing = async {
        for burst in story.bursts {
            tokio::join!(house.append(TOPICS[0], burst), house.append(TOPICS[1], burst));
        }
        // The last event may be lost, and no other comes to show the gap.
        house.hub.sweep(&house.store, &mut 0).await.unwrap();
    };
    let reading = async {
        let mut seen = [Vec::new(), Vec::new()];
        while seen.iter().map(Vec::len).sum::<usize>() < 2 * (total - story.has) {
            if let Message::Event(event) = watcher.next().await.unwrap() {
                seen[usize::from(event.topic == TOPICS[1])].push(event.sequence);
            }
        }
        seen
    };
    let (seen, ()) = tokio::join!(reading, writing);
    let expected: Vec<_> = (has + 1..=u64::try_from(total).unwrap()).collect();
    assert_eq!(seen, [expected.clone(), expected]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_subscriber_sees_everything_once_and_in_order_whatever_the_bus_does(story in story()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(lived_through(story));
    }
}
