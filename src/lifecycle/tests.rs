use tokio::sync::watch;

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const STOP: StopSettings = StopSettings { lead: SECOND, timeout: Duration::from_secs(60) };

#[tokio::test(start_paused = true)]
async fn a_task_that_must_not_end_stops_the_process_when_it_does() {
    let mut lifecycle = Lifecycle::new().unwrap();
    let (drain, stop) = (lifecycle.drain.clone(), lifecycle.stop.clone());
    lifecycle.essential("the listener", async {});
    let error = lifecycle.run(async {}, SECOND, STOP).await.unwrap_err();
    assert_eq!(error.to_string(), "the listener has ended by itself");
    assert!(drain.is_cancelled() && stop.is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn work_under_way_is_waited_for_after_the_sockets_are_gone() {
    let mut lifecycle = Lifecycle::new().unwrap();
    let (drain, stop) = (lifecycle.drain.clone(), lifecycle.stop.clone());
    let (done, mut is_done) = watch::channel(false);
    lifecycle.tasks.spawn(async move {
        stop.cancelled().await;
        sleep(SECOND).await;
        let _ = done.send(true);
    });
    lifecycle.essential("the store", sleep(SECOND));
    let drained = async move {
        drain.cancelled().await;
        sleep(SECOND).await;
    };
    assert!(lifecycle.run(drained, SECOND, STOP).await.is_err());
    assert!(*is_done.borrow_and_update());
}

#[tokio::test(start_paused = true)]
async fn each_step_is_over_before_the_next_begins() {
    let mut lifecycle = Lifecycle::new().unwrap();
    let tokens =
        [&lifecycle.leaving, &lifecycle.drain, &lifecycle.closing, &lifecycle.stop].map(Clone::clone);
    let (order, mut heard) = tokio::sync::mpsc::channel(4);
    for (name, token) in ["leaving", "drain", "closing", "stop"].into_iter().zip(tokens) {
        let order = order.clone();
        lifecycle.tasks.spawn(async move {
            token.cancelled().await;
            order.send(name).await.unwrap();
        });
    }
    let closing = lifecycle.closing.clone();
    lifecycle.calls.spawn(async move {
        closing.cancelled().await;
        sleep(SECOND).await;
    });
    lifecycle.essential("the listener", async {});
    let (drain, begun) = (lifecycle.drain.clone(), tokio::time::Instant::now());
    let drained = async move {
        drain.cancelled().await;
        sleep(SECOND).await;
    };
    lifecycle.run(drained, SECOND, STOP).await.unwrap_err();
    let seen: Vec<_> = std::iter::from_fn(|| heard.try_recv().ok()).collect();
    assert_eq!(seen, ["leaving", "drain", "closing", "stop"]);
    assert_eq!(begun.elapsed(), 2 * SECOND, "the dead do not wait for the lead");
}

#[tokio::test(start_paused = true)]
async fn at_the_hard_limit_it_says_what_did_not_end() {
    let mut lifecycle = Lifecycle::new().unwrap();
    lifecycle.essential("the gRPC listener", pending());
    lifecycle.essential("the store", async {});
    lifecycle.tasks.spawn(pending::<()>());
    let error = lifecycle.run(async {}, SECOND, STOP).await.unwrap_err().to_string();
    let end = "(stop.timeout); still under way: the gRPC listener, 1 tasks";
    assert!(
        error.starts_with("stopped at once: it was not over within 60s") && error.ends_with(end),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_part_that_is_broken_stops_the_process() {
    let mut lifecycle = Lifecycle::new().unwrap();
    let broken = CancellationToken::new();
    lifecycle.watch("chat", broken.clone());
    broken.cancel();
    let error = lifecycle.run(async {}, SECOND, STOP).await.unwrap_err();
    assert_eq!(error.to_string(), "chat cannot do its job any more");
}
