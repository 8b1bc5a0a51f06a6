//! What every store must do. Written against [`Store`] alone: with `CAUSEWAY_TEST_STORE=postgres` the other engine passes the same
//! tests.

use std::{
    collections::HashMap,
    sync::{RwLock, mpsc as sync_mpsc},
};

use causeway_proto::{
    chat::MessagesRead,
    event::{Source, event::Body},
    topic::Topic,
};
use futures_util::{
    FutureExt,
    future::{BoxFuture, join_all},
};
use tempfile::TempDir;
use tokio::time::timeout;

use super::{
    log::{self, Extent},
    *,
};
use crate::{bus::Signal, testing};

pub(crate) const SCHEMA: &[Migration] = &[Migration {
    version: 1,
    name: "notes",
    sql: "CREATE TABLE note (
        id INTEGER PRIMARY KEY,
        text TEXT NOT NULL,
        parent INTEGER REFERENCES note (id) DEFERRABLE INITIALLY DEFERRED
    ) STRICT",
    postgres: "",
}];

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const TOPIC: Topic<'static> = Topic::Conversation("7");

/// A store in a directory of its own.
pub(crate) struct Scratch {
    pub(crate) dir: TempDir,
    pub(crate) storage: Storage,
    pub(crate) bus: Bus,
    pub(crate) clock: Clock,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        Self::over(Bus::default())
    }

    pub(crate) fn over(bus: Bus) -> Self {
        let dir = TempDir::new().unwrap();
        Self { storage: testing::storage(dir.path()), dir, bus, clock: Clock::manual(1_000_000) }
    }

    /// In files, whatever engine is tested.
    pub(crate) fn in_files() -> Self {
        let scratch = Self::new();
        Self { storage: Storage::Files(scratch.dir.path().to_owned()), ..scratch }
    }

    pub(crate) fn options(&self) -> StoreOptions {
        StoreOptions {
            storage: self.storage.clone(),
            name: "test",
            migrations: SCHEMA,
            clock: self.clock.clone(),
            bus: self.bus.clone(),
            retain: Duration::from_secs(60),
        }
    }

    pub(crate) async fn open(&self) -> Store {
        self.try_open().await.unwrap()
    }

    /// Why it cannot be opened.
    pub(crate) async fn refusal(&self) -> OpenError {
        match self.try_open().await {
            Ok(_) => panic!("opened"),
            Err(refusal) => refusal,
        }
    }

    async fn try_open(&self) -> Result<Store, OpenError> {
        Store::open(self.options(), &Metrics::default()).await
    }
}

pub(crate) fn body() -> Body {
    Body::MessagesRead(MessagesRead::default())
}

pub(crate) fn append(tx: &mut Tx<'_>) -> Result<u64, Error> {
    tx.append(Source::Chat, TOPIC, body())
}

pub(crate) fn note(tx: &Tx<'_>, text: &str) -> Result<i64, Error> {
    tx.insert("INSERT INTO note (text) VALUES (?1)", [text])
}

pub(crate) async fn notes(store: &Store) -> Vec<String> {
    store.read(|reader| reader.all("SELECT text FROM note ORDER BY id", [], |row| row.get(0))).await.unwrap()
}

/// Keeps the writer busy until what is answered is dropped, so that the jobs after it share a group.
async fn hold(store: &Store) -> sync_mpsc::Sender<()> {
    let (release, released) = sync_mpsc::channel::<()>();
    let (started, running) = oneshot::channel();
    let store = store.clone();
    tokio::spawn(async move {
        let job = move |_: &mut Tx<'_>| {
            started.send(()).unwrap();
            let _ = released.recv();
            Ok(())
        };
        store.write(job).await
    });
    running.await.unwrap();
    release
}

#[tokio::test]
async fn what_was_answered_is_there_after_opening_again() {
    let scratch = Scratch::new();
    let store = scratch.open().await;
    store.write(|tx| note(tx, "kept")).await.unwrap();
    store.close().await;
    drop(store);
    assert_eq!(notes(&scratch.open().await).await, ["kept"]);
}

#[tokio::test]
async fn jobs_run_in_the_order_in_which_they_are_asked_for() {
    let scratch = Scratch::new();
    let store = scratch.open().await;
    let ask = |n: u32| {
        let store = store.clone();
        tokio::spawn(async move { store.write(move |tx| note(tx, &n.to_string())).await.unwrap() })
    };
    // Tasks of a runtime with one thread start in the order in which they are spawned.
    join_all((0..1000).map(ask)).await;
    let expected: Vec<_> = (0..1000).map(|n| n.to_string()).collect();
    assert_eq!(notes(&store).await, expected);
}

