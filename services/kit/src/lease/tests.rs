//! One owner for each piece of work, among processes that stop, die and are paused.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use causeway_proto::time::Clock;
use tokio::{
    runtime,
    time::{sleep, timeout},
};

use super::*;
use crate::{
    bus::Bus,
    store::tests::{Scratch, note, notes},
    testing,
};

const HOUR: i64 = 3_600_000_000;

/// Two stores that are one, each as a process has it, on these clocks; `None` where PostgreSQL is not installed.
pub(crate) async fn two_on(clocks: [Clock; 2]) -> Option<(Store, Store)> {
    let scratch = Scratch::new();
    let storage = testing::shared(scratch.dir.path())?;
    let [clock, other] = clocks;
    let one = Scratch { storage, clock, ..scratch };
    let store = one.open().await;
    // Each has a bus of its own, which does not reach the other.
    let other = Scratch { clock: other, bus: Bus::default(), ..one };
    Some((store, other.open().await))
}

/// Two on clocks that differ by an hour.
async fn two() -> Option<(Store, Store)> {
    two_on([Clock::manual(HOUR), Clock::manual(2 * HOUR)]).await
}

/// Who works when.
#[derive(Clone, Default)]
struct Rota {
    at_work: Arc<AtomicUsize>,
    steps: Arc<Mutex<Vec<(&'static str, Instant)>>>,
}

impl Rota {
    /// Works in small steps until the stop, or until it is dropped.
    async fn work(self, who: &'static str, stop: CancellationToken) {
        struct Place(Arc<AtomicUsize>);
        impl Drop for Place {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::SeqCst);
            }
        }
        assert_eq!(self.at_work.fetch_add(1, Ordering::SeqCst), 0, "one at a time");
        let _place = Place(self.at_work.clone());
        while !stop.is_cancelled() {
            self.steps.lock().unwrap().push((who, Instant::now()));
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// A process that works when it is its turn.
    fn employ(
        &self,
        store: &Store,
        who: &'static str,
        stop: &CancellationToken,
    ) -> impl Future<Output = ()> + use<> {
        let (rota, lease, stop) = (self.clone(), Lease::new(store, "work"), stop.clone());
        async move {
            lease.keep_at(&stop, |_| rota.clone().work(who, stop.clone())).await;
        }
    }

    fn last(&self, who: &str) -> Option<Instant> {
        self.steps.lock().unwrap().iter().rev().find(|step| step.0 == who).map(|step| step.1)
    }

    fn first(&self, who: &str) -> Option<Instant> {
        self.steps.lock().unwrap().iter().find(|step| step.0 == who).map(|step| step.1)
    }

    /// Waits until somebody works.
    async fn sees(&self, who: &str, within: Duration) {
        let seen = async {
            while self.last(who).is_none() {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(within, seen).await.unwrap_or_else(|_| panic!("{who} does not work within {within:?}"));
    }
}

async fn leases(store: &Store) -> Vec<String> {
    store
        .read(|reader| reader.all("SELECT name FROM lease ORDER BY name", [], |row| row.get(0)))
        .await
        .unwrap()
}

#[tokio::test]
async fn in_a_store_of_ones_own_work_just_runs() {
    let scratch = Scratch::in_files();
    let store = scratch.open().await;
    let (rota, stop) = (Rota::default(), CancellationToken::new());
    let task = tokio::spawn(rota.employ(&store, "one", &stop));
    rota.sees("one", Duration::from_secs(1)).await;
    assert!(leases(&store).await.is_empty());
    stop.cancel();
    task.await.unwrap();
}

#[tokio::test]
async fn one_process_works_at_a_time_and_the_next_goes_on_when_it_stops() {
    let Some((one, other)) = two().await else { return };
    let (rota, stop, end) = (Rota::default(), CancellationToken::new(), CancellationToken::new());
    let first = tokio::spawn(rota.employ(&one, "one", &stop));
    rota.sees("one", Duration::from_secs(5)).await;
    let second = tokio::spawn(rota.employ(&other, "other", &end));
    // Longer than a lease lasts, and the clocks differ by more.
    sleep(LASTS + RENEW).await;
    assert_eq!(rota.first("other"), None);
    assert!(rota.last("one").unwrap().elapsed() < RENEW, "it goes on all the time");
    stop.cancel();
    first.await.unwrap();
    rota.sees("other", Duration::from_secs(2)).await;
    end.cancel();
    second.await.unwrap();
    assert!(leases(&one).await.is_empty());
}

#[tokio::test]
async fn the_work_of_a_process_that_died_moves_on_within_ten_seconds() {
    let Some((one, other)) = two().await else { return };
    let (rota, stop) = (Rota::default(), CancellationToken::new());
    let first = tokio::spawn(rota.employ(&one, "one", &stop));
    rota.sees("one", Duration::from_secs(5)).await;
    let second = tokio::spawn(rota.employ(&other, "other", &stop));
    sleep(LOOK).await;
    first.abort();
    rota.sees("other", Duration::from_secs(10)).await;
    stop.cancel();
    second.await.unwrap();
}

#[tokio::test]
async fn a_process_that_was_paused_does_not_go_on_when_another_has_taken_over() {
    let Some((one, other)) = two().await else { return };
    let (rota, stop) = (Rota::default(), CancellationToken::new());
    // What is paused is still there, and counts for itself.
    let of_paused = Rota::default();
    let (paused, pause) = (of_paused.employ(&one, "one", &stop), CancellationToken::new());
    let wait = pause.clone();
    // A runtime of one thread, which stands still while it sleeps.
    let process = thread::spawn(move || {
        let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let stands_still = async {
                wait.cancelled().await;
                thread::sleep(LASTS + RENEW);
            };
            tokio::join!(paused, stands_still);
        });
    });
    of_paused.sees("one", Duration::from_secs(5)).await;
    let second = tokio::spawn(rota.employ(&other, "other", &stop));
    sleep(LOOK).await;
    pause.cancel();
    rota.sees("other", Duration::from_secs(10)).await;
    // It wakes again.
    sleep(RENEW * 2).await;
    assert!(of_paused.last("one").unwrap() < rota.first("other").unwrap());
    stop.cancel();
    second.await.unwrap();
    process.join().unwrap();
}

#[tokio::test]
async fn what_was_to_be_written_as_the_lease_was_lost_is_not() {
    let Some((one, other)) = two().await else { return };
    let stop = CancellationToken::new();
    let (lease, lost) = (Lease::new(&one, "work"), Lease::new(&other, "work"));
    let held = lost.take(&stop).await.unwrap();
    let fence = held.fence();
    let write = |text| {
        let fence = fence.clone();
        other.write(move |tx| fence.check(tx).and_then(|()| note(tx, text)))
    };
    write("held").await.unwrap();
    // Nobody renews it.
    let next = timeout(Duration::from_secs(10), lease.take(&stop)).await.expect("it moves on").unwrap();
    assert!(matches!(write("lost").await, Err(Error::Unavailable(_))));
    assert_eq!(notes(&one).await, ["held"]);
    // Nor does who lost it give it up for another.
    held.release().await;
    assert_eq!(leases(&one).await, ["work"]);
    next.release().await;
    assert!(leases(&one).await.is_empty());
}
