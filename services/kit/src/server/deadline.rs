//! The caller's deadline, `grpc-timeout`, kept also for calls within the process.

use std::{future::Future, time::Duration};

pub(super) use causeway_proto::deadline::of;
use tonic::Status;

/// Waits for the answer until the deadline; `DEADLINE_EXCEEDED` after it.
pub(super) async fn within<F: Future>(deadline: Option<Duration>, answer: F) -> Result<F::Output, Status> {
    match deadline {
        None => Ok(answer.await),
        Some(deadline) => tokio::time::timeout(deadline, answer)
            .await
            .map_err(|_| Status::deadline_exceeded("the deadline passed before the answer")),
    }
}