#[tokio::test]
async fn a_job_that_fails_takes_back_its_own_effects_alone() {
    let scratch = Scratch::new();
    let mut bus = scratch.bus.subscribe();
    bus.take(Source::Chat, "conversation/7");
    let store = scratch.open().await;
    let held = hold(&store).await;
    let good = |text| store.write(move |tx| note(tx, text).and_then(|_| append(tx)));
    let bad = store.write(|tx| {
        note(tx, "bad")?;
        append(tx)?;
        Err::<u64, _>(Error::not_found("friend"))
    });
    let panics = store.write(|tx| -> Result<u64, Error> {
        note(tx, "worse").unwrap();
        panic!("on purpose");
    });
    let release = async { drop(held) };
    let (first, bad, panics, second, ()) = tokio::join!(good("one"), bad, panics, good("two"), release);

    assert_eq!((first.unwrap(), second.unwrap()), (1, 2));
    assert!(matches!(bad, Err(Error::NotFound(_))));
    assert!(matches!(panics, Err(Error::Internal(_))));
    assert_eq!(notes(&store).await, ["one", "two"]);
    for expected in 1..=2 {
        let Signal::Event(envelope) = bus.recv().await else { panic!("no event") };
        assert_eq!(envelope.sequence, expected);
    }
    assert!(bus.recv().now_or_never().is_none());
}

