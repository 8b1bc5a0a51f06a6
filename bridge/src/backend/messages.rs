//! Messages: what is written, changed, read and looked for in a conversation.

use causeway_link::grpc::Keyed;
use causeway_proto::chat::{
    DeleteMessageRequest, EditMessageRequest, GetMessageStatusRequest, GetThreadRequest, ListMessagesRequest,
    MarkReadRequest, Message, ReactRequest, ReportDeliveredRequest, SearchMessagesRequest,
    SendMessageOutcome, SendMessageRequest, SendMessagesRequest, send_message_outcome::Outcome,
};
use tonic::Request;

use crate::{
    backend::{
        Backend, ask,
        call::Caller,
        status::{fault, fault_of},
    },
    command::{MessageId, Page, Reply, Send},
    fault::{Code, Fault},
};

impl Backend {
    /// Stores messages in this order; each has its own answer.
    pub(super) async fn send(&self, caller: &Caller, messages: Vec<Send>) -> Vec<Result<Reply, Fault>> {
        let count = messages.len();
        let request = SendMessagesRequest {
            messages: messages.into_iter().map(|message| to_send(caller, message)).collect(),
        };
        // With a key in each, a second attempt stores nothing twice.
        let is_keyed = request.messages.iter().all(|message| !message.client_message_id.is_empty());
        let mut request = Request::new(request);
        if is_keyed {
            request.extensions_mut().insert(Keyed);
        }
        match ask!(self.chat, "Chat.SendMessages", send_messages, request: request) {
            Ok(response) if response.outcomes.len() == count => {
                response.outcomes.into_iter().map(|outcome| sent("Chat.SendMessages", outcome)).collect()
            }
            Ok(_) => vec![Err(incomplete("Chat.SendMessages")); count],
            Err(status) => vec![Err(fault(status)); count],
        }
    }

    pub(super) async fn edit(
        &self,
        caller: &Caller,
        message_id: u64,
        content: String,
    ) -> Result<Reply, Fault> {
        let user_id = caller.user.id.clone();
        let request =
            EditMessageRequest { message_id, conversation_id: caller.conversation()?, user_id, content };
        let result = ask!(self.chat, "Chat.EditMessage", edit_message, request);
        result.map(|_| Reply::Done).map_err(fault)
    }

    pub(super) async fn delete(&self, caller: &Caller, message_id: u64) -> Result<Reply, Fault> {
        let user_id = caller.user.id.clone();
        let request = DeleteMessageRequest { message_id, conversation_id: caller.conversation()?, user_id };
        let result = ask!(self.chat, "Chat.DeleteMessage", delete_message, request);
        result.map(|_| Reply::Done).map_err(fault)
    }

    pub(super) async fn react(
        &self,
        caller: &Caller,
        message_id: u64,
        reaction: String,
        add: bool,
    ) -> Result<Reply, Fault> {
        let (conversation_id, user_id) = (caller.conversation()?, caller.user.id.clone());
        let request = ReactRequest { message_id, conversation_id, user_id, reaction, add };
        let result = ask!(self.chat, "Chat.React", react, request);
        result.map(|_| Reply::Done).map_err(fault)
    }

    pub(super) async fn mark_read(&self, caller: &Caller, message_id: Option<u64>) -> Result<Reply, Fault> {
        let (conversation_id, user_id) = (caller.conversation()?, caller.user.id.clone());
        let request = MarkReadRequest { conversation_id, user_id, message_id };
        let result = ask!(self.chat, "Chat.MarkRead", mark_read, request);
        result.map(|_| Reply::Done).map_err(fault)
    }

    /// Reports that messages up to these, by conversation, have reached the user.
    pub(super) async fn report_delivered(&self, caller: &Caller, messages: Vec<(String, MessageId)>) {
        for (conversation_id, message_id) in messages {
            let request =
                ReportDeliveredRequest { conversation_id, user_id: caller.user.id.clone(), message_id };
            // A failure is logged with the call; the next report covers this one.
            let _ = ask!(self.chat, "Chat.ReportDelivered", report_delivered, request);
        }
    }

