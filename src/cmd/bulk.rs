//! `causeway bulk`: a message to many, which goes on in the background.

use std::{fs, io::Read, path::PathBuf};

use anyhow::Context;
use causeway_proto::{
    client::Grpc,
    notification::{
        Bulk as Stored, CancelBulkRequest, GetBulkRequest, StartBulkRequest, WatchBulkRequest,
        notifications_client::NotificationsClient,
    },
};
use clap::{ArgGroup, Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

use crate::{
    cli::Global,
    client::{Caller, ClientArgs, Services},
    cmd::{self, notify::ContentArgs},
    failure::Usage,
    output::BulkView,
};

/// Messages to many users, in the background.
#[derive(Debug, Subcommand)]
pub(crate) enum Bulk {
    Start(Box<Start>),
    /// Shows how far a bulk message is
    Show(Which),
    /// Shows the progress of a bulk message until it has ended
    Watch(Which),
    /// Stops a bulk message; who has been notified stays notified
    Cancel(Which),
}

/// Starts a message to many users; each gets a notification of its own.
///
/// The server goes on with it, also across restarts. Prints its id.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("whom").required(true).multiple(true).args(["users", "users_file", "audience"]))]
#[command(after_help = "\
Examples:
  causeway bulk start --audience college:5 --title Exam --message \"Rooms are out\" --watch
  causeway bulk start --users-file ids.txt --title Sale --message \"Ends today\"     one id in a line; - reads standard input
  causeway bulk watch 3
  causeway bulk cancel 3")]
pub(crate) struct Start {
    /// A recipient; may be repeated
    #[arg(long = "user", value_name = "USER", num_args = 1.., value_parser = cmd::id)]
    users: Vec<String>,
    /// File with an id in each line; - for standard input
    #[arg(long, value_name = "FILE")]
    users_file: Option<PathBuf>,
    /// Everybody who is in an audience now
    #[arg(long)]
    audience: Option<String>,
    #[command(flatten)]
    content: ContentArgs,
    /// Stay and show the progress
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    client: ClientArgs,
}

/// Names a bulk message.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// Id of the bulk message
    #[arg(value_name = "BULK")]
    id: u64,
    #[command(flatten)]
    client: ClientArgs,
}

/// The most that one call takes.
const MOST: usize = 100_000;

type Notifications = Caller<NotificationsClient<Grpc>>;

impl Bulk {
    pub(crate) async fn run(self, global: &Global) -> anyhow::Result<()> {
        match self {
            Self::Start(start) => start.run(global).await,
            Self::Show(which) => {
                let mut notifications = which.notifications(global)?;
                let request = GetBulkRequest { bulk_id: which.id };
                let found = notifications.call(|client| client.get_bulk(request)).await?;
                show(&which.client, found.bulk)
            }
            Self::Watch(which) => {
                let mut notifications = which.notifications(global)?;
                watch(&mut notifications, which.id, &which.client).await
            }
            Self::Cancel(which) => {
                let mut notifications = which.notifications(global)?;
                let request = CancelBulkRequest { bulk_id: which.id };
                let cancelled = notifications.call(|client| client.cancel_bulk(request)).await?;
                show(&which.client, cancelled.bulk)
            }
        }
    }
}

impl Which {
    fn notifications(&self, global: &Global) -> anyhow::Result<Notifications> {
        Ok(self.client.services(global)?.notifications()?.about("bulk message", &self.id.to_string()))
    }
}

impl Start {
    async fn run(self, global: &Global) -> anyhow::Result<()> {
        let services = self.client.services(global)?;
        let mut user_ids = self.users;
        if let Some(file) = &self.users_file {
            user_ids.extend(read_ids(file)?);
        }
        if let Some(audience) = &self.audience {
            user_ids.extend(members(&services, audience).await?);
        }
        if user_ids.is_empty() || user_ids.len() > MOST {
            return Err(Usage::error(format!("{} recipients: there must be 1 to {MOST}", user_ids.len())));
        }
        let (content, idempotency_key) = self.content.read()?;
        let request = StartBulkRequest { user_ids, content: Some(content), idempotency_key };
        let mut notifications = services.notifications()?;
        let started = notifications.call(|client| client.start_bulk(request)).await?;
        match started.bulk {
            Some(bulk) if self.watch => watch(&mut notifications, bulk.id, &self.client).await,
            bulk => show(&self.client, bulk),
        }
    }
}

/// The ids in a file, one in a line; empty lines do not count.
fn read_ids(file: &PathBuf) -> anyhow::Result<Vec<String>> {
    let mut text = String::new();
    if file.as_os_str() == "-" {
        std::io::stdin().read_to_string(&mut text).context("cannot read standard input")?;
    } else {
        text = fs::read_to_string(file).map_err(|error| {
            Usage::error(format!("cannot read the recipients in {}: {error}", file.display()))
        })?;
    }
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
    lines
        .filter(|(_, line)| !line.is_empty())
        .map(|(number, line)| {
            cmd::id(line).map_err(|why| Usage::error(format!("{}:{number}: {why}", file.display())))
        })
        .collect()
}

async fn members(services: &Services, audience: &str) -> anyhow::Result<Vec<String>> {
    let users = cmd::user::list(&mut services.directory()?, Some(audience), MOST).await?;
    Ok(users.into_iter().map(|user| user.id).collect())
}

/// Follows a bulk message to its end: a bar for people, a line for each step for programs.
async fn watch(notifications: &mut Notifications, id: u64, client: &ClientArgs) -> anyhow::Result<()> {
    let request = WatchBulkRequest { bulk_id: id };
    let mut steps = notifications.call(|client| client.watch_bulk(request)).await?;
    let bar = ProgressBar::new(0);
    bar.set_style(ProgressStyle::with_template("{bar:40} {pos} of {len} notified, {eta} to go")?);
    let mut last = None;
    loop {
        let step = steps.message().await;
        let Some(step) = step.map_err(|status| notifications.failure(&status))? else { break };
        let Some(bulk) = step.bulk else { continue };
        if client.output.json {
            show(client, Some(bulk))?;
        } else {
            bar.set_length(bulk.total);
            bar.set_position(bulk.done);
            last = Some(bulk);
        }
    }
    bar.finish_and_clear();
    if last.is_some() { show(client, last) } else { Ok(()) }
}

fn show(client: &ClientArgs, bulk: Option<Stored>) -> anyhow::Result<()> {
    client.output.show(&BulkView::from(bulk.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipients_are_read_one_in_a_line() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("ids.txt");
        fs::write(&file, "alice\n\n  bob \r\n7\n").unwrap();
        assert_eq!(read_ids(&file).unwrap(), ["alice", "bob", "7"]);
        fs::write(&file, "alice\na/b\n").unwrap();
        let error = read_ids(&file).unwrap_err();
        assert!(error.to_string().contains("ids.txt:2: an id must not"), "{error}");
        assert_eq!(crate::failure::exit_code(&error), 2);
    }
}
