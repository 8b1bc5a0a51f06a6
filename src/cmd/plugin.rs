//! `causeway plugin`: lets integrations in, looks at them, tries them, and runs those that come along.

use causeway_proto::plugin::{
    AddPluginRequest, ListPluginsRequest, ListSetAsideRequest, PluginKind, RemovePluginRequest,
};
use clap::{Args, Subcommand, ValueEnum};

use crate::{
    cli::Global,
    client::ClientArgs,
    output::{self, PluginView, SetAsideView},
    plugins::Which,
};

pub(crate) mod check;
pub(crate) mod run;

/// Integrations: lets them in, looks at them, tries them, runs those that come along
#[derive(Debug, Subcommand)]
pub(crate) enum Plugin {
    List(List),
    Add(Add),
    Remove(Remove),
    SetAside(Kept),
    Check(check::Check),
    /// Runs the Telegram channel alone
    Telegram(run::Run),
    /// Runs the Instagram channel alone
    Instagram(run::Run),
    /// Runs the notice sources alone: webhooks, feeds and PostgreSQL tables
    Notices(run::Run),
}

/// Shows the plugins that may attach: state, accounts, credits, lag, what waits for them, and what last went wrong.
///
/// CREDIT is how many events the plugin may send and how many deliveries it may be sent; LAG is the time between when the
/// newest event happened at the provider and when it was stored; WAITING counts deliveries that wait or are in hand.
#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    client: ClientArgs,
}

/// What a plugin is.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    /// Carries messages between customers at a provider and support conversations
    Channel,
    /// Publishes notices
    NoticeSource,
    /// Reads what customers write and may answer
    Agent,
}

impl From<Kind> for PluginKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Channel => Self::Channel,
            Kind::NoticeSource => Self::NoticeSource,
            Kind::Agent => Self::Agent,
        }
    }
}

/// Lets a plugin attach, and prints a credential for it, nothing else.
///
/// The credential is good for this name and kind alone. It is stored as a digest and cannot be shown again; another call makes
/// another one, and both are good.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  causeway plugin add autoresponder --kind agent > autoresponder.token
  causeway plugin add mail --kind channel")]
pub(crate) struct Add {
    /// Name: 1 to 64 of a-z, 0-9 and \"-\"; for a channel, what its customers' source is called
    #[arg(value_name = "NAME")]
    name: String,
    /// What it is
    #[arg(long, value_enum)]
    kind: Kind,
    #[command(flatten)]
    client: ClientArgs,
}

/// Takes all credentials of a plugin away and ends its attachment.
#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// Name of the plugin
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    client: ClientArgs,
}

/// Shows events that were kept for a person: malformed ones, and those that were rejected. With --json, also what the
/// provider sent.
#[derive(Debug, Args)]
pub(crate) struct Kept {
    /// Only of this plugin
    #[arg(value_name = "NAME", default_value = "")]
    name: String,
    /// At most this many, newest first
    #[arg(long, default_value_t = 50)]
    limit: u32,
    #[command(flatten)]
    client: ClientArgs,
}

impl Plugin {
    pub(crate) async fn run(self, global: &Global) -> anyhow::Result<()> {
        match self {
            Self::List(list) => list.run(global).await,
            Self::Add(add) => add.run(global).await,
            Self::Remove(remove) => remove.run(global).await,
            Self::SetAside(kept) => kept.run(global).await,
            Self::Check(check) => check.run().await,
            Self::Telegram(run) => run.run(Which::Telegram, global).await,
            Self::Instagram(run) => run.run(Which::Instagram, global).await,
            Self::Notices(run) => run.run(Which::Notices, global).await,
        }
    }
}

impl List {
    async fn run(self, global: &Global) -> anyhow::Result<()> {
        let mut all: Vec<PluginView> = Vec::new();
        for mut plugins in self.client.services(global)?.plugins()? {
            let list = plugins.call(|client| client.list_plugins(ListPluginsRequest {})).await?;
            all.extend(list.plugins.into_iter().map(PluginView::from));
        }
        self.client.output.show(&all)
    }
}

impl Add {
    async fn run(self, global: &Global) -> anyhow::Result<()> {
        let kind = PluginKind::from(self.kind);
        let request = AddPluginRequest { name: self.name, kind: kind.into(), token: String::new() };
        let mut plugins = self.client.services(global)?.plugins_of(kind)?;
        let added = plugins.call(|client| client.add_plugin(request)).await?;
        output::line(&added.token)
    }
}

impl Remove {
    async fn run(self, global: &Global) -> anyhow::Result<()> {
        let mut missing = None;
        for plugins in self.client.services(global)?.plugins()? {
            let request = RemovePluginRequest { name: self.name.clone() };
            let mut plugins = plugins.about("plugin", &self.name);
            match plugins.call(|client| client.remove_plugin(request)).await {
                Ok(_) => return output::line(&format!("plugin {} may not attach any more", self.name)),
                Err(error) => missing = Some(error),
            }
        }
        missing.map_or(Ok(()), Err)
    }
}

impl Kept {
    async fn run(self, global: &Global) -> anyhow::Result<()> {
        let mut all: Vec<SetAsideView> = Vec::new();
        for mut plugins in self.client.services(global)?.plugins()? {
            let request = ListSetAsideRequest { plugin: self.name.clone(), limit: self.limit };
            let kept = plugins.call(|client| client.list_set_aside(request)).await?;
            all.extend(kept.events.into_iter().map(SetAsideView::from));
        }
        self.client.output.show(&all)
    }
}
