//! The way to a plugin: bounded, and no hindrance once the attachment is over.

use causeway_proto::plugin::{AttachResponse, attach_response::Message};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tonic::Status;

/// Answers that may wait for a slow plugin; beyond that, its own requests wait.
const ANSWERS: usize = 256;

/// Where answers go. Cloning is cheap.
#[derive(Clone)]
pub(super) struct Answers {
    sender: mpsc::Sender<Result<AttachResponse, Status>>,
    over: CancellationToken,
}

impl Answers {
    /// A way, and its other end.
    pub(super) fn open() -> (Self, mpsc::Receiver<Result<AttachResponse, Status>>) {
        let (sender, receiver) = mpsc::channel(ANSWERS);
        (Self { sender, over: CancellationToken::new() }, receiver)
    }

    /// Answers; waits while the plugin does not read. One that has gone hears nothing, and neither does anybody once it is over.
    pub(super) async fn say(&self, message: Message) {
        let send = self.sender.send(Ok(AttachResponse { message: Some(message) }));
        // Whoever sends again after a reconnect is answered then.
        let _ = self.over.run_until_cancelled(send).await;
    }

    /// Answers when there is room.
    pub(super) fn try_say(&self, message: Message) {
        let _ = self.sender.try_send(Ok(AttachResponse { message: Some(message) }));
    }

    /// From now on nobody waits for the plugin to read.
    pub(super) fn over(&self) {
        self.over.cancel();
    }

    /// Says why the stream ends, when there is room.
    pub(super) fn end(&self, why: Status) {
        let _ = self.sender.try_send(Err(why));
    }
}
