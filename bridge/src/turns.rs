//! How many sockets are opened at once.
//!
//! When a bridge is lost, its clients are all here within a second, and opening takes several calls for each. All at once, they
//! would make each other wait until none is in time, and what was done for them would be done for nothing.

use std::time::Duration;

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time,
};

use crate::fault::Refusal;

/// Turns are taken in the order in which they were asked for.
pub(crate) struct Turns {
    free: Semaphore,
    /// How long somebody waits for one.
    patience: Duration,
}

impl Turns {
    pub(crate) fn new(at_once: usize, patience: Duration) -> Self {
        Self { free: Semaphore::new(at_once), patience }
    }

    /// Waits for a turn, which lasts until what is answered is dropped. Fails when it does not come in time.
    pub(crate) async fn take(&self) -> Result<SemaphorePermit<'_>, Refusal> {
        match time::timeout(self.patience, self.free.acquire()).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(_)) | Err(_) => Err(Refusal::Unavailable),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_has_a_turn_when_another_is_over_or_is_told_in_time() {
        let turns = Turns::new(2, Duration::from_secs(5));
        let (first, _second) = (turns.take().await.unwrap(), turns.take().await.unwrap());
        let (third, ()) = tokio::join!(turns.take(), async {
            time::sleep(Duration::from_secs(4)).await;
            drop(first);
        });
        assert!(third.is_ok());
        let asked = time::Instant::now();
        assert!(matches!(turns.take().await, Err(Refusal::Unavailable)));
        assert_eq!(asked.elapsed(), Duration::from_secs(5));
    }
}
