//! Bulk messages.

use causeway_notification::Settings;
use causeway_proto::{
    notification::{
        Bulk, BulkState, CancelBulkRequest, GetBulkRequest, StartBulkRequest, WatchBulkRequest,
        WatchBulkResponse,
    },
    time::Clock,
};
use tonic::{Code, Streaming};

use crate::running::{Running, saying, wrong_field};

fn users(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("user-{number}")).collect()
}

fn one_by_one() -> Settings {
    Settings { bulk_group: 1, ..Settings::default() }
}

impl Running {
    async fn start_bulk(&mut self, user_ids: Vec<String>) -> Bulk {
        let request =
            StartBulkRequest { user_ids, content: Some(saying("sale")), ..StartBulkRequest::default() };
        self.client.start_bulk(request).await.unwrap().into_inner().bulk.unwrap()
    }

    async fn watch(&mut self, bulk_id: u64) -> Streaming<WatchBulkResponse> {
        self.client.watch_bulk(WatchBulkRequest { bulk_id }).await.unwrap().into_inner()
    }

    /// Waits until the message has ended, and the stream with it.
    async fn ended(&mut self, bulk_id: u64) -> Bulk {
        let mut progress = self.watch(bulk_id).await;
        let mut last: Option<Bulk> = None;
        while let Some(step) = progress.message().await.unwrap() {
            let bulk = step.bulk.unwrap();
            assert!(last.is_none_or(|last| last.done <= bulk.done && last != bulk), "steps go forward");
            last = Some(bulk);
        }
        last.unwrap()
    }

    async fn notified(&mut self, users: &[String]) -> Vec<u32> {
        let mut counts = Vec::new();
        for user in users {
            counts.push(self.list(user, &[]).await.unread_count);
        }
        counts
    }
}

#[tokio::test]
async fn everybody_is_notified_once_and_watchers_see_the_end() {
    let mut service =
        Running::with(Settings { bulk_group: 7, ..Settings::default() }, Clock::default()).await;
    let mut given = users(20);
    given.extend(users(5));
    let bulk = service.start_bulk(given).await;
    assert_eq!((bulk.total, bulk.state()), (20, BulkState::Running));
    let bulk = service.ended(bulk.id).await;
    assert_eq!((bulk.done, bulk.state()), (20, BulkState::Done));
    assert_eq!(service.notified(&users(20)).await, [1; 20]);

    let read = service.client.get_bulk(GetBulkRequest { bulk_id: bulk.id }).await.unwrap().into_inner();
    assert_eq!(read.bulk, Some(bulk));
    assert_eq!(service.ended(bulk.id).await, bulk, "who comes late is told the end at once");
}

#[tokio::test]
async fn a_restart_in_the_middle_forgets_nobody_and_notifies_nobody_twice() {
    let mut service = Running::with(one_by_one(), Clock::default()).await;
    let bulk = service.start_bulk(users(150)).await;
    let mut progress = service.watch(bulk.id).await;
    while progress.message().await.unwrap().unwrap().bulk.unwrap().done < 20 {}
    drop(progress);

    let mut service = service.restart(one_by_one()).await;
    let mut progress = service.watch(bulk.id).await;
    let on_return = progress.message().await.unwrap().unwrap().bulk.unwrap();
    assert!((20..150).contains(&on_return.done), "the restart was in the middle: {on_return:?}");
    drop(progress);
    assert_eq!(service.ended(bulk.id).await.done, 150);
    assert_eq!(service.notified(&users(150)).await, [1; 150]);
}

#[tokio::test]
async fn several_messages_go_on_side_by_side() {
    let mut service =
        Running::with(Settings { bulk_group: 2, ..Settings::default() }, Clock::default()).await;
    let long = service.start_bulk(users(200)).await;
    let short = service.start_bulk(users(4)).await;
    assert_eq!(service.ended(short.id).await.state(), BulkState::Done);
    let read = service.client.get_bulk(GetBulkRequest { bulk_id: long.id }).await.unwrap().into_inner();
    assert_eq!(read.bulk.unwrap().state(), BulkState::Running, "the short one did not wait for the long one");
    assert_eq!(service.ended(long.id).await.done, 200);
}

#[tokio::test]
async fn a_cancelled_message_goes_no_further() {
    let mut service = Running::with(one_by_one(), Clock::default()).await;
    let bulk_id = service.start_bulk(users(500)).await.id;
    let mut progress = service.watch(bulk_id).await;
    while progress.message().await.unwrap().unwrap().bulk.unwrap().done < 5 {}
    let cancelled = service.client.cancel_bulk(CancelBulkRequest { bulk_id }).await.unwrap().into_inner();
    let cancelled = cancelled.bulk.unwrap();
    assert_eq!(cancelled.state(), BulkState::Cancelled);

    let mut last = None;
    while let Some(step) = progress.message().await.unwrap() {
        last = step.bulk;
    }
    assert_eq!(last, Some(cancelled), "the stream ends with the cancellation");
    let again = service.client.cancel_bulk(CancelBulkRequest { bulk_id }).await.unwrap_err();
    assert_eq!(again.code(), Code::FailedPrecondition);

    let mut service = service.restart(one_by_one()).await;
    let done = usize::try_from(cancelled.done).unwrap();
    let counts = service.notified(&users(done + 3)).await;
    assert_eq!(counts[..done], vec![1; done], "who was notified stays notified");
    assert_eq!(counts[done..], [0; 3]);
}