    pub(super) async fn history(&self, caller: &Caller, page: Page) -> Result<Reply, Fault> {
        let (conversation_id, user_id) = (caller.conversation()?, caller.user.id.clone());
        let (messages, has_more) = self.messages(conversation_id, user_id, page).await?;
        Ok(Reply::History { messages, has_more })
    }

    /// A page of a conversation, oldest first, and whether there are older messages.
    pub(crate) async fn messages(
        &self,
        conversation_id: String,
        user_id: String,
        page: Page,
    ) -> Result<(Vec<Message>, bool), Fault> {
        let request =
            ListMessagesRequest { conversation_id, user_id, before: page.before, limit: page.limit };
        let result = ask!(self.chat, "Chat.ListMessages", list_messages, request);
        result.map(|found| (found.messages, found.has_more)).map_err(fault)
    }

    pub(super) async fn thread(&self, caller: &Caller, message_id: u64) -> Result<Reply, Fault> {
        let user_id = caller.user.id.clone();
        let request = GetThreadRequest { message_id, conversation_id: caller.conversation()?, user_id };
        let result = ask!(self.chat, "Chat.GetThread", get_thread, request);
        let found = result.map_err(fault)?;
        let parent = found.parent.ok_or_else(|| incomplete("Chat.GetThread"))?;
        Ok(Reply::Thread { parent: Box::new(parent), replies: found.replies })
    }

    pub(super) async fn search(&self, caller: &Caller, query: String, limit: u32) -> Result<Reply, Fault> {
        let (conversation_id, user_id) = (caller.conversation()?, caller.user.id.clone());
        let request = SearchMessagesRequest { conversation_id, user_id, query: query.clone(), limit };
        let result = ask!(self.chat, "Chat.SearchMessages", search_messages, request);
        let found = result.map_err(fault)?;
        Ok(Reply::Search { query, messages: found.messages })
    }

    pub(super) async fn message_status(&self, caller: &Caller, message_id: u64) -> Result<Reply, Fault> {
        let user_id = caller.user.id.clone();
        let request =
            GetMessageStatusRequest { message_id, conversation_id: caller.conversation()?, user_id };
        let result = ask!(self.chat, "Chat.GetMessageStatus", get_message_status, request);
        result.map(|status| Reply::MessageStatus { message_id, status }).map_err(fault)
    }
}

/// A message to a person goes to the conversation that the client names, if it names one; any other into the
/// socket's.
fn to_send(caller: &Caller, message: Send) -> SendMessageRequest {
    let conversation_id = match (message.conversation_id, &message.recipient_id) {
        (Some(given), _) => given,
        (None, Some(_)) => String::new(),
        (None, None) => caller.conversation_id.clone().unwrap_or_default(),
    };
    SendMessageRequest {
        conversation_id,
        recipient_id: message.recipient_id.unwrap_or_default(),
        sender_id: caller.user.id.clone(),
        content: message.content,
        content_type: message.content_type,
        attachments: message.attachments,
        metadata: message.metadata,
        reply_to: message.reply_to,
        client_message_id: message.client_message_id,
        author: 0,
        origin: caller.session_id.clone(),
    }
}

fn sent(method: &'static str, outcome: SendMessageOutcome) -> Result<Reply, Fault> {
    match outcome.outcome {
        Some(Outcome::Stored(stored)) => {
            let message = stored.message.ok_or_else(|| incomplete(method))?;
            Ok(Reply::Sent { message: Box::new(message), duplicate: stored.duplicate })
        }
        Some(Outcome::Failure(failure)) => {
            Err(fault_of(tonic::Code::from_i32(failure.code), &failure.message, &failure.field))
        }
        None => Err(incomplete(method)),
    }
}

pub(super) fn incomplete(method: &str) -> Fault {
    tracing::error!(method, "a service's answer is incomplete");
    Fault::new(Code::Internal, "something went wrong on our side")
}