#[tokio::test]
async fn when_the_commit_fails_nothing_of_the_group_is_acknowledged_or_published() {
    let scratch = Scratch::new();
    let mut bus = scratch.bus.subscribe();
    bus.take(Source::Chat, "conversation/7");
    let store = scratch.open().await;
    let held = hold(&store).await;
    let innocent = store.write(|tx| note(tx, "innocent").and_then(|_| append(tx)));
    // A reference to nothing, which SQLite checks at the commit.
    let guilty = store.write(|tx| tx.execute("INSERT INTO note (text, parent) VALUES ('orphan', 99)", []));
    let (innocent, guilty, ()) = tokio::join!(innocent, guilty, async { drop(held) });

    assert!(matches!(innocent, Err(Error::Unavailable(_))));
    assert!(matches!(guilty, Err(Error::Unavailable(_))));
    assert!(notes(&store).await.is_empty());
    assert!(bus.recv().now_or_never().is_none());
    assert_eq!(store.write(append).await.unwrap(), 1);
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused_and_left_alone() {
    let scratch = Scratch::new();
    let store = scratch.open().await;
    let newer = "INSERT INTO migration (owner, version, name, applied_at) VALUES ('test', 2, 'later', 0)";
    store.write(move |tx| tx.execute(newer, [])).await.unwrap();
    store.close().await;
    drop(store);

    let refusal = scratch.refusal().await;
    assert!(matches!(refusal, OpenError::NewerSchema { found: 2, known: 1, .. }), "{refusal}");
    assert!(refusal.to_string().contains("version 2 of the test schema"));
}

#[tokio::test]
async fn time_never_goes_backwards() {
    let scratch = Scratch::new();
    let store = scratch.open().await;
    scratch.clock.set(5_000_000);
    assert_eq!(store.write(|tx| Ok(tx.now_micros())).await.unwrap(), 5_000_000);
    scratch.clock.set(4_000_000);
    assert_eq!(store.write(|tx| Ok(tx.now_micros())).await.unwrap(), 5_000_000);
}

#[tokio::test]
async fn a_read_job_sees_one_state() {
    let scratch = Scratch::new();
    let store = scratch.open().await;
    let (write, written) = sync_mpsc::channel::<()>();
    let (started, reading) = oneshot::channel();
    let count = |reader: &Reader<'_>| reader.one("SELECT count(*) FROM note", [], |row| row.get::<i64>(0));
    let read = store.read(move |reader| {
        let before = count(reader)?;
        started.send(()).unwrap();
        written.recv().unwrap();
        Ok((before, count(reader)?))
    });
    let meanwhile = async {
        reading.await.unwrap();
        store.write(|tx| note(tx, "new")).await.unwrap();
        write.send(()).unwrap();
    };
    let (read, ()) = tokio::join!(read, meanwhile);
    assert_eq!(read.unwrap(), (Some(0), Some(0)));
    assert_eq!(notes(&store).await, ["new"]);
}

/// Begins each, and looks at none again.
fn begin<T>(asked: &mut [BoxFuture<'_, T>]) {
    assert!(asked.iter_mut().all(|asked| asked.as_mut().now_or_never().is_none()));
}

#[tokio::test]
async fn reads_that_nobody_looks_at_keep_no_reader_from_others() {
    let scratch = Scratch::new();
    let store = scratch.open().await;
    let gate = Arc::new(RwLock::new(()));
    let ask = |_| {
        let gate = gate.clone();
        let pass = move |_: &Reader<'_>| gate.read().map(drop).map_err(|_| Error::internal("poison"));
        store.read(pass).boxed()
    };
    let mut asked: Vec<_> = (0..200).map(ask).collect();
    let closed = gate.write().unwrap();
    begin(&mut asked);
    drop(closed);
    timeout(PATIENCE, notes(&store)).await.expect("a reader is free");
}

#[tokio::test]
async fn writes_that_nobody_looks_at_keep_no_room_from_others() {
    let scratch = Scratch::new();
    let store = scratch.open().await;
    let release = hold(&store).await;
    let mut asked: Vec<_> = (0..open::QUEUE * 2).map(|_| store.write(|_| Ok(())).boxed()).collect();
    begin(&mut asked);
    drop(release);
    timeout(PATIENCE, store.write(|tx| note(tx, "new"))).await.expect("there is room").unwrap();
}

#[tokio::test]
async fn closing_finishes_what_is_queued_and_refuses_the_rest() {
    let scratch = Scratch::new();
    let store = scratch.open().await;
    let (last, ()) = tokio::join!(store.write(|tx| note(tx, "last")), store.close());
    last.unwrap();
    assert!(matches!(store.write(|tx| note(tx, "late")).await, Err(Error::Unavailable(_))));
    assert_eq!(notes(&store).await, ["last"]);
    assert!(!*store.health().borrow());
}

#[tokio::test]
async fn what_is_trimmed_is_known_to_be_gone_and_its_numbers_are_not_given_again() {
    let scratch = Scratch::new();
    let store = scratch.open().await;
    let extent = async || store.read(|reader| log::extent(reader, "conversation/7")).await.unwrap();
    for _ in 0..3 {
        store.write(append).await.unwrap();
    }
    scratch.clock.set(1_000_000 + 61_000_000);
    store.write(append).await.unwrap();
    assert_eq!(extent().await, Extent { head: 4, oldest: 1 });

    store.trim().await.unwrap();
    assert_eq!(extent().await, Extent { head: 4, oldest: 4 });
    scratch.clock.set(1_000_000 + 200_000_000);
    store.trim().await.unwrap();
    assert_eq!(extent().await, Extent { head: 4, oldest: 5 });
    assert_eq!(store.write(append).await.unwrap(), 5);
}

#[tokio::test]
async fn a_long_log_is_trimmed_to_its_end() {
    let scratch = Scratch::new();
    let store = scratch.open().await;
    for _ in 0..3 {
        store.write(|tx| (0..500).try_for_each(|_| append(tx).map(drop))).await.unwrap();
    }
    scratch.clock.set(100_000_000);
    store.trim().await.unwrap();
    let kept = store.read(|reader| reader.one("SELECT count(*) FROM event", [], |row| row.get::<i64>(0)));
    assert_eq!(kept.await.unwrap(), Some(0));
}

#[tokio::test]
async fn ids_and_sequence_numbers_are_right_whatever_was_taken_back_between_them() {
    let scratch = Scratch::new();
    let store = scratch.open().await;
    let mixed = store.write(|tx| {
        let mut ids = vec![note(tx, "1")?, note(tx, "2")?];
        append(tx)?;
        let failed: Result<i64, Error> = tx.attempt(|tx| {
            note(tx, "taken back")?;
            append(tx)?;
            Err(Error::not_found("anything"))
        });
        assert!(failed.is_err());
        ids.push(note(tx, "3")?);
        tx.send("INSERT INTO note (text) VALUES (?1)", ["4"])?;
        ids.push(note(tx, "5")?);
        Ok((ids, append(tx)?))
    });
    let (ids, sequence) = mixed.await.unwrap();
    assert_eq!(sequence, 2);
    let stored = store
        .read(|reader| reader.all("SELECT id, text FROM note", [], |row| Ok((row.get(0)?, row.get(1)?))));
    let stored: HashMap<i64, String> = stored.await.unwrap().into_iter().collect();
    assert_eq!(ids.iter().map(|id| stored[id].as_str()).collect::<Vec<_>>(), ["1", "2", "3", "5"]);
    assert_eq!(stored.len(), 5);
}
