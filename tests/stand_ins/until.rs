//! Waiting for something that tests cannot be told of. A test crate takes it in as a module, by its path.
#![allow(unreachable_pub, reason = "one of them gives it to others")]

use std::time::Duration;

use tokio::time::{sleep, timeout};

/// How long something may take on a slow machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until something is so. A panic says what was not.
pub async fn until(what: &str, is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(timeout(PATIENCE, waiting).await.is_ok(), "not in time: {what}");
}
