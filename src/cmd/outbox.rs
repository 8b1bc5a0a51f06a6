//! `causeway outbox`: what is owed to plugins and between services, and what was given up.

use causeway_proto::plugin::{ListOutboxRequest, OutboxState, ReplayOutboxRequest};
use clap::{Args, Subcommand, ValueEnum};

use crate::{
    cli::Global,
    client::ClientArgs,
    failure::Usage,
    output::{self, OutboxView},
};

/// What is owed to plugins and between services
#[derive(Debug, Subcommand)]
pub(crate) enum Outbox {
    List(List),
    Replay(Replay),
}

/// Where an item stands.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum State {
    /// Waits for its turn or its next attempt
    Waiting,
    /// A plugin has it
    InHand,
    /// Given up
    Dead,
}

/// Shows what waits, is in hand or was given up, oldest first.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  causeway outbox list
  causeway outbox list --kind plugin/telegram --state dead")]
pub(crate) struct List {
    /// Only of this kind: plugin/NAME for deliveries, or away for notifications that messages owe
    #[arg(long, default_value = "")]
    kind: String,
    /// Only in this state
    #[arg(long, value_enum)]
    state: Option<State>,
    /// At most this many of each service
    #[arg(long, default_value_t = 50)]
    limit: u32,
    /// Only items with greater ids
    #[arg(long, default_value_t = 0)]
    after: u64,
    #[command(flatten)]
    client: ClientArgs,
}

/// Tries again what was given up, and prints how many items that are.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  causeway outbox replay --kind plugin/telegram
  causeway outbox replay 17 18
  causeway outbox replay --all")]
pub(crate) struct Replay {
    /// Ids of items, as `outbox list` shows them
    #[arg(value_name = "ID")]
    ids: Vec<u64>,
    /// Only of this kind
    #[arg(long, default_value = "")]
    kind: String,
    /// Everything that was given up
    #[arg(long, conflicts_with_all = ["ids", "kind"])]
    all: bool,
    #[command(flatten)]
    client: ClientArgs,
}

impl Outbox {
    pub(crate) async fn run(self, global: &Global) -> anyhow::Result<()> {
        match self {
            Self::List(list) => list.run(global).await,
            Self::Replay(replay) => replay.run(global).await,
        }
    }
}

impl List {
    async fn run(self, global: &Global) -> anyhow::Result<()> {
        let state = match self.state {
            None => OutboxState::Unspecified,
            Some(State::Waiting) => OutboxState::Waiting,
            Some(State::InHand) => OutboxState::InHand,
            Some(State::Dead) => OutboxState::Dead,
        };
        let mut all: Vec<OutboxView> = Vec::new();
        for mut plugins in self.client.services(global)?.plugins()? {
            let kind = self.kind.clone();
            let request =
                ListOutboxRequest { kind, state: state.into(), limit: self.limit, after: self.after };
            let list = plugins.call(|client| client.list_outbox(request)).await?;
            all.extend(list.items.into_iter().map(OutboxView::from));
        }
        self.client.output.show(&all)
    }
}

impl Replay {
    async fn run(self, global: &Global) -> anyhow::Result<()> {
        if self.ids.is_empty() && self.kind.is_empty() && !self.all {
            return Err(Usage::error("name ids, a --kind, or --all".to_owned()));
        }
        let mut count = 0;
        for mut plugins in self.client.services(global)?.plugins()? {
            let request = ReplayOutboxRequest { kind: self.kind.clone(), ids: self.ids.clone() };
            count += plugins.call(|client| client.replay_outbox(request)).await?.count;
        }
        output::line(&count.to_string())
    }
}
