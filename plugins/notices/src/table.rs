//! PostgreSQL tables: listened to, and caught up with.
//!
//! `link` is the connection and what is heard on it, `layout` how the table is read, `row` a notice out of a row. Here is when
//! to read what.
//!
//! A change that commits is told to whoever listens, and to nobody else; and rows do not become visible in the order of their
//! times. So what was missed is found by reading again from some time before the newest row that was seen: after each
//! connecting, and now and then in any case. That the same rows come again harms nobody.

mod layout;
mod link;
mod row;

use std::{
    collections::HashSet,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use causeway_plugin_sdk::{
    Backoff, CancellationToken, Host, Settled, Stopped,
    proto::{plugin::AccountState, tls::trusting},
};
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_postgres::{
    Config,
    config::{Host as Server, SslMode},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use self::{
    layout::{Layout, Lookup},
    link::{Heard, Link},
    row::Row,
};
use crate::{
    error::TableError,
    inbound::{Found, Publisher},
    settings::Table,
};

/// Between two tries to connect.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

/// Events that are remembered as settled. Beyond that all are forgotten, and some are pushed once more.
const SETTLED: usize = 10_000;

/// Listens to one table. Cloning is cheap.
#[derive(Clone)]
pub(crate) struct Listener(Arc<Source>);

struct Source {
    publisher: Publisher,
    config: Config,
    tls: Option<MakeRustlsConnect>,
    settings: Table,
}

/// What is known of the table from before.
#[derive(Default)]
struct Memory {
    /// The time of the newest row that was caught up with, as PostgreSQL writes it.
    newest: Option<String>,
    /// Events that are settled.
    settled: HashSet<String>,
}

/// Why listening has ended.
enum Ended {
    Stopped,
    Failed(TableError),
}

impl Listener {
    /// Of settings that were checked. Fails with what is wrong with the certificates.
    pub(crate) fn new(settings: &Table) -> Result<Self, String> {
        let publisher = Publisher::new("postgres", &settings.name, &settings.publishing);
        let connection = settings.connection.as_ref().map(|secret| secret.expose().parse());
        // What cannot be read of it may be the password.
        let Some(Ok(mut config)) = connection else { return Err("has no connection".to_owned()) };
        let tls = match Config::get_ssl_mode(&config) {
            SslMode::Require => {
                let trusting = trusting(settings.ca_file.as_deref());
                let trusting = trusting.map_err(|error| format!("cannot be encrypted: {error}"))?;
                Some(MakeRustlsConnect::new(trusting.with_no_client_auth()))
            }
            _ => {
                config.ssl_mode(SslMode::Disable);
                None
            }
        };
        Ok(Self(Arc::new(Source {
            publisher: publisher.map_err(|error| error.to_string())?,
            config,
            tls,
            settings: settings.clone(),
        })))
    }

    /// Listens until the stop.
    pub(crate) async fn run(self, host: Host, stop: CancellationToken) {
        // Dropping what is under way loses nothing: what was not settled is found again.
        let _ = stop.run_until_cancelled(Box::pin(self.0.attend(&host))).await;
    }
}

impl Source {
    async fn attend(&self, host: &Host) {
        let account = self.publisher.account();
        if self.tls.is_none() && self.config.get_hosts().iter().any(is_elsewhere) {
            tracing::warn!(account, "the connection to PostgreSQL is not encrypted; sslmode=require is");
        }
        let mut memory = Memory::default();
        let mut backoff = Backoff::new(FIRST, LONGEST);
        loop {
            let error = match self.listen(&mut memory, &mut backoff, host).await {
                Ended::Stopped => return,
                Ended::Failed(error) => error,
            };
            let wait = backoff.next();
            tracing::warn!(account, %error, ?wait, "a table of notices is not listened to");
            host.account(account, error.state(), &error.to_string()).await;
            tokio::time::sleep(wait).await;
        }
    }

    /// Connects, catches up and listens, until that fails.
    async fn listen(&self, memory: &mut Memory, backoff: &mut Backoff, host: &Host) -> Ended {
        let listened = async {
            let mut link = Link::open(&self.config, self.tls.as_ref(), self.settings.timeout).await?;
            // First listen, then look: what commits in between is seen twice and not missed.
            link.listen(&self.settings.channel).await?;
            let layout = Layout::read(&link, &self.settings).await?;
            self.catch_up(&link, &layout, memory, host).await?;
            backoff.reset();
            host.account(self.publisher.account(), AccountState::Connected, "").await;
            self.follow(&mut link, &layout, memory, host).await
        };
        match listened.await {
            Ok(never) => match never {},
            Err(ended) => ended,
        }
    }

    async fn follow(
        &self,
        link: &mut Link,
        layout: &Layout,
        memory: &mut Memory,
        host: &Host,
    ) -> Result<std::convert::Infallible, Ended> {
        let every = self.settings.every;
        let mut now_and_then = interval_at(Instant::now() + every, every);
        now_and_then.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let heard = tokio::select! {
                heard = link.heard() => heard?,
                _ = now_and_then.tick() => Heard::Something,
            };
            match heard {
                Heard::Rows(ids) => self.look_at(link, layout, ids, memory, host).await?,
                Heard::Something => self.catch_up(link, layout, memory, host).await?,
            }
        }
    }

    /// Reads what changed since some time before the newest row that was seen, page by page.
    async fn catch_up(
        &self,
        link: &Link,
        layout: &Layout,
        memory: &mut Memory,
        host: &Host,
    ) -> Result<(), Ended> {
        let mut page = layout.first_page(link, memory.newest.as_deref(), &self.settings).await?;
        while let Some(last) = page.last() {
            let (time, id) = (last.updated_at.clone(), last.id.clone());
            let is_last = page.len() < self.settings.page as usize;
            self.push_rows(page, memory, host).await?;
            memory.newest = Some(time.clone());
            if is_last {
                break;
            }
            page = layout.next_page(link, &time, &id, self.settings.page).await?;
        }
        Ok(())
    }

    /// Reads the rows that were told of.
    async fn look_at(
        &self,
        link: &Link,
        layout: &Layout,
        ids: Vec<String>,
        memory: &mut Memory,
        host: &Host,
    ) -> Result<(), Ended> {
        let mut rows = Vec::new();
        for id in ids {
            match layout.row(link, &id).await? {
                Lookup::Row(row) => rows.push(*row),
                Lookup::Nothing => self.retract(id, host).await?,
                Lookup::NoId => self.catch_up(link, layout, memory, host).await?,
            }
        }
        self.push_rows(rows, memory, host).await.map_err(Ended::from)
    }

    /// The row was deleted. Each time that this is heard is an event of its own, because a row may come back; to retract what
    /// is retracted changes nothing.
    async fn retract(&self, id: String, host: &Host) -> Result<(), Stopped> {
        if !self.publisher.retracts() || id.is_empty() {
            return Ok(());
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
        let found = Found { id, version: format!("deleted-{now}"), ..Found::default() };
        host.push(self.publisher.event(found)).await.map(drop)
    }

    async fn push_rows(&self, rows: Vec<Row>, memory: &mut Memory, host: &Host) -> Result<(), Stopped> {
        let default = self.settings.to.as_ref().map(crate::settings::Target::to_proto);
        let events = rows.into_iter().map(|row| self.publisher.event(row.into_found(default.as_ref())));
        let events: Vec<_> = events.filter(|event| !memory.settled.contains(&event.provider_id)).collect();
        let ids: Vec<_> = events.iter().map(|event| event.provider_id.clone()).collect();
        for (id, settled) in ids.iter().zip(host.push_all(events).await?) {
            if let Settled::Rejected(reason) = settled {
                tracing::warn!(account = self.publisher.account(), id, reason, "a notice was rejected");
            }
        }
        if memory.settled.len() + ids.len() > SETTLED {
            memory.settled.clear();
        }
        memory.settled.extend(ids);
        Ok(())
    }
}

/// Whether a server is not of this machine, as far as its name tells.
fn is_elsewhere(server: &Server) -> bool {
    match server {
        Server::Tcp(name) => {
            let address = name.parse::<std::net::IpAddr>();
            name != "localhost" && !address.is_ok_and(|address| address.is_loopback())
        }
        Server::Unix(_) => false,
    }
}

impl From<Stopped> for Ended {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}

impl From<TableError> for Ended {
    fn from(error: TableError) -> Self {
        Self::Failed(error)
    }
}
