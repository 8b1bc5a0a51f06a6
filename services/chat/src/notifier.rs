//! Notifies those who were not there when a message came, from the outbox: see [`crate::away`].
//!
//! Messages that wait together are taken together: a participant gets one notification for a conversation, which stands for
//! the newest message, and later ones update it.

use std::{collections::HashSet, time::Duration};

use causeway_kit::{
    Store,
    outbox::{Item, Outcome},
};
use causeway_proto::{
    chat::Message,
    client::Grpc,
    id,
    notification::{Content, NotifyRequest, notifications_client::NotificationsClient},
    presence::{ListPresentRequest, presence_client::PresenceClient},
};
use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream};
use prost::Message as _;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};
use tonic::{Code, Status};

use crate::{away::sender_id, participants, settings::OnMessage};

/// Most items taken at once.
pub(crate) const BATCH: usize = 1_024;

/// How long messages gather after a batch: what is sent quickly is carried out together.
const GATHER: Duration = Duration::from_millis(50);

/// How long another service may take to answer.
const DEADLINE: Duration = Duration::from_secs(5);

/// Conversations worked on at once, and calls under way for each.
const CONVERSATIONS: usize = 4;
const CALLS: usize = 16;

/// Carries out what is owed.
pub(crate) struct Notifier {
    store: Store,
    presence: PresenceClient<Grpc>,
    notifications: NotificationsClient<Grpc>,
    on_message: OnMessage,
}

/// Messages of one conversation, oldest first, and which items of the outbox they are.
struct Waiting {
    conversation_id: String,
    messages: Vec<Message>,
    items: Vec<usize>,
}

impl Notifier {
    /// Asks `presence` who is there, and tells `notification` who is not.
    pub(crate) fn new(store: Store, presence: Grpc, notification: Grpc, on_message: OnMessage) -> Self {
        Self {
            store,
            presence: PresenceClient::new(presence),
            notifications: NotificationsClient::new(notification),
            on_message,
        }
    }

    /// Carries out a batch; one outcome for each item.
    pub(crate) async fn carry_out(&self, items: Vec<Item>) -> Vec<Outcome> {
        let mut outcomes = vec![Outcome::Done; items.len()];
        let mut waiting: Vec<Waiting> = Vec::new();
        for (at, item) in items.iter().enumerate() {
            match Message::decode(item.payload.as_slice()) {
                Ok(message) => gather(&mut waiting, at, message),
                Err(error) => outcomes[at] = Outcome::Dead(error.to_string()),
            }
        }
        let mut done =
            stream::iter(waiting).map(|waiting| self.settle(waiting)).buffer_unordered(CONVERSATIONS);
        while let Some((outcome, items)) = done.next().await {
            for at in items {
                outcomes[at] = outcome.clone();
            }
        }
        sleep(GATHER).await;
        outcomes
    }

    /// What becomes of the messages of one conversation.
    async fn settle(&self, waiting: Waiting) -> (Outcome, Vec<usize>) {
        let outcome = match self.notify_absent(&waiting).await {
            Ok(()) => Outcome::Done,
            Err(status) if is_permanent(&status) => Outcome::Dead(status.message().to_owned()),
            Err(status) => Outcome::retry(format!("{:?}: {}", status.code(), status.message())),
        };
        (outcome, waiting.items)
    }

    /// Notifies everybody who is to be, also when that fails for some.
    async fn notify_absent(&self, waiting: &Waiting) -> Result<(), Status> {
        let conversation_id = waiting.conversation_id.clone();
        let present = self.present(&conversation_id).await?;
        let everybody =
            self.store.read(move |reader| participants::ids(reader, &conversation_id, u32::MAX)).await?;
        let owed: Vec<NotifyRequest> = everybody
            .iter()
            .filter(|user_id| !present.contains(*user_id))
            .filter_map(|user_id| newest_of_others(&waiting.messages, user_id).map(|it| notice(user_id, it)))
            .collect();
        let mut calls = stream::iter(owed).map(|request| self.notify(request)).buffer_unordered(CALLS);
        let mut failure = None;
        while let Some(answer) = calls.next().await {
            if let Err(status) = answer
                && failure.as_ref().is_none_or(is_permanent)
            {
                failure = Some(status);
            }
        }
        failure.map_or(Ok(()), Err)
    }

