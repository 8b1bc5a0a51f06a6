//! A write job: the closure, its result, and whoever waits for it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::sync::oneshot;

use super::Tx;
use crate::error::Error;

/// A write job, as the writer sees it: run once, settled once.
pub(super) trait Job: Send {
    /// Runs it. False when its effects must be taken back.
    fn run(&mut self, tx: &mut Tx<'_>) -> bool;

    /// Answers the caller: with the job's own result, or with `lost` when its group was not committed.
    fn settle(self: Box<Self>, lost: Option<Error>);
}

pub(super) struct Pending<T, J> {
    job: Option<J>,
    result: Option<Result<T, Error>>,
    answer: oneshot::Sender<Result<T, Error>>,
}

impl<T, J> Pending<T, J> {
    pub(super) fn new(job: J, answer: oneshot::Sender<Result<T, Error>>) -> Self {
        Self { job: Some(job), result: None, answer }
    }
}

impl<T, J> Job for Pending<T, J>
where
    T: Send,
    J: FnOnce(&mut Tx<'_>) -> Result<T, Error> + Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> bool {
        let Some(job) = self.job.take() else { return false };
        // A job that panics must not take the writer with it. Its effects are rolled back, so nothing half-done is seen.
        let result = catch_unwind(AssertUnwindSafe(|| job(tx)))
            .unwrap_or_else(|_| Err(Error::internal("a write job panicked")));
        let keep = result.is_ok();
        self.result = Some(result);
        keep
    }

    fn settle(self: Box<Self>, lost: Option<Error>) {
        let result = match (lost, self.result) {
            (Some(lost), _) => Err(lost),
            (None, Some(result)) => result,
            (None, None) => Err(Error::internal("a write job was not run")),
        };
        // Whoever waited may have gone.
        let _ = self.answer.send(result);
    }
}
