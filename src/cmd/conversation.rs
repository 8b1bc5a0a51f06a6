//! `causeway conversation`: who talks where.

use causeway_proto::chat::{
    AddParticipantsRequest, Conversation as Stored, ConversationKind, ConversationStatus,
    CreateConversationRequest, GetConversationRequest, ListConversationsRequest, RemoveParticipantsRequest,
    Role, UpdateConversationRequest,
};
use clap::{Args, Subcommand, ValueEnum};

use crate::{cli::Global, client::ClientArgs, cmd, output::ConversationView};

/// Conversations and their participants.
#[derive(Debug, Subcommand)]
pub(crate) enum Conversation {
    Create(Box<Create>),
    Add(Add),
    Remove(Remove),
    Set(Set),
    Show(Show),
    List(List),
}

/// Makes a conversation, or shows the one that is there.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  causeway conversation create --kind group --id lobby --name Lobby --participant alice bob
  causeway conversation create --kind one_to_one --participant alice bob
  causeway conversation create --kind support --customer 4711 --priority 2   assigned to the audience helpdesk")]
pub(crate) struct Create {
    /// What it is
    #[arg(long, value_enum)]
    kind: Kind,
    /// Wanted id [default: the next free number]
    #[arg(long, value_parser = cmd::id)]
    id: Option<String>,
    /// Name to show
    #[arg(long, default_value = "", hide_default_value = true)]
    name: String,
    /// Users in it; may be repeated [default for support: by the configured rule]
    #[arg(long = "participant", value_name = "USER", num_args = 1.., value_parser = cmd::id)]
    participants: Vec<String>,
    /// Those of them who may delete messages of others; may be repeated
    #[arg(long = "admin", value_name = "USER", num_args = 1.., value_parser = cmd::id)]
    admins: Vec<String>,
    /// Outside customer of a support conversation
    #[arg(long, value_name = "USER", value_parser = cmd::id)]
    customer: Option<String>,
    /// Urgency of a support conversation: the higher, the earlier it is listed
    #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
    priority: i32,
    #[command(flatten)]
    client: ClientArgs,
}

/// Adds participants to a group or support conversation.
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// Id of the conversation
    #[arg(value_name = "CONVERSATION", value_parser = cmd::id)]
    id: String,
    /// Users to add; may be repeated
    #[arg(long = "participant", value_name = "USER", num_args = 1.., required = true, value_parser = cmd::id)]
    participants: Vec<String>,
    /// They may delete messages of others
    #[arg(long)]
    admin: bool,
    #[command(flatten)]
    client: ClientArgs,
}

/// Removes participants and closes their sockets on the conversation.
#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// Id of the conversation
    #[arg(value_name = "CONVERSATION", value_parser = cmd::id)]
    id: String,
    /// Users to remove; may be repeated
    #[arg(long = "participant", value_name = "USER", num_args = 1.., required = true, value_parser = cmd::id)]
    participants: Vec<String>,
    #[command(flatten)]
    client: ClientArgs,
}

/// Changes name, status or urgency.
#[derive(Debug, Args)]
pub(crate) struct Set {
    /// Id of the conversation
    #[arg(value_name = "CONVERSATION", value_parser = cmd::id)]
    id: String,
    /// Name to show
    #[arg(long)]
    name: Option<String>,
    /// Who looks after a support conversation
    #[arg(long, value_enum)]
    status: Option<Status>,
    /// Urgency of a support conversation
    #[arg(long, allow_negative_numbers = true)]
    priority: Option<i32>,
    #[command(flatten)]
    client: ClientArgs,
}

/// Shows a conversation and who is in it.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Id of the conversation
    #[arg(value_name = "CONVERSATION", value_parser = cmd::id)]
    id: String,
    #[command(flatten)]
    client: ClientArgs,
}

/// Lists conversations, most urgent first, then latest activity.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only those of a user, with what that user has not read
    #[arg(long, value_parser = cmd::id)]
    user: Option<String>,
    /// Only of this kind
    #[arg(long, value_enum)]
    kind: Option<Kind>,
    /// Only with this status
    #[arg(long, value_enum)]
    status: Option<Status>,
    /// At most so many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100))]
    limit: u32,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Kind {
    Group,
    OneToOne,
    Support,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Status {
    Active,
    SupportActive,
    MarketingActive,
    Closed,
}

impl From<Kind> for ConversationKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Group => Self::Group,
            Kind::OneToOne => Self::OneToOne,
            Kind::Support => Self::Support,
        }
    }
}

