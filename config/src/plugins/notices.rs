//! `[plugins.notices]`: where notices come from, whom they are for, and how they read.

use std::{path::PathBuf, time::Duration};

use serde::Deserialize;

use crate::{
    secret::{self, Secret},
    section::{Invalid, Section},
    services::web_url,
    value,
};

/// The notice sources. Each kind is off while its list is empty.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticesSettings {
    /// Signed webhooks.
    pub webhooks: Vec<WebhookSettings>,
    /// RSS and Atom feeds.
    pub feeds: Vec<FeedSettings>,
    /// Tables of PostgreSQL.
    pub tables: Vec<TableSettings>,
}

/// One webhook, at `<public_url>/notices/webhook/<name>`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookSettings {
    /// Under which its notices are known; it must not change.
    pub name: String,
    /// What it is signed with.
    #[serde(default)]
    pub secret: Option<Secret>,
    /// File with it.
    #[serde(default)]
    pub secret_file: Option<PathBuf>,
    /// How its notices read.
    #[serde(default)]
    pub publish: PublishSettings,
}

/// One feed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeedSettings {
    /// Under which its notices are known; it must not change.
    pub name: String,
    /// Where it is. It may hold credentials: it is not printed.
    pub url: String,
    /// Whom its notices are for.
    pub to: NoticeTarget,
    /// How often it is asked for.
    #[serde(default = "five_minutes", deserialize_with = "value::duration")]
    pub interval: Duration,
    /// Entries older than this are not published.
    #[serde(default = "a_week", deserialize_with = "value::duration")]
    pub max_age: Duration,
    /// Whether it may be on an address that is not public.
    #[serde(default)]
    pub allow_private_addresses: bool,
    /// How its notices read.
    #[serde(default)]
    pub publish: PublishSettings,
}

/// One table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableSettings {
    /// Under which its notices are known; it must not change.
    pub name: String,
    /// Connection string of PostgreSQL (libpq's keywords, or a URL).
    #[serde(default)]
    pub connection_secret: Option<Secret>,
    /// File with it.
    #[serde(default)]
    pub connection_secret_file: Option<PathBuf>,
    /// PEM file with the certificates of the server's authority; `None`: the system's.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// The table, with its schema where it needs one.
    pub table: String,
    /// What its trigger notifies.
    #[serde(default = "channel")]
    pub channel: String,
    /// Whom its notices are for where a row does not say.
    #[serde(default)]
    pub to: Option<NoticeTarget>,
    /// How far back it is looked at the start.
    #[serde(default = "a_week", deserialize_with = "value::duration")]
    pub catch_up: Duration,
    /// What its columns are called.
    #[serde(default)]
    pub columns: ColumnSettings,
    /// How its notices read.
    #[serde(default)]
    pub publish: PublishSettings,
}

/// What columns are called, where that is not their usual name.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(missing_docs, reason = "each is the usual name of a column")]
pub struct ColumnSettings {
    pub id: Option<String>,
    pub title: Option<String>,
    pub is_published: Option<String>,
    pub updated_at: Option<String>,
    pub message: Option<String>,
    pub user_id: Option<String>,
    pub audience: Option<String>,
    pub college_id: Option<String>,
    pub notification_type: Option<String>,
    pub url: Option<String>,
    pub author: Option<String>,
    pub data: Option<String>,
}

/// Whom notices are for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NoticeTarget {
    /// One user.
    User(String),
    /// An audience.
    Audience(String),
    /// A college: the audience `college:<id>`.
    College(String),
    /// Everybody who may connect.
    Everybody,
    /// These users.
    Users(Vec<String>),
}

/// How notices read, where that is not the default.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PublishSettings {
    /// Template of the title.
    pub title: Option<String>,
    /// Template of the message.
    pub message: Option<String>,
    /// Template of the link.
    pub url: Option<String>,
    /// What kind of notification they are.
    pub notification_type: Option<String>,
    /// Whether a notice that changes is shown again.
    pub update_when_changed: Option<bool>,
    /// Whether a notice that is published no more leaves the lists.
    pub retract_when_unpublished: Option<bool>,
}

fn five_minutes() -> Duration {
    Duration::from_secs(5 * 60)
}

fn a_week() -> Duration {
    Duration::from_secs(7 * 24 * 60 * 60)
}

fn channel() -> String {
    "causeway_notices".to_owned()
}

impl NoticesSettings {
    /// Whether there is no source.
    pub fn is_empty(&self) -> bool {
        self.webhooks.is_empty() && self.feeds.is_empty() && self.tables.is_empty()
    }
}

impl Section for NoticesSettings {
    const NAME: &'static str = "plugins.notices";

    fn validate(&self) -> Result<(), Invalid> {
        for (index, webhook) in self.webhooks.iter().enumerate() {
            secret::one("secret", webhook.secret.as_ref(), webhook.secret_file.as_ref())
                .map_err(|invalid| invalid.within(&format!("webhooks[{index}]")))?;
        }
        for (index, feed) in self.feeds.iter().enumerate() {
            web_url("url", &feed.url).map_err(|_| {
                let invalid = Invalid::new("url", "is not a URL", "an https or http URL");
                invalid.within(&format!("feeds[{index}]"))
            })?;
        }
        for (index, table) in self.tables.iter().enumerate() {
            let (inline, file) = (table.connection_secret.as_ref(), table.connection_secret_file.as_ref());
            secret::one("connection_secret", inline, file)
                .map_err(|invalid| invalid.within(&format!("tables[{index}]")))?;
        }
        Ok(())
    }
}
