//! An outbox keeps at it until an item is carried out or given up.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use causeway_proto::time::Clock;
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::task::TaskTracker;

use super::*;
use crate::store::{params, tests::Scratch};

/// A running outbox whose handler asks the test what to answer.
struct Desk {
    tasks: TaskTracker,
    stop: CancellationToken,
    batches: mpsc::Receiver<(Vec<Item>, tokio::sync::oneshot::Sender<Vec<Outcome>>)>,
}

impl Desk {
    fn open(store: &Store, options: Options) -> Self {
        let (ask, batches) = mpsc::channel(1);
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let handler = move |items| {
            let ask = ask.clone();
            async move {
                let (answer, outcomes) = tokio::sync::oneshot::channel();
                ask.send((items, answer)).await.unwrap();
                outcomes.await.unwrap_or_default()
            }
        };
        tasks.spawn(run(store.clone(), "away", options, stop.clone(), handler));
        Self { tasks, stop, batches }
    }

    /// Waits for a batch, answers it, and says what was in it: key and earlier attempts.
    async fn answer(&mut self, outcomes: Vec<Outcome>) -> Vec<(String, u32)> {
        let batch = tokio::time::timeout(Duration::from_secs(5), self.batches.recv());
        let (items, answer) = batch.await.expect("a batch within 5 s").unwrap();
        let seen = items.into_iter().map(|item| (item.key, item.attempts)).collect();
        answer.send(outcomes).unwrap();
        seen
    }

