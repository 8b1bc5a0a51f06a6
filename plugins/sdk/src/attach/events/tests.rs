use causeway_proto::plugin::Unknown;

use super::*;
use crate::event;

/// Events that are pushed, sent and settled in a test.
struct Bench {
    events: Events,
    now: Instant,
}

impl Bench {
    /// A stream with credit for `credit` events of an instance that the host does not know.
    fn attached(credit: u32) -> Self {
        let mut bench = Self { events: Events::default(), now: Instant::now() };
        bench.events.welcome(credit, 0);
        bench
    }

    fn push(&mut self, partition: &str) -> oneshot::Receiver<Settled> {
        self.push_event(event("bot", "id", partition, Body::Unknown(Unknown::default())))
    }

    fn push_event(&mut self, event: InboundEvent) -> oneshot::Receiver<Settled> {
        let (settle, settled) = oneshot::channel();
        self.events.push(Push { event: Box::new(event), settle });
        settled
    }

    /// The sequences that are sent now.
    fn sent(&mut self) -> Vec<u64> {
        std::iter::from_fn(|| self.events.next(self.now)).map(|event| event.sequence).collect()
    }

    fn say(&mut self, sequence: u64, code: OutcomeCode) -> Option<&'static str> {
        let outcome = Outcome { sequence, code: code.into(), retry_after_ms: 100, ..Outcome::default() };
        self.events.outcome(outcome, self.now)
    }

    fn pass(&mut self, milliseconds: u64) {
        self.now += Duration::from_millis(milliseconds);
    }
}

#[test]
fn events_are_numbered_from_one_and_sent_within_credit() {
    let mut bench = Bench::attached(2);
    let _settled: Vec<_> = (0..3).map(|_| bench.push("a")).collect();
    assert_eq!(bench.sent(), [1, 2]);
    bench.say(1, OutcomeCode::Accepted);
    assert_eq!(bench.sent(), [0; 0], "an outcome is no credit");
    bench.events.grant(5);
    assert_eq!(bench.sent(), [3]);
}

#[test]
fn whoever_pushed_hears_what_became_of_it_in_any_order() {
    let mut bench = Bench::attached(9);
    let mut settled: Vec<_> = (0..4).map(|_| bench.push("a")).collect();
    bench.sent();
    let codes = [OutcomeCode::Rejected, OutcomeCode::Ignored, OutcomeCode::Duplicate, OutcomeCode::Accepted];
    for (sequence, code) in (1..=4).rev().zip(codes) {
        assert!(bench.say(sequence, code).is_some());
    }
    let heard: Vec<_> = settled.iter_mut().map(|settled| settled.try_recv().unwrap()).collect();
    let reason = String::new;
    assert_eq!(
        heard,
        [Settled::Accepted, Settled::Duplicate, Settled::Ignored(reason()), Settled::Rejected(reason())]
    );
    assert_eq!((bench.events.len(), bench.events.bytes, bench.events.in_flight()), (0, 0, 0));
    assert_eq!(bench.say(1, OutcomeCode::Rejected), None, "it is settled already");
}

#[test]
fn a_new_stream_repeats_what_is_not_settled_in_order_and_with_the_same_numbers() {
    let mut bench = Bench::attached(9);
    let mut settled: Vec<_> = (0..5).map(|_| bench.push("a")).collect();
    bench.sent();
    bench.say(4, OutcomeCode::Accepted);
    assert_eq!(bench.events.welcome(9, 2), 2);
    assert_eq!(settled[1].try_recv(), Ok(Settled::Accepted), "the host has it; what it said of it is lost");
    assert_eq!(bench.sent(), [3, 5]);
    drop(bench.push("a"));
    assert_eq!(bench.sent(), [6]);
}

#[test]
fn an_event_is_sent_again_after_its_time_and_those_of_its_partition_after_it() {
    let mut bench = Bench::attached(99);
    let _settled: Vec<_> = ["a", "b", "a", "a"].map(|partition| bench.push(partition)).into();
    assert_eq!(bench.sent(), [1, 2, 3, 4]);
    // 4 is answered first, and must still wait for 1 and 3.
    for sequence in [4, 1, 3] {
        assert_eq!(bench.say(sequence, OutcomeCode::RetryAfter), Some("retry_after"));
    }
    bench.pass(99);
    assert_eq!(bench.sent(), [0; 0]);
    assert_eq!(bench.events.wake(), Some(bench.now + Duration::from_millis(1)));
    bench.pass(1);
    assert_eq!(bench.sent(), [1, 3, 4]);
    assert_eq!(bench.events.wake(), None);
}

#[test]
fn a_new_stream_sends_in_order_of_numbers_even_what_was_to_wait() {
    let mut bench = Bench::attached(9);
    let _settled: Vec<_> = ["a", "b"].map(|partition| bench.push(partition)).into();
    bench.sent();
    bench.say(1, OutcomeCode::RetryAfter);
    bench.events.welcome(9, 0);
    // A host may take a number that is left out for settled.
    assert_eq!(bench.sent(), [1, 2]);
}

#[test]
fn without_credit_nothing_is_sent_again_either() {
    let mut bench = Bench::attached(1);
    let _settled = bench.push("a");
    assert_eq!(bench.sent(), [1]);
    bench.say(1, OutcomeCode::RetryAfter);
    bench.pass(100);
    assert_eq!((bench.sent(), bench.events.wake()), (vec![], None));
    bench.events.grant(1);
    assert_eq!(bench.sent(), [1]);
}

#[test]
fn what_waits_is_bounded_in_number_and_in_bytes() {
    let mut bench = Bench::attached(0);
    while bench.events.has_room() {
        drop(bench.push("a"));
    }
    assert_eq!(bench.events.len(), MAX_EVENTS);

    let mut bench = Bench::attached(0);
    let payload = vec![0; 200 << 10];
    let large = Body::Malformed(Malformed { payload, ..Malformed::default() });
    while bench.events.has_room() {
        drop(bench.push_event(event("bot", "id", "", large.clone())));
    }
    assert!(bench.events.len() < 90 && bench.events.bytes < MAX_BYTES + LARGEST);
}

#[test]
fn an_event_that_is_too_large_is_kept_in_part_and_stops_nothing() {
    let mut bench = Bench::attached(1);
    let payload = vec![0; LARGEST];
    let large = Body::Malformed(Malformed { payload, ..Malformed::default() });
    drop(bench.push_event(event("bot", "id", "a", large)));
    let sent = bench.events.next(bench.now).unwrap();
    assert!(sent.encoded_len() <= LARGEST);
    assert_eq!((sent.account.as_str(), sent.provider_id.as_str(), sent.sequence), ("bot", "id", 1));
    assert!(matches!(sent.body, Some(Body::Malformed(kept)) if kept.payload.len() == KEPT));
}