#[tokio::test]
async fn the_same_key_starts_one_message() {
    let mut service = Running::start().await;
    let request = StartBulkRequest {
        user_ids: users(3),
        content: Some(saying("sale")),
        idempotency_key: "spring".into(),
    };
    let first = service.client.start_bulk(request.clone()).await.unwrap().into_inner();
    let again = service.client.start_bulk(request).await.unwrap().into_inner();
    assert!(!first.duplicate && again.duplicate);
    let id = first.bulk.unwrap().id;
    assert_eq!(again.bulk.unwrap().id, id);
    service.ended(id).await;
    assert_eq!(service.notified(&users(3)).await, [1; 3]);
}

#[tokio::test]
async fn a_hundred_thousand_recipients_are_taken_and_one_more_is_not() {
    let mut service = Running::start().await;
    let bulk = service.start_bulk(users(100_000)).await;
    assert_eq!(bulk.total, 100_000);
    service.client.cancel_bulk(CancelBulkRequest { bulk_id: bulk.id }).await.unwrap();

    for user_ids in [vec![], users(100_001), vec!["a/b".into()]] {
        let request =
            StartBulkRequest { user_ids, content: Some(saying("sale")), ..StartBulkRequest::default() };
        assert_eq!(wrong_field(&service.client.start_bulk(request).await.unwrap_err()), "user_ids");
    }
}

#[tokio::test]
async fn a_message_that_does_not_exist_is_not_found() {
    let mut service = Running::start().await;
    for bulk_id in [0, 1, u64::MAX] {
        let get = service.client.get_bulk(GetBulkRequest { bulk_id }).await.unwrap_err();
        let watch = service.client.watch_bulk(WatchBulkRequest { bulk_id }).await.unwrap_err();
        let cancel = service.client.cancel_bulk(CancelBulkRequest { bulk_id }).await.unwrap_err();
        assert_eq!([get.code(), watch.code(), cancel.code()], [Code::NotFound; 3]);
    }
}

#[tokio::test]
async fn of_two_processes_one_carries_out_and_both_tell_how_far_it_is() {
    let Some([mut one, mut other]) = Running::two(one_by_one).await else { return };
    let [long, short] = [one.start_bulk(users(150)).await, other.start_bulk(users(5)).await];
    // Either is followed in the process that does not carry out, too.
    let (long, short) = tokio::join!(other.ended(long.id), one.ended(short.id));
    assert_eq!((long.done, long.state()), (150, BulkState::Done));
    assert_eq!((short.done, short.state()), (5, BulkState::Done));
    let counts = one.notified(&users(150)).await;
    assert_eq!((&counts[..5], &counts[5..]), (&[2; 5][..], &[1; 145][..]));
}

#[tokio::test]
async fn what_is_cancelled_in_another_process_goes_no_further() {
    let Some([mut one, mut other]) = Running::two(one_by_one).await else { return };
    let bulk_id = one.start_bulk(users(3_000)).await.id;
    let mut watched = [one.watch(bulk_id).await, other.watch(bulk_id).await];
    for progress in &mut watched {
        while progress.message().await.unwrap().unwrap().bulk.unwrap().done < 5 {}
    }
    let cancel = CancelBulkRequest { bulk_id };
    let [cancelled, again] = [other.client.cancel_bulk(cancel).await, one.client.cancel_bulk(cancel).await];
    let cancelled = cancelled.unwrap().into_inner().bulk.unwrap();
    assert_eq!(again.unwrap_err().code(), Code::FailedPrecondition);
    for mut progress in watched {
        let mut last = None;
        while let Some(step) = progress.message().await.unwrap() {
            last = step.bulk;
        }
        assert_eq!(last.as_ref(), Some(&cancelled), "both tell of the cancellation");
    }
}

#[tokio::test]
async fn another_process_goes_on_when_the_one_that_carries_out_stops() {
    let Some([mut one, mut other]) = Running::two(one_by_one).await else { return };
    let bulk = one.start_bulk(users(500)).await;
    let mut progress = other.watch(bulk.id).await;
    while progress.message().await.unwrap().unwrap().bulk.unwrap().done < 5 {}
    drop(progress);
    // Either may have it.
    one.stop().await;
    assert_eq!(other.ended(bulk.id).await.done, 500);
    assert_eq!(other.notified(&users(500)).await, [1; 500]);
}
