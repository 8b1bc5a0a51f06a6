//! A backend that writes in rooms over gRPC, whatever becomes of bridges, and keeps the ledger.

use anyhow::ensure;
use causeway_proto::chat::{
    SendMessageRequest, SendMessagesRequest, chat_client::ChatClient, send_message_outcome::Outcome,
};

use super::Scene;
use crate::ledger::{Ledger, Pen};

/// Messages of one call.
const BATCH: u64 = 200;

/// The backend. What it writes is written in the name of a room's first user.
pub(crate) struct Backend {
    scene: Scene,
    pen: Pen,
    sent: u64,
}

impl Backend {
    /// One that has not written yet.
    pub(crate) fn new(scene: &Scene, ledger: &Ledger) -> anyhow::Result<Self> {
        Ok(Self { scene: scene.clone(), pen: ledger.pen("backend")?, sent: 0 })
    }

    /// Writes so many messages in a room, in order; all of them are stored when this returns.
    pub(crate) async fn write(&mut self, room: &str, count: u64) -> anyhow::Result<()> {
        let mut left = count;
        while left > 0 {
            let keys: Vec<_> =
                (0..left.min(BATCH)).map(|number| format!("backend-{}", self.sent + number)).collect();
            left -= keys.len() as u64;
            self.sent += keys.len() as u64;
            keys.iter().try_for_each(|key| self.pen.attempt(room, key))?;
            let messages = keys.iter().map(|key| message(room, key)).collect();
            let mut chat = ChatClient::new(self.scene.grpc.clone());
            let outcomes = chat.send_messages(SendMessagesRequest { messages }).await?.into_inner().outcomes;
            ensure!(outcomes.len() == keys.len(), "{} outcomes of {} messages", outcomes.len(), keys.len());
            for (key, outcome) in keys.iter().zip(outcomes) {
                let Some(Outcome::Stored(sent)) = outcome.outcome else {
                    anyhow::bail!("{key} was not stored: {:?}", outcome.outcome);
                };
                self.pen.acknowledged(room, key, sent.message.map_or(0, |message| message.id))?;
            }
        }
        Ok(())
    }
}

fn message(room: &str, key: &str) -> SendMessageRequest {
    SendMessageRequest {
        conversation_id: room.to_owned(),
        sender_id: format!("{room}-0"),
        content: key.to_owned(),
        client_message_id: key.to_owned(),
        ..Default::default()
    }
}
