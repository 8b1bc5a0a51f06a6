//! Notices from where they are published: backends that call a webhook, RSS and Atom feeds, and PostgreSQL tables.
//!
//! Each source is switched on by its [`Settings`]. What a source says of a notice goes to the notification service as it is
//! now, and is settled there: it is published once, when it is first seen as published, whatever the source repeats; a change
//! updates it, and one that is no longer published is retracted, as the source's [`Publishing`] says. Its templates decide how
//! a notice reads.
//!
//! Nothing is stored here. A source starts from what it has: a webhook's backend repeats what was not answered, a feed is read
//! from its start, and a table from some days ago. What was published before is known at the service.
//!
//! # Webhook
//!
//! `POST /notices/webhook/<name>` with a JSON object of at most 256 KiB:
//!
//! | field | is |
//! |---|---|
//! | `id` | the notice's own id, a string or a number; required |
//! | `title` | required, unless `is_published` is false |
//! | `message`, `url`, `author`, `type` | strings; optional |
//! | `is_published` | true when it is left out |
//! | `data` | an object of at most 8 KiB that goes along; otherwise `notice_id` and `url` do |
//! | `user_id`, `audience`, `college_id`, `everybody: true` or `user_ids` | whom: one of them |
//!
//! `X-Causeway-Timestamp` holds the time in seconds since 1970, and `X-Causeway-Signature` holds `sha256=` and the HMAC-SHA256
//! of `<timestamp>.<body>` under the webhook's secret, in hexadecimal:
//!
//! ```python
//! timestamp = str(int(time.time()))
//! signature = hmac.new(secret, f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
//! headers = {"X-Causeway-Timestamp": timestamp, "X-Causeway-Signature": f"sha256={signature}"}
//! ```
//!
//! | answer | means |
//! |---|---|
//! | 200 `{"outcome", "reason"}` | settled: "accepted", "duplicate", "ignored", or "rejected" and kept for a person |
//! | 400 `{"error", "field"}` | it cannot be read, and is kept for a person: do not repeat it |
//! | 401 | not signed so, or more than 300 s ago |
//! | 409 | this very request was settled before; sign a repetition anew |
//! | 413 | the body is too long |
//! | 503 | nothing was settled: repeat it |
//!
//! # Feed
//!
//! An entry's id, or its link and title where it has none, is the notice's. Feeds are asked with `If-None-Match` and
//! `If-Modified-Since`, no oftener than they allow by `Cache-Control`, `<ttl>` or `Retry-After`, and more and more rarely while
//! they fail.
//!
//! # PostgreSQL
//!
//! Rows of a [`Table`] are notices. The table tells of a change by `NOTIFY` with the row's id; what was told while nobody
//! listened is found by `updated_at`, which every change must set. For a Django model `Notice` with `updated_at =
//! DateTimeField(auto_now=True)` in an app `communication`:
//!
//! ```sql
//! CREATE FUNCTION causeway_notice_changed() RETURNS trigger LANGUAGE plpgsql AS $$
//! BEGIN
//!     PERFORM pg_notify('causeway_notices', coalesce(NEW.id, OLD.id)::text);
//!     RETURN NULL;
//! END $$;
//!
//! CREATE TRIGGER causeway_notice_changed AFTER INSERT OR UPDATE OR DELETE ON communication_notice
//!     FOR EACH ROW EXECUTE FUNCTION causeway_notice_changed();
//!
//! -- For the catch-up, where the table is large.
//! CREATE INDEX ON communication_notice (updated_at, id);
//! ```
//!
//! The plugin's user needs `SELECT` on the table and nothing else. A row that was deleted is retracted when its `NOTIFY` is
//! heard; one that is deleted while nobody listens stays published, so unpublish before you delete.

mod error;
mod feed;
mod inbound;
mod settings;
mod table;
mod template;
mod webhook;

use std::sync::Arc;

use causeway_plugin_sdk::{
    CancellationToken, Host, Plugin, Profile, Sent, Undelivered,
    axum::Router,
    proto::plugin::{Capabilities, Delivery, PluginKind},
};
use tokio::task::JoinSet;

pub use self::settings::{Columns, Feed, Publishing, Secret, Settings, Table, Target, Webhook, WrongSetting};
use self::webhook::Webhooks;

/// The plugin's name.
const NAME: &str = "notices";

/// The plugin.
pub struct Notices {
    webhooks: Arc<Webhooks>,
    feeds: Vec<feed::Reader>,
    tables: Vec<table::Listener>,
}

impl Notices {
    /// Of settings that can be used; nothing is done yet. Fails at the first that cannot.
    pub fn new(settings: &Settings) -> Result<Self, WrongSetting> {
        settings.check()?;
        // What the check has read cannot fail any more, but for what lies on the disk.
        let of = |list: &str, problem: String| WrongSetting { setting: list.to_owned(), problem };
        let webhooks =
            Webhooks::new(&settings.webhooks).map_err(|error| of("webhooks", error.to_string()))?;
        let feeds = settings.feeds.iter().map(feed::Reader::new).collect::<Result<_, _>>();
        let tables = settings.tables.iter().map(table::Listener::new).collect::<Result<_, _>>();
        Ok(Self {
            webhooks: Arc::new(webhooks),
            feeds: feeds.map_err(|problem| of("feeds", problem))?,
            tables: tables.map_err(|problem| of("tables", problem))?,
        })
    }
}

impl Plugin for Notices {
    fn profile(&self) -> Profile {
        Profile {
            name: NAME.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            kind: PluginKind::NoticeSource,
            capabilities: Capabilities::default(),
        }
    }

    fn routes(self: Arc<Self>, host: Host) -> Router {
        self.webhooks.clone().routes(host)
    }

    async fn run(self: Arc<Self>, host: Host, stop: CancellationToken) {
        self.webhooks.report(&host).await;
        let mut sources = JoinSet::new();
        for feed in &self.feeds {
            sources.spawn(feed.clone().run(host.clone(), stop.clone()));
        }
        for table in &self.tables {
            sources.spawn(table.clone().run(host.clone(), stop.clone()));
        }
        while let Some(ended) = sources.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a source of notices failed; the others go on");
            }
        }
    }

    /// A notice source is given none.
    async fn deliver(&self, _: &Host, _: Delivery) -> Result<Sent, Undelivered> {
        let text = "notices go in and nothing goes out".to_owned();
        Err(Undelivered::Permanent { code: "unsupported".to_owned(), text })
    }
}
