//! `causeway send`: a message, as a backend would send it.

use causeway_proto::chat::{Attachment, Author, SendMessageRequest};
use clap::{ArgGroup, Args, ValueEnum};

use crate::{cli::Global, client::ClientArgs, cmd, output::MessageView};

/// Sends a message and waits until it is stored.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("where").required(true).args(["conversation", "to"]))]
#[command(after_help = "\
Examples:
  causeway send --conversation lobby --as alice \"hello\"
  causeway send --to bob --as alice \"just for you\"              their one-to-one conversation is found or made
  causeway send --conversation 12 --as 4711 \"I need help\"       as the customer of a support conversation
  causeway send --conversation 12 --as alice --type AI \"An automatic answer\"")]
pub(crate) struct Send {
    /// Conversation to send to
    #[arg(long, value_name = "ID", value_parser = cmd::id)]
    conversation: Option<String>,
    /// User to send to, in place of a conversation
    #[arg(long, value_name = "USER", value_parser = cmd::id)]
    to: Option<String>,
    /// Who sends
    #[arg(long = "as", value_name = "USER", value_parser = cmd::id)]
    sender: String,
    /// On whose behalf, in a support conversation [default: customer when the sender is, else support]
    #[arg(long = "type", value_enum, ignore_case = true)]
    author: Option<On>,
    /// Message of the conversation that it answers
    #[arg(long, value_name = "MESSAGE")]
    reply_to: Option<u64>,
    /// https URL of a file beside it; may be repeated
    #[arg(long = "attachment", value_name = "URL")]
    attachments: Vec<String>,
    /// Idempotency key: the same again within a day sends nothing
    #[arg(long, value_name = "KEY")]
    client_message_id: Option<String>,
    /// What to say
    #[arg(value_name = "TEXT")]
    text: String,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum On {
    Support,
    Customer,
    #[value(name = "AI")]
    Ai,
    Marketing,
}

impl From<On> for Author {
    fn from(on: On) -> Self {
        match on {
            On::Support => Self::Support,
            On::Customer => Self::Customer,
            On::Ai => Self::Ai,
            On::Marketing => Self::Marketing,
        }
    }
}

impl Send {
    pub(crate) async fn run(self, global: &Global) -> anyhow::Result<()> {
        let chat = self.client.services(global)?.chat()?;
        let mut chat = match (&self.conversation, &self.to) {
            (Some(id), _) => chat.about("conversation", id),
            (None, to) => chat.about("user", to.as_deref().unwrap_or_default()),
        };
        let attachments = self.attachments.into_iter().map(|url| Attachment { url, ..Attachment::default() });
        let request = SendMessageRequest {
            conversation_id: self.conversation.unwrap_or_default(),
            recipient_id: self.to.unwrap_or_default(),
            sender_id: self.sender,
            content: self.text,
            attachments: attachments.collect(),
            reply_to: self.reply_to,
            client_message_id: self.client_message_id.unwrap_or_default(),
            author: self.author.map_or(Author::Unspecified, Author::from).into(),
            ..SendMessageRequest::default()
        };
        let stored = chat.call(|client| client.send_message(request)).await?;
        self.client.output.show(&MessageView::from(stored.message.unwrap_or_default()))
    }
}
