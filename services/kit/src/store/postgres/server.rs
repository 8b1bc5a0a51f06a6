//! Where a PostgreSQL is, and how a connection to it is protected.

use std::{net::IpAddr, path::Path, time::Duration};

use causeway_proto::tls::{TlsError, trusting};
use tokio_postgres::{
    Client, Config, NoTls,
    config::{Host, SslMode},
};
use tokio_postgres_rustls::MakeRustlsConnect;

/// A server, of which nothing is known yet but where it is.
#[derive(Clone)]
pub struct Postgres {
    config: Config,
    tls: Option<MakeRustlsConnect>,
    /// How it is called in errors: without the password.
    pub(super) place: String,
    /// Connections that read, of each store.
    pub(super) readers: usize,
    /// How long a start waits for it.
    pub(super) start_timeout: Duration,
}

/// What is set cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WrongUrl {
    /// The URL cannot be read.
    #[error("it is not the address of a PostgreSQL: {0}")]
    Url(String),
    /// A part of it is missing.
    #[error("it names no {0}")]
    Missing(&'static str),
    /// The certificates cannot be read.
    #[error(transparent)]
    Certificates(#[from] TlsError),
}

/// What a connection does in the background; its end is what statements answer.
pub(super) type Running = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

impl Postgres {
    /// Reads `postgres://user:password@host:port/database?…` (libpq, "Connection URIs"), or libpq's `key=value` form. Without an
    /// `sslmode`, the connection is encrypted and the server's certificate verified, except to this machine itself. `readers`:
    /// how many connections of each store read.
    pub fn new(
        url: &str,
        ca_file: Option<&Path>,
        readers: usize,
        start_timeout: Duration,
    ) -> Result<Self, WrongUrl> {
        let mut config: Config = url.parse().map_err(|error: tokio_postgres::Error| {
            // Its source may hold a piece of what was given, and so of the password.
            drop(error);
            WrongUrl::Url("write it as postgres://USER:PASSWORD@HOST:PORT/DATABASE".to_owned())
        })?;
        if config.get_hosts().is_empty() {
            return Err(WrongUrl::Missing("host"));
        }
        let database = config.get_dbname().ok_or(WrongUrl::Missing("database"))?;
        let hosts: Vec<_> = config.get_hosts().iter().map(name).collect();
        let place = format!("the PostgreSQL database {database} at {}", hosts.join(", "));
        config
            .keepalives(true)
            .keepalives_idle(Duration::from_secs(10))
            .tcp_user_timeout(Duration::from_secs(5));
        config.target_session_attrs(tokio_postgres::config::TargetSessionAttrs::ReadWrite);
        let is_near = config.get_hosts().iter().all(is_this_machine);
        let encrypts = match config.get_ssl_mode() {
            SslMode::Disable => false,
            SslMode::Prefer => !is_near,
            _ => true,
        };
        config.ssl_mode(if encrypts { SslMode::Require } else { SslMode::Disable });
        let tls = if encrypts {
            Some(MakeRustlsConnect::new(trusting(ca_file)?.with_no_client_auth()))
        } else {
            None
        };
        Ok(Self { config, tls, place, readers, start_timeout })
    }

    pub(super) async fn connect(&self, name: &str) -> Result<(Client, Running), tokio_postgres::Error> {
        let mut config = self.config.clone();
        config.application_name(format!("causeway {name}"));
        match self.tls.clone() {
            Some(tls) => {
                let (client, connection) = config.connect(tls).await?;
                Ok((client, Box::pin(async { drop(connection.await) })))
            }
            None => {
                let (client, connection) = config.connect(NoTls).await?;
                Ok((client, Box::pin(async { drop(connection.await) })))
            }
        }
    }
}

impl std::fmt::Debug for Postgres {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.place)
    }
}

fn name(host: &Host) -> String {
    match host {
        Host::Tcp(name) => name.clone(),
        Host::Unix(path) => path.display().to_string(),
    }
}

fn is_this_machine(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        Host::Unix(_) => true,
    }
}
