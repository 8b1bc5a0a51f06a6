//! A backend that is not considerate: large batches of messages over gRPC, as many as get through.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use causeway_proto::chat::{SendMessageRequest, SendMessagesRequest, chat_client::ChatClient};
use tokio::runtime::Handle;

use super::Scene;

/// Calls under way.
const CALLS: usize = 16;
/// Messages of one call: as many as chat takes.
const BATCH: usize = 256;

/// The backend at work, until this is dropped.
pub(crate) struct Heavy(Arc<AtomicBool>);

impl Heavy {
    /// Begins to write in a room of its own.
    pub(crate) async fn begin(scene: &Scene) -> anyhow::Result<Self> {
        let (room, user) = ("heavy".to_owned(), "heavy-0".to_owned());
        scene.room(&room, std::slice::from_ref(&user)).await?;
        let (writes, runtime) = (Arc::new(AtomicBool::new(true)), Handle::current());
        for _ in 0..CALLS {
            let mut chat = ChatClient::new(scene.grpc.clone());
            let message = SendMessageRequest {
                conversation_id: room.clone(),
                sender_id: user.clone(),
                content: "A message as people write them, neither long nor short.".into(),
                ..Default::default()
            };
            let request = SendMessagesRequest { messages: vec![message; BATCH] };
            let (writes, runtime) = (Arc::clone(&writes), runtime.clone());
            let mut calls = async move || {
                while writes.load(Relaxed) {
                    // Refused or not, there is the next one.
                    let _ = chat.send_messages(request.clone()).await;
                }
            };
            // On a thread of its own, because the compiler cannot see that calls may change threads.
            tokio::task::spawn_blocking(move || runtime.block_on(calls()));
        }
        Ok(Self(writes))
    }
}

impl Drop for Heavy {
    fn drop(&mut self) {
        self.0.store(false, Relaxed);
    }
}
