//! What holds of PostgreSQL alone: several processes have one store, and the server comes and goes.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use causeway_proto::time::Clock;
use futures_util::future::join_all;
use tokio::{sync::oneshot, time::sleep};

use super::Postgres;
use crate::{
    bus::Bus,
    error::Error,
    metrics::Metrics,
    store::{
        OpenError, Storage, Store, StoreOptions, Tx,
        log::{self, Extent},
        tests::{SCHEMA, TOPIC, append, note, notes},
    },
    testing::postgres::Postgres as Server,
};

const PATIENCE: Duration = Duration::from_secs(20);

fn options(url: &str) -> StoreOptions {
    let server = Postgres::new(url, None, 2, Duration::from_secs(1)).unwrap();
    StoreOptions {
        storage: Storage::Postgres(Arc::new(server)),
        name: "test",
        migrations: SCHEMA,
        clock: Clock::default(),
        bus: Bus::default(),
        retain: Duration::from_secs(60),
    }
}

async fn open(url: &str) -> Store {
    Store::open(options(url), &Metrics::default()).await.unwrap()
}

fn is_unavailable<T>(result: &Result<T, Error>) -> bool {
    matches!(result, Err(Error::Unavailable(_)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_write_one_log_without_a_gap() {
    let Some(server) = Server::shared() else { return };
    let url = server.database("two_processes_write_one_log");
    let (one, other) = tokio::join!(open(&url), open(&url));
    let writes = (0..300).map(|n| if n % 2 == 0 { one.write(append) } else { other.write(append) });
    let mut sequences: Vec<_> = join_all(writes).await.into_iter().map(Result::unwrap).collect();
    sequences.sort_unstable();
    assert_eq!(sequences, (1..=300).collect::<Vec<_>>());
    let in_order = "SELECT count(*) FROM event AS a JOIN event AS b ON b.sequence = a.sequence + 1
                    WHERE b.position <= a.position";
    let disordered = one.read(move |reader| reader.one(in_order, [], |row| row.get::<i64>(0))).await;
    assert_eq!(disordered.unwrap(), Some(0));
    let extent = other.read(|reader| log::extent(reader, "conversation/7")).await.unwrap();
    assert_eq!(extent, Extent { head: 300, oldest: 1 });
}

#[tokio::test]
async fn a_server_that_goes_is_told_soon_and_one_that_comes_back_is_used() {
    let Some(mut server) = Server::start() else { return };
    let store = open(&server.database("a_server_that_goes")).await;
    store.write(|tx| note(tx, "before")).await.unwrap();
    server.stop();
    let asked = Instant::now();
    let many = join_all((0..200).map(|_| store.write(|tx| note(tx, "meanwhile")))).await;
    assert!(many.iter().all(is_unavailable));
    assert!(is_unavailable(&store.read(|reader| reader.one("SELECT 1", [], |row| row.get::<i64>(0))).await));
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    assert!(!*store.health().borrow() && !store.broken().is_cancelled());

    server.resume();
    let until = Instant::now() + PATIENCE;
    while !*store.health().borrow() {
        assert!(Instant::now() < until, "the store is not well again");
        store.probe().await;
        sleep(Duration::from_millis(50)).await;
    }
    store.write(|tx| note(tx, "after")).await.unwrap();
    assert_eq!(notes(&store).await, ["before", "after"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_was_started_again_between_two_calls_is_not_even_noticed() {
    let Some(mut server) = Server::start() else { return };
    let store = open(&server.database("a_server_that_was_started_again")).await;
    store.write(|tx| note(tx, "before")).await.unwrap();
    assert_eq!(notes(&store).await, ["before"]);
    server.stop();
    server.resume();
    sleep(Duration::from_millis(1_100)).await;
    assert_eq!(notes(&store).await, ["before"]);
    store.write(|tx| note(tx, "after")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_falls_silent_in_the_middle_stops_others_for_seconds_only() {
    let Some(server) = Server::shared() else { return };
    let url = server.database("a_process_that_falls_silent");
    let (silent, other) = (open(&url).await, open(&url).await);
    let (begins, has_begun) = oneshot::channel();
    let lost = tokio::spawn(async move {
        let write = silent.write(|tx| {
            note(tx, "of the silent")?;
            let _ = begins.send(());
            thread::sleep(Duration::from_secs(3));
            note(tx, "too late")
        });
        write.await
    });
    has_begun.await.unwrap();
    other.write(|tx| note(tx, "of the other")).await.unwrap();
    assert!(!lost.is_finished(), "the other has not waited for the silent one");
    assert!(is_unavailable(&lost.await.unwrap()));
    assert_eq!(notes(&other).await, ["of the other"]);
}

#[tokio::test]
async fn a_process_whose_schema_was_overtaken_says_so_and_writes_nothing() {
    let Some(server) = Server::shared() else { return };
    let url = server.database("a_process_whose_schema_was_overtaken");
    let store = open(&url).await;
    let newer = "INSERT INTO migration (owner, version, name, applied_at) VALUES ('test', 2, 'later', 0)";
    store.write(move |tx| tx.execute(newer, [])).await.unwrap();
    assert!(is_unavailable(&store.write(|tx| note(tx, "outdated")).await));
    assert!(store.broken().is_cancelled());
    let refusal = Store::open(options(&url), &Metrics::default()).await.err().unwrap();
    assert!(matches!(refusal, OpenError::NewerSchema { found: 2, known: 1, .. }), "{refusal}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_waited_for_and_then_named_without_its_password() {
    let url = "postgres://causeway:hunter2@127.0.0.1:1/causeway";
    let begun = Instant::now();
    let refusal = Store::open(options(url), &Metrics::default()).await.err().unwrap().to_string();
    assert!(begun.elapsed() >= Duration::from_secs(1));
    assert!(
        refusal.starts_with("the PostgreSQL database causeway at 127.0.0.1 (store.url) cannot be reached: "),
        "{refusal}"
    );
    assert!(refusal.contains("refused") && !refusal.contains("hunter2"), "{refusal}");
}

#[tokio::test]
async fn a_password_that_is_wrong_is_not_waited_for() {
    let Some(server) = Server::shared() else { return };
    let url = server.database("a_password_that_is_wrong").replace("causeway:", "causeway:not-");
    let refusal = Store::open(options(&url), &Metrics::default()).await.err().unwrap().to_string();
    assert!(refusal.contains("password authentication failed"), "{refusal}");
}

#[tokio::test]
async fn the_database_keeps_the_time() {
    let Some(server) = Server::shared() else { return };
    let url = server.database("the_database_keeps_the_time");
    let clock = Clock::default();
    clock.follow(1_000_000);
    let store =
        Store::open(StoreOptions { clock: clock.clone(), ..options(&url) }, &Metrics::default()).await;
    let now = store.unwrap().write(|tx| Ok(tx.now_micros())).await.unwrap();
    assert!((Clock::default().now_micros() - now).abs() < 60_000_000);
    assert!((clock.now_micros() - now).abs() < 60_000_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_may_start_at_once_on_an_empty_database() {
    let Some(server) = Server::shared() else { return };
    let url = server.database("many_may_start_at_once");
    let stores = join_all((0..4).map(|_| open(&url))).await;
    assert_eq!(stores[3].write(append).await.unwrap(), 1);
    assert_eq!(stores[0].write(append).await.unwrap(), 2);
}

#[tokio::test]
async fn what_a_job_foresees_is_answered_once_and_to_it_alone() {
    const COUNT: &str = "SELECT count(*) FROM note";
    fn count(tx: &Tx<'_>) -> Result<Option<i64>, Error> {
        tx.one(COUNT, [], |row| row.get(0))
    }
    let Some(server) = Server::shared() else { return };
    let store = open(&server.database("what_a_job_foresees")).await;
    let counts = store.write(|tx| {
        tx.foresee(COUNT, [])?;
        note(tx, "a")?;
        Ok((count(tx)?, count(tx)?))
    });
    assert_eq!(counts.await.unwrap(), (Some(0), Some(1)), "as it was when it was asked, and then as it is");
    let forgotten = store.write(|tx| {
        tx.foresee(COUNT, [])?;
        tx.attempt::<_, Error>(|tx| {
            note(tx, "b")?;
            count(tx)
        })
    });
    assert_eq!(forgotten.await.unwrap(), Some(2));
    let in_order = store.write(|tx| {
        tx.foresee_event(TOPIC)?;
        Ok((append(tx)?, append(tx)?))
    });
    assert_eq!(in_order.await.unwrap(), (1, 2));
}

#[tokio::test]
async fn a_large_answer_that_was_foreseen_is_in_nobodys_way() {
    const MANY: &str = "SELECT repeat('a', 100000) FROM generate_series(1, 100)";
    let Some(server) = Server::shared() else { return };
    let store = open(&server.database("a_large_answer_that_was_foreseen")).await;
    let read = store.read(|reader| {
        reader.foresee(MANY, [])?;
        // Has to be prepared first, which is asked and answered behind it.
        let one = reader.one("SELECT 1 FROM note", [], |row| row.get::<i64>(0))?;
        let many = reader.all(MANY, [], |row| Ok(row.get::<String>(0)?.len()))?;
        Ok((one, many.len()))
    });
    assert_eq!(read.await.unwrap(), (None, 100));
}

#[tokio::test]
async fn a_job_whose_foreseen_question_fails_is_not_stored_though_it_never_asks() {
    let Some(server) = Server::shared() else { return };
    let store = open(&server.database("a_job_whose_foreseen_question_fails")).await;
    let failed = store.write(|tx| {
        note(tx, "lost")?;
        tx.foresee("SELECT 1 / (count(*) - count(*)) FROM note", [])
    });
    assert!(is_unavailable(&failed.await));
    store.write(|tx| note(tx, "kept")).await.unwrap();
    assert_eq!(notes(&store).await, ["kept"]);
}
