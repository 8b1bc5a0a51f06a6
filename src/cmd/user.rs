//! `causeway user`: the directory.

use causeway_proto::chat::{GetUserRequest, ListUsersRequest, PutUserRequest};
use clap::{Args, Subcommand};

use crate::{cli::Global, client::ClientArgs, cmd, output::UserView};

/// Users and outside customers.
///
/// A user who connects with a token is registered without this; it is for those who have not, and for customers.
#[derive(Debug, Subcommand)]
pub(crate) enum User {
    Put(Box<Put>),
    Show(Show),
    List(List),
}

/// Makes a user, or changes what is given.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  causeway user put alice --first-name Alice --last-name Doe --audience helpdesk
  causeway user put 4711 --first-name John --source telegram --profile-picture https://example.com/4711.jpg
  causeway user put alice --email \"\"          clears the address")]
pub(crate) struct Put {
    /// Id of the user
    #[arg(value_name = "USER", value_parser = cmd::id)]
    id: String,
    /// Login name
    #[arg(long)]
    username: Option<String>,
    /// Name to show, in place of first and last name
    #[arg(long)]
    name: Option<String>,
    /// Given name
    #[arg(long)]
    first_name: Option<String>,
    /// Family name
    #[arg(long)]
    last_name: Option<String>,
    /// Mail address
    #[arg(long)]
    email: Option<String>,
    /// Audience to join, as helpdesk or college:5; may be repeated
    #[arg(long = "audience", value_name = "AUDIENCE")]
    audiences: Vec<String>,
    /// Audience to leave; may be repeated
    #[arg(long = "leave", value_name = "AUDIENCE")]
    leave: Vec<String>,
    /// Channel of an outside customer, as telegram
    #[arg(long)]
    source: Option<String>,
    /// Picture of an outside customer
    #[arg(long, value_name = "URL")]
    profile_picture: Option<String>,
    /// Whether the user may connect
    #[arg(long, value_name = "true|false")]
    active: Option<bool>,
    #[command(flatten)]
    client: ClientArgs,
}

/// Shows a user.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Id of the user
    #[arg(value_name = "USER", value_parser = cmd::id)]
    id: String,
    #[command(flatten)]
    client: ClientArgs,
}

/// Lists users by id.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only those of an audience
    #[arg(long)]
    audience: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 1000)]
    limit: usize,
    #[command(flatten)]
    client: ClientArgs,
}

/// What one call may answer.
const PAGE: usize = 1000;

impl User {
    pub(crate) async fn run(self, global: &Global) -> anyhow::Result<()> {
        match self {
            Self::Put(put) => put.run(global).await,
            Self::Show(show) => show.run(global).await,
            Self::List(list) => list.run(global).await,
        }
    }
}

impl Put {
    async fn run(self, global: &Global) -> anyhow::Result<()> {
        let mut directory = self.client.services(global)?.directory()?.about("user", &self.id);
        let request = PutUserRequest {
            id: self.id,
            username: self.username,
            name: self.name,
            first_name: self.first_name,
            last_name: self.last_name,
            email: self.email,
            add_audiences: self.audiences,
            remove_audiences: self.leave,
            source: self.source,
            profile_picture: self.profile_picture,
            is_active: self.active,
        };
        let stored = directory.call(|client| client.put_user(request)).await?;
        self.client.output.show(&UserView::from(stored.user.unwrap_or_default()))
    }
}

impl Show {
    async fn run(self, global: &Global) -> anyhow::Result<()> {
        let mut directory = self.client.services(global)?.directory()?.about("user", &self.id);
        let request = GetUserRequest { user_id: self.id };
        let found = directory.call(|client| client.get_user(request)).await?;
        self.client.output.show(&UserView::from(found.user.unwrap_or_default()))
    }
}

impl List {
    async fn run(self, global: &Global) -> anyhow::Result<()> {
        let mut directory = self.client.services(global)?.directory()?;
        let users = list(&mut directory, self.audience.as_deref(), self.limit).await?;
        self.client.output.show(&users)
    }
}

type Directory = crate::client::Caller<
    causeway_proto::chat::directory_client::DirectoryClient<causeway_proto::client::Grpc>,
>;

/// Reads users page by page, of an audience or all.
pub(crate) async fn list(
    directory: &mut Directory,
    audience: Option<&str>,
    limit: usize,
) -> anyhow::Result<Vec<UserView>> {
    let mut users: Vec<UserView> = Vec::new();
    while users.len() < limit {
        let request = ListUsersRequest {
            after: users.last().map(|user| user.id.clone()).unwrap_or_default(),
            limit: u32::try_from(PAGE.min(limit - users.len()))?,
            audience: audience.unwrap_or_default().to_owned(),
        };
        let page = directory.call(|client| client.list_users(request)).await?;
        let is_last = !page.has_more || page.users.is_empty();
        users.extend(page.users.into_iter().map(UserView::from));
        if is_last {
            break;
        }
    }
    Ok(users)
}
