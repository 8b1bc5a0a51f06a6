//! What a session can have carried out, and what comes of it.

use std::sync::Arc;

use causeway_proto::{chat, presence::UserPresence};

use crate::{
    auth::Identity,
    backend::Backend,
    command::{Command, MessageId, Reply, Send, Token},
    fault::{Code, Fault},
};

/// On whose behalf calls are made, and from where.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// The user, as the directory knows them.
    pub(crate) user: chat::User,
    /// The socket's own id, unique among all bridges.
    pub(crate) session_id: String,
    /// The conversation that the socket is on.
    pub(crate) conversation_id: Option<String>,
    /// The kind of it; `Unspecified` where there is none.
    pub(crate) conversation_kind: chat::ConversationKind,
}

/// Something to be carried out by a service.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Call {
    /// Store messages, in this order.
    Send(Vec<Send>),
    /// A command that one call answers.
    Command(Command),
    /// Mark as read, up to a message or all.
    Read(Option<MessageId>),
    /// Go on with a new token.
    Refresh(Token),
    /// The user types, or stopped.
    Typing(bool),
    /// Messages up to these, by conversation, have reached the user.
    Delivered(Vec<(String, MessageId)>),
    /// Who of these is online.
    Presences(Vec<String>),
    /// With whom the user shares a conversation.
    Contacts,
}

/// What came of a [`Call`].
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    /// One for each message.
    Sent(Vec<Result<Reply, Fault>>),
    /// Of a command or a receipt.
    Answer(Result<Reply, Fault>),
    /// Of a new token.
    Refreshed(Result<Box<Identity>, Fault>),
    /// Whatever it was, nobody is told.
    Quiet,
    /// Of those asked for.
    Presences(Vec<UserPresence>),
    /// The contacts.
    Contacts(Vec<String>),
}

impl Backend {
    /// Carries out a call. A new token is not the services' business: it is answered `internal`.
    pub(crate) async fn carry_out(&self, caller: Arc<Caller>, call: Call) -> Outcome {
        match call {
            Call::Send(messages) => Outcome::Sent(self.send(&caller, messages).await),
            Call::Command(command) => Outcome::Answer(self.command(&caller, command).await),
            Call::Read(message_id) => Outcome::Answer(self.mark_read(&caller, message_id).await),
            Call::Refresh(_) => {
                Outcome::Refreshed(Err(Fault::new(Code::Internal, "something went wrong on our side")))
            }
            Call::Typing(is_typing) => {
                self.typing(&caller, is_typing).await;
                Outcome::Quiet
            }
            Call::Delivered(messages) => {
                self.report_delivered(&caller, messages).await;
                Outcome::Quiet
            }
            Call::Presences(users) => Outcome::Presences(self.presences(users).await),
            Call::Contacts => self.contacts(&caller.user.id).await.map_or(Outcome::Quiet, Outcome::Contacts),
        }
    }

    async fn command(&self, caller: &Caller, command: Command) -> Result<Reply, Fault> {
        match command {
            Command::Edit { message_id, content } => self.edit(caller, message_id, content).await,
            Command::Delete { message_id } => self.delete(caller, message_id).await,
            Command::React { message_id, reaction, add } => {
                self.react(caller, message_id, reaction, add).await
            }
            Command::History(page) => self.history(caller, page).await,
            Command::Thread { message_id } => self.thread(caller, message_id).await,
            Command::Search { query, limit } => self.search(caller, query, limit).await,
            Command::MessageStatus { message_id } => self.message_status(caller, message_id).await,
            Command::SetStatus { status } => self.set_status(caller, status).await,
            Command::Conversations { status, limit } => {
                self.conversations(&caller.user.id, status, limit).await
            }
            Command::Notifications { unread_only, page } => {
                self.notifications(caller, unread_only, page).await
            }
            Command::ReadNotifications { notification_id } => {
                self.read_notifications(caller, notification_id).await
            }
            Command::Read { message_id } => self.mark_read(caller, message_id).await,
            // The session answers these itself, or has calls of their own for them.
            Command::Send(_)
            | Command::Typing { .. }
            | Command::Refresh { .. }
            | Command::Ping
            | Command::Ignored => Err(Fault::new(Code::UnknownType, "not understood here")),
        }
    }
}

impl Caller {
    /// The conversation that the socket is on; a command that needs one is unknown on any other socket.
    pub(super) fn conversation(&self) -> Result<String, Fault> {
        self.conversation_id.clone().ok_or_else(|| Fault::new(Code::UnknownType, "not understood here"))
    }
}