    /// Who has a socket on the conversation, as far as that matters.
    async fn present(&self, conversation_id: &str) -> Result<HashSet<String>, Status> {
        if self.on_message == OnMessage::Always {
            return Ok(HashSet::new());
        }
        let request = ListPresentRequest { conversation_id: conversation_id.to_owned() };
        let mut presence = self.presence.clone();
        let present = in_time(presence.list_present(request).boxed()).await?.into_inner().user_ids;
        Ok(present.into_iter().collect())
    }

    async fn notify(&self, request: NotifyRequest) -> Result<(), Status> {
        let mut notifications = self.notifications.clone();
        in_time(notifications.notify(request).boxed()).await.map(drop)
    }
}

/// Whether a call fails however often it is made.
fn is_permanent(status: &Status) -> bool {
    matches!(status.code(), Code::InvalidArgument | Code::OutOfRange | Code::Unimplemented)
}

async fn in_time<T>(call: BoxFuture<'_, Result<T, Status>>) -> Result<T, Status> {
    timeout(DEADLINE, call).await.unwrap_or_else(|_| Err(Status::deadline_exceeded("no answer")))
}

fn gather(waiting: &mut Vec<Waiting>, at: usize, message: Message) {
    let place = match waiting.iter().position(|known| known.conversation_id == message.conversation_id) {
        Some(place) => place,
        None => {
            let conversation_id = message.conversation_id.clone();
            waiting.push(Waiting { conversation_id, messages: Vec::new(), items: Vec::new() });
            waiting.len() - 1
        }
    };
    waiting[place].messages.push(message);
    waiting[place].items.push(at);
}

/// The newest message that somebody else than `user_id` sent.
fn newest_of_others<'a>(messages: &'a [Message], user_id: &str) -> Option<&'a Message> {
    let of_others = messages.iter().filter(|it| sender_id(it) != Some(user_id));
    of_others.max_by_key(|message| message.id)
}

fn notice(user_id: &str, message: &Message) -> NotifyRequest {
    let sender = message.sender.clone().unwrap_or_default();
    let data = json!({
        "conversation_id": id_value(&message.conversation_id),
        "sender_id": id_value(&sender.id),
        "message_id": message.id,
    });
    NotifyRequest {
        user_id: user_id.to_owned(),
        content: Some(Content {
            title: "New Message".to_owned(),
            message: format!("You have a new message from {}", sender.display_name()),
            notification_type: "message".to_owned(),
            data: data.to_string(),
        }),
        idempotency_key: format!("message/{}/{user_id}", message.id),
        collapse_key: format!("conversation/{}", message.conversation_id),
    }
}

/// An id as frontends expect it in data: a number where it is one that they read exactly.
fn id_value(id: &str) -> Value {
    match id::as_number(id).filter(|number| *number < 1 << 53) {
        Some(number) => number.into(),
        None => id.into(),
    }
}

#[cfg(test)]
mod tests {
    use causeway_proto::chat::User;

    use super::*;

    fn message(id: u64, sender_id: &str) -> Message {
        let sender = Some(User { id: sender_id.into(), name: "Al".into(), ..User::default() });
        Message { id, conversation_id: "7".into(), sender, ..Message::default() }
    }

    #[test]
    fn nobody_is_told_of_a_message_of_their_own() {
        let messages = [message(1, "a"), message(3, "b"), message(2, "c")];
        assert_eq!(newest_of_others(&messages, "b").map(|it| it.id), Some(2));
        assert_eq!(newest_of_others(&messages, "x").map(|it| it.id), Some(3));
        assert_eq!(newest_of_others(&messages[..1], "a"), None);
    }

    #[test]
    fn a_notification_names_the_sender_and_carries_the_ids() {
        let notice = notice("bob", &message(5, "alice"));
        let content = notice.content.unwrap_or_default();
        assert_eq!(content.message, "You have a new message from Al");
        assert_eq!(content.data, r#"{"conversation_id":7,"message_id":5,"sender_id":"alice"}"#);
        assert_eq!(notice.collapse_key, "conversation/7");
    }

    #[test]
    fn messages_wait_by_conversation() {
        let mut waiting = Vec::new();
        gather(&mut waiting, 0, message(1, "a"));
        gather(&mut waiting, 1, Message { conversation_id: "8".into(), ..message(2, "a") });
        gather(&mut waiting, 2, message(3, "a"));
        assert_eq!(waiting.len(), 2);
        assert_eq!(waiting[0].items, [0, 2]);
    }
}
