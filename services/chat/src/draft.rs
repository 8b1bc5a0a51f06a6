//! A message as somebody wants to send it, checked as far as it can be without the store.

use causeway_kit::Error;
use causeway_proto::{
    chat::{Attachment, Author, SendMessageRequest},
    id::Given,
};

use crate::{ids, limits};

/// Longest idempotency key and longest origin, in characters.
const KEY: usize = 64;

/// A message to send.
pub(crate) struct Draft {
    pub(crate) to: To,
    pub(crate) sender: Given,
    pub(crate) content: Content,
    pub(crate) reply_to: Option<u64>,
    /// Empty when there is none.
    pub(crate) client_message_id: String,
    /// `Unspecified` when it follows from the sender.
    pub(crate) author: Author,
    /// Empty when it came from no socket.
    pub(crate) origin: String,
}

/// What a message says.
#[derive(Debug, Default)]
pub(crate) struct Content {
    pub(crate) text: String,
    /// Empty, before it is checked, where it is text.
    pub(crate) kind: String,
    pub(crate) attachments: Vec<Attachment>,
    /// A JSON object, or nothing.
    pub(crate) metadata: String,
}

/// Where a message is sent.
pub(crate) enum To {
    /// Into a conversation.
    Conversation(Given),
    /// To a person, in the one-to-one conversation with the sender.
    Person(Given),
    /// To a person, in a conversation that both are in.
    PersonIn {
        /// The person.
        person: Given,
        /// The conversation.
        conversation: Given,
    },
}

impl Draft {
    /// Checks a request.
    pub(crate) fn read(request: SendMessageRequest, allow_http: bool) -> Result<Self, Error> {
        let author = request.author();
        let to = To::read(&request)?;
        let sender = ids::read("sender_id", &request.sender_id)?;
        let content = Content {
            text: request.content,
            kind: request.content_type,
            attachments: request.attachments,
            metadata: request.metadata,
        };
        let content = content.checked(allow_http)?;
        limits::text("client_message_id", &request.client_message_id, KEY)?;
        limits::text("origin", &request.origin, KEY)?;
        Ok(Self {
            to,
            sender,
            content,
            reply_to: request.reply_to,
            client_message_id: request.client_message_id,
            author,
            origin: request.origin,
        })
    }
}

impl Content {
    /// The same, when a message may say it.
    pub(crate) fn checked(self, allow_http: bool) -> Result<Self, Error> {
        if self.text.is_empty() && self.attachments.is_empty() {
            return Err(Error::invalid("content", "must not be empty without an attachment"));
        }
        limits::text("content", &self.text, limits::CONTENT)?;
        limits::attachments(&self.attachments, allow_http)?;
        Ok(Self {
            kind: limits::content_type(self.kind)?,
            metadata: limits::metadata(self.metadata)?,
            ..self
        })
    }
}

impl To {
    fn read(request: &SendMessageRequest) -> Result<Self, Error> {
        let conversation = ids::read_optional("conversation_id", &request.conversation_id)?;
        let person = ids::read_optional("recipient_id", &request.recipient_id)?;
        match (conversation, person) {
            (Some(conversation), None) => Ok(Self::Conversation(conversation)),
            (None, Some(person)) => Ok(Self::Person(person)),
            (Some(conversation), Some(person)) => Ok(Self::PersonIn { person, conversation }),
            (None, None) => Err(Error::invalid("conversation_id", "or recipient_id is required")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> SendMessageRequest {
        SendMessageRequest {
            conversation_id: "7".into(),
            sender_id: "alice".into(),
            content: "hi".into(),
            ..SendMessageRequest::default()
        }
    }

    fn refused(change: impl FnOnce(&mut SendMessageRequest)) -> String {
        let mut request = request();
        change(&mut request);
        match Draft::read(request, false) {
            Err(Error::InvalidField { field, .. }) => field.into_owned(),
            Err(other) => other.to_string(),
            Ok(_) => "nothing".to_owned(),
        }
    }

    #[test]
    fn a_plain_message_is_text() {
        let draft = Draft::read(request(), false);
        assert!(draft.is_ok_and(|draft| draft.content.kind == "text"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(refused(|r| r.conversation_id.clear()), "conversation_id");
        assert_eq!(refused(|r| r.sender_id.clear()), "sender_id");
        assert_eq!(refused(|r| r.recipient_id = "a/b".into()), "recipient_id");
        assert_eq!(refused(|r| r.content.clear()), "content");
        assert_eq!(refused(|r| r.content = "x".repeat(16_385)), "content");
        assert_eq!(refused(|r| r.content_type = "gif".into()), "content_type");
        assert_eq!(refused(|r| r.metadata = "[]".into()), "metadata");
        assert_eq!(refused(|r| r.client_message_id = "x".repeat(65)), "client_message_id");
        assert_eq!(refused(|r| r.origin = "x".repeat(65)), "origin");
        assert_eq!(refused(|r| r.attachments = vec![Attachment::default()]), "attachments[0].url");
        let fine = Attachment { url: "https://example.com/a".into(), ..Attachment::default() };
        assert_eq!(refused(|r| r.attachments = vec![fine.clone(); 11]), "attachments");
        assert_eq!(refused(|r| r.attachments = vec![fine]), "nothing");
    }
}
