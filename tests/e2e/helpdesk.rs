//! The dialect `helpdesk`: support conversations with outside customers.

mod chat;
mod entry;
mod list;

use causeway_proto::chat::{Author, SendMessageRequest};
use serde_json::{Value, json};

use crate::stage::{Causeway, Client, DIGITS, Person, STRING, TIME, causeway::Guest};

/// A support person, a customer and their conversation.
struct Desk {
    causeway: Guest,
    id: String,
    sue: Person,
    customer: Person,
}

impl Desk {
    async fn open() -> Self {
        let causeway = Causeway::shared().await;
        let [sue] = causeway.people(["Sue"]).await;
        let customer = causeway.customer("John").await;
        let id = causeway.support(&customer, [&sue]).await;
        Self { causeway, id, sue, customer }
    }

    /// Sue's socket on the conversation, after what comes on connect.
    async fn chat(&self) -> Client {
        let mut client = self.causeway.client(&self.sue, &format!("/helpdesk/ws/chat/{}/", self.id)).await;
        client.expect("recent_messages").await;
        client
    }

    /// Sue's socket on the list, after what comes on connect.
    async fn list(&self) -> Client {
        let mut client = self.causeway.client(&self.sue, "/ws/conversations/").await;
        client.expect("conversations_list").await;
        client
    }

    /// Something is said as a backend or a plugin says it.
    async fn say(&self, sender: &Person, author: Author, content: &str) {
        let request = SendMessageRequest {
            conversation_id: self.id.clone(),
            sender_id: sender.id.clone(),
            content: content.into(),
            author: author.into(),
            ..Default::default()
        };
        self.causeway.chat().send_message(request).await.unwrap();
    }

    /// The customer writes.
    async fn customer_writes(&self, content: &str) {
        self.say(&self.customer, Author::Unspecified, content).await;
    }

    /// A message as every reader gets it.
    fn message(&self, kind: &str, content: &str) -> Value {
        json!({
            "id": DIGITS,
            "content": content,
            "type": kind,
            "customer": customer(&self.customer),
            "is_ai_response": kind == "AI",
            "is_answered": false,
            "created_at": TIME,
        })
    }
}

/// A customer as messages show one.
fn customer(person: &Person) -> Value {
    json!({"id": person.number(), "first_name": person.first_name, "last_name": "Doe", "source": "telegram"})
}

/// An error frame whose text is anything.
fn error(code: &str) -> Value {
    json!({"error": STRING, "code": code})
}

/// A frame of type `chat_message` without what depends on a channel, which no plugin serves here.
fn without_delivery(mut frame: Value) -> Value {
    if let Some(message) = frame["message"].as_object_mut() {
        message.remove("delivery_status");
    }
    frame
}
