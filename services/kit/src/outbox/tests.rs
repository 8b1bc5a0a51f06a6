//! An outbox keeps at it until an item is carried out or given up.

use tokio::sync::mpsc;
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
    Scratch { clock: causeway_proto::time::Clock::default(), ..Scratch::new() }
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
