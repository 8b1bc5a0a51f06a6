//! `causeway notify` and `causeway broadcast`: one user, or everybody in an audience.

use causeway_proto::notification::{BroadcastRequest, Content, NotifyRequest};
use clap::Args;

use crate::{cli::Global, client::ClientArgs, cmd, output::NotificationView};

/// What a notification says.
#[derive(Debug, Args)]
pub(crate) struct ContentArgs {
    /// Heading
    #[arg(long)]
    title: String,
    /// Text
    #[arg(long)]
    message: String,
    /// Kind, as notice or alert
    #[arg(long = "type", value_name = "TYPE", default_value = "info")]
    kind: String,
    /// JSON object for the frontend
    #[arg(long, value_name = "JSON")]
    data: Option<String>,
    /// Idempotency key: the same again within a day does nothing
    #[arg(long)]
    key: Option<String>,
}

impl ContentArgs {
    /// The content and the idempotency key.
    pub(crate) fn read(self) -> anyhow::Result<(Content, String)> {
        let data = self.data.map(|data| cmd::json_object("--data", &data)).transpose()?;
        let content = Content {
            title: self.title,
            message: self.message,
            notification_type: self.kind,
            data: data.unwrap_or_default(),
        };
        Ok((content, self.key.unwrap_or_default()))
    }
}

/// Notifies one user.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  causeway notify alice --title \"Order shipped\" --message \"It is on its way\" --type order --data '{\"order\":7}'
  causeway notify alice --title Build --message running --collapse build-7    updates the unread one in place")]
pub(crate) struct Notify {
    /// Id of the user
    #[arg(value_name = "USER", value_parser = cmd::id)]
    user: String,
    #[command(flatten)]
    content: ContentArgs,
    /// An unread notification of the user with the same key is updated in place
    #[arg(long, value_name = "KEY")]
    collapse: Option<String>,
    #[command(flatten)]
    client: ClientArgs,
}

/// Notifies everybody in an audience, those who are away as well.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  causeway broadcast college:5 --title Holiday --message \"Closed on Monday\" --type notice")]
pub(crate) struct Broadcast {
    /// Id of the audience
    #[arg(value_name = "AUDIENCE")]
    audience: String,
    #[command(flatten)]
    content: ContentArgs,
    #[command(flatten)]
    client: ClientArgs,
}

impl Notify {
    pub(crate) async fn run(self, global: &Global) -> anyhow::Result<()> {
        let (content, idempotency_key) = self.content.read()?;
        let request = NotifyRequest {
            user_id: self.user,
            content: Some(content),
            idempotency_key,
            collapse_key: self.collapse.unwrap_or_default(),
        };
        let mut notifications = self.client.services(global)?.notifications()?;
        let stored = notifications.call(|client| client.notify(request)).await?;
        self.client.output.show(&NotificationView::from(stored.notification.unwrap_or_default()))
    }
}

impl Broadcast {
    pub(crate) async fn run(self, global: &Global) -> anyhow::Result<()> {
        let (content, idempotency_key) = self.content.read()?;
        let request = BroadcastRequest { audience: self.audience, content: Some(content), idempotency_key };
        let mut notifications = self.client.services(global)?.notifications()?;
        let stored = notifications.call(|client| client.broadcast(request)).await?;
        self.client.output.show(&NotificationView::from(stored.notification.unwrap_or_default()))
    }
}