    async fn close(mut self) {
        self.stop.cancel();
        self.batches.close();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

fn quick() -> Options {
    Options { first: Duration::from_millis(2), longest: Duration::from_millis(10), ..Options::default() }
}

async fn owe(store: &Store, key: &'static str) {
    store.write(move |tx| tx.owe("away", key, b"payload".to_vec())).await.unwrap();
}

/// Key and last error of what is still in the outbox.
async fn left(store: &Store) -> Vec<(String, Option<String>, bool)> {
    let sql = "SELECT key, last_error, due_at IS NULL FROM outbox ORDER BY id";
    let rows = |row: &crate::store::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    store.read(move |reader| reader.all(sql, params![], rows)).await.unwrap()
}

fn scratch() -> Scratch {
    Scratch { clock: Clock::default(), ..Scratch::new() }
}

#[tokio::test]
async fn what_is_done_is_forgotten() {
    let scratch = scratch();
    let store = scratch.open().await;
    let mut desk = Desk::open(&store, quick());
    owe(&store, "a").await;
    assert_eq!(desk.answer(vec![Outcome::Done]).await, [("a".to_owned(), 0)]);
    desk.close().await;
    assert!(left(&store).await.is_empty());
}

#[tokio::test]
async fn what_is_owed_at_once_is_handed_over_at_once() {
    let scratch = scratch();
    let store = scratch.open().await;
    store
        .write(|tx| ["a", "b", "c"].iter().try_for_each(|key| tx.owe("away", key, Vec::new())))
        .await
        .unwrap();
    store.write(|tx| tx.owe("other", "x", Vec::new())).await.unwrap();
    let mut desk = Desk::open(&store, quick());
    let batch = desk.answer(vec![Outcome::Done, Outcome::Done, Outcome::Done]).await;
    assert_eq!(batch.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
    desk.close().await;
    assert_eq!(left(&store).await, [("x".to_owned(), None, false)]);
}

#[tokio::test]
async fn what_fails_is_tried_again_until_it_is_done() {
    let scratch = scratch();
    let store = scratch.open().await;
    let mut desk = Desk::open(&store, quick());
    owe(&store, "a").await;
    for attempts in 0..3 {
        assert_eq!(desk.answer(vec![Outcome::retry("busy")]).await, [("a".to_owned(), attempts)]);
    }
    // Not answered is not done either.
    assert_eq!(desk.answer(Vec::new()).await, [("a".to_owned(), 3)]);
    assert_eq!(desk.answer(vec![Outcome::Done]).await, [("a".to_owned(), 4)]);
    desk.close().await;
    assert!(left(&store).await.is_empty());
}

#[tokio::test]
async fn the_handler_may_say_when() {
    let scratch = scratch();
    let store = scratch.open().await;
    let mut desk = Desk::open(&store, quick());
    owe(&store, "later").await;
    let after = Some(Duration::from_secs(3600));
    desk.answer(vec![Outcome::Retry { reason: "not before the evening".into(), after }]).await;
    owe(&store, "now").await;
    assert_eq!(desk.answer(vec![Outcome::Done]).await, [("now".to_owned(), 0)]);
    desk.close().await;
    assert_eq!(left(&store).await, [("later".to_owned(), Some("not before the evening".to_owned()), false)]);
}

#[tokio::test]
async fn what_is_dead_stays_with_its_reason_and_is_not_tried_again() {
    let scratch = scratch();
    let store = scratch.open().await;
    let mut desk = Desk::open(&store, quick());
    owe(&store, "a").await;
    desk.answer(vec![Outcome::Dead("nobody there".into())]).await;
    owe(&store, "b").await;
    assert_eq!(desk.answer(vec![Outcome::Done]).await, [("b".to_owned(), 0)]);
    desk.close().await;
    assert_eq!(left(&store).await, [("a".to_owned(), Some("nobody there".to_owned()), true)]);
}

#[tokio::test]
async fn too_many_attempts_are_death() {
    let scratch = scratch();
    let store = scratch.open().await;
    let mut desk = Desk::open(&store, Options { attempts: Some(2), ..quick() });
    owe(&store, "a").await;
    desk.answer(vec![Outcome::retry("first")]).await;
    desk.answer(vec![Outcome::retry("second")]).await;
    desk.close().await;
    assert_eq!(left(&store).await, [("a".to_owned(), Some("second".to_owned()), true)]);
}

#[tokio::test]
async fn what_was_in_hand_at_a_crash_is_due_again() {
    let scratch = scratch();
    let store = scratch.open().await;
    owe(&store, "a").await;
    let mut desk = Desk::open(&store, Options { grace: Duration::ZERO, ..quick() });
    let in_hand = desk.batches.recv().await.unwrap();
    desk.close().await;
    drop(in_hand);
    store.close().await;
    drop(store);

    let store = scratch.open().await;
    let mut desk = Desk::open(&store, quick());
    assert_eq!(desk.answer(vec![Outcome::Done]).await, [("a".to_owned(), 0)]);
    desk.close().await;
}

#[test]
fn the_wait_doubles_up_to_the_longest_and_varies() {
    let options = Options::default();
    for attempts in 0..200 {
        let wait = options.backoff(attempts);
        let doubled = Duration::from_millis(500).saturating_mul(1 << attempts.min(10)).min(options.longest);
        assert!(wait >= doubled / 2 && wait <= doubled, "{attempts}: {wait:?}");
    }
}

/// Two processes with one store; `None` where PostgreSQL is not installed.
async fn two() -> Option<(Store, Store)> {
    crate::lease::tests::two_on([Clock::default(), Clock::default()]).await
}

/// A process that carries out what is owed, and writes down what and that nobody else does at the same time.
#[derive(Clone, Default)]
struct Ledger {
    at_work: Arc<AtomicUsize>,
    keys: Arc<Mutex<Vec<String>>>,
}

impl Ledger {
    fn employ(&self, store: &Store, stop: &CancellationToken) -> JoinHandle<()> {
        let ledger = self.clone();
        let handler = move |items: Vec<Item>| {
            let ledger = ledger.clone();
            async move {
                assert_eq!(ledger.at_work.fetch_add(1, Ordering::SeqCst), 0, "one at a time");
                tokio::time::sleep(Duration::from_millis(10)).await;
                ledger.at_work.fetch_sub(1, Ordering::SeqCst);
                ledger.keys.lock().unwrap().extend(items.iter().map(|item| item.key.clone()));
                vec![Outcome::Done; items.len()]
            }
        };
        let options = Options { batch: 4, ..quick() };
        tokio::spawn(run(store.clone(), "away", options, stop.clone(), handler))
    }

    async fn holds(&self, count: usize) {
        let held = async {
            while self.keys.lock().unwrap().len() < count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), held).await.expect("all is carried out within 10 s");
    }
}

#[tokio::test]
async fn of_two_processes_one_carries_out_what_both_owe_and_the_other_goes_on() {
    let Some((one, other)) = two().await else { return };
    let (ledger, first, last) = (Ledger::default(), CancellationToken::new(), CancellationToken::new());
    let tasks = [ledger.employ(&one, &first), ledger.employ(&other, &last)];
    for number in 0..60 {
        let store = if number % 2 == 0 { &one } else { &other };
        store.write(move |tx| tx.owe("away", &number.to_string(), Vec::new())).await.unwrap();
        if number == 30 {
            first.cancel();
        }
    }
    ledger.holds(60).await;
    last.cancel();
    for task in tasks {
        task.await.unwrap();
    }
    let mut keys: Vec<u32> = ledger.keys.lock().unwrap().iter().map(|key| key.parse().unwrap()).collect();
    keys.sort_unstable();
    assert_eq!(keys, (0..60).collect::<Vec<_>>(), "each once");
    assert!(left(&one).await.is_empty());
}

#[tokio::test]
async fn what_a_process_had_in_hand_that_died_is_carried_out_by_another_within_ten_seconds() {
    let Some((one, other)) = two().await else { return };
    let stop = CancellationToken::new();
    let (ask, mut asked) = mpsc::channel(1);
    let never = move |items: Vec<Item>| {
        let ask = ask.clone();
        async move {
            ask.send(items).await.unwrap();
            std::future::pending().await
        }
    };
    let dying = tokio::spawn(run(one.clone(), "away", quick(), stop.clone(), never));
    owe(&other, "a").await;
    let in_hand = tokio::time::timeout(Duration::from_secs(5), asked.recv()).await;
    assert_eq!(in_hand.expect("it is handed over within 5 s").unwrap()[0].key, "a");
    let ledger = Ledger::default();
    let task = ledger.employ(&other, &stop);
    dying.abort();
    ledger.holds(1).await;
    stop.cancel();
    task.await.unwrap();
    assert!(left(&other).await.is_empty());
}