impl From<Status> for ConversationStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Active => Self::Active,
            Status::SupportActive => Self::SupportActive,
            Status::MarketingActive => Self::MarketingActive,
            Status::Closed => Self::Closed,
        }
    }
}

impl Conversation {
    pub(crate) async fn run(self, global: &Global) -> anyhow::Result<()> {
        match self {
            Self::Create(create) => create.run(global).await,
            Self::Add(add) => add.run(global).await,
            Self::Remove(remove) => remove.run(global).await,
            Self::Set(set) => set.run(global).await,
            Self::Show(show) => show.run(global).await,
            Self::List(list) => list.run(global).await,
        }
    }
}

impl Create {
    async fn run(self, global: &Global) -> anyhow::Result<()> {
        let request = CreateConversationRequest {
            id: self.id.unwrap_or_default(),
            kind: ConversationKind::from(self.kind).into(),
            name: self.name,
            participant_ids: self.participants,
            customer_id: self.customer.unwrap_or_default(),
            priority: self.priority,
            admin_ids: self.admins,
        };
        let mut chat = self.client.services(global)?.chat()?;
        let created = chat.call(|client| client.create_conversation(request)).await?;
        show(&self.client, created.conversation)
    }
}

impl Add {
    async fn run(self, global: &Global) -> anyhow::Result<()> {
        let mut chat = self.client.services(global)?.chat()?.about("conversation", &self.id);
        let role = if self.admin { Role::Admin } else { Role::Member };
        let request = AddParticipantsRequest {
            conversation_id: self.id,
            user_ids: self.participants,
            role: role.into(),
        };
        let changed = chat.call(|client| client.add_participants(request)).await?;
        show(&self.client, changed.conversation)
    }
}

impl Remove {
    async fn run(self, global: &Global) -> anyhow::Result<()> {
        let mut chat = self.client.services(global)?.chat()?.about("conversation", &self.id);
        let request = RemoveParticipantsRequest { conversation_id: self.id, user_ids: self.participants };
        let changed = chat.call(|client| client.remove_participants(request)).await?;
        show(&self.client, changed.conversation)
    }
}

impl Set {
    async fn run(self, global: &Global) -> anyhow::Result<()> {
        let mut chat = self.client.services(global)?.chat()?.about("conversation", &self.id);
        let status = self.status.map_or(ConversationStatus::Unspecified, ConversationStatus::from);
        let request = UpdateConversationRequest {
            conversation_id: self.id,
            user_id: String::new(),
            status: status.into(),
            priority: self.priority,
            name: self.name,
        };
        let changed = chat.call(|client| client.update_conversation(request)).await?;
        show(&self.client, changed.conversation)
    }
}

impl Show {
    async fn run(self, global: &Global) -> anyhow::Result<()> {
        let mut chat = self.client.services(global)?.chat()?.about("conversation", &self.id);
        let request = GetConversationRequest { conversation_id: self.id, viewer_id: String::new() };
        let found = chat.call(|client| client.get_conversation(request)).await?;
        show(&self.client, found.conversation)
    }
}

impl List {
    async fn run(self, global: &Global) -> anyhow::Result<()> {
        let request = ListConversationsRequest {
            user_id: self.user.unwrap_or_default(),
            kind: self.kind.map_or(ConversationKind::Unspecified, ConversationKind::from).into(),
            status: self.status.map_or(ConversationStatus::Unspecified, ConversationStatus::from).into(),
            limit: self.limit,
        };
        let mut chat = self.client.services(global)?.chat()?;
        let found = chat.call(|client| client.list_conversations(request)).await?;
        let found: Vec<_> = found.conversations.into_iter().map(ConversationView::from).collect();
        self.client.output.show(&found)
    }
}

fn show(client: &ClientArgs, conversation: Option<Stored>) -> anyhow::Result<()> {
    client.output.show(&ConversationView::from(conversation.unwrap_or_default()))
}
