//! What every process of ours has, whichever parts are in it: data directory, credentials, metrics, listeners, an end.

use std::{io::ErrorKind, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{anyhow, bail};
use causeway_config::{AuthSettings, Flag, Loaded, Origin, Provenance, Settings};
use causeway_kit::{
    Context, Part,
    events::Hub,
    server::{self, Certificate, GrpcService, Limits, ServiceToken, StackOptions},
};
use causeway_proto::client::Credential;
use futures_util::future;
use tokio::{
    net::{TcpListener, TcpStream},
    signal::unix::{Signal, SignalKind, signal},
    time::timeout,
};
use tokio_stream::{StreamExt, wrappers::TcpListenerStream};

use crate::{
    admin,
    cli::Global,
    data_dir::{Announcement, DataDir},
    lifecycle::{self, Lifecycle},
    limits,
    readiness::Readiness,
    reload::{self, Control, Reader, Reloads},
    telemetry, tls,
};

/// How long stores may take to be closed: what is in their logs goes into their files.
const CLOSING: Duration = Duration::from_secs(5);

/// A process that is about to run.
pub(crate) struct Host {
    /// What is set, with credentials filled in.
    pub(crate) settings: Settings,
    /// Where it came from.
    pub(crate) provenance: Provenance,
    /// What parts are started with.
    pub(crate) context: Context,
    /// Whether credentials were made just now.
    pub(crate) is_first_start: bool,
    /// How it ends.
    pub(crate) lifecycle: Lifecycle,
    /// What takes new settings while it runs.
    pub(crate) reloads: Reloads,
    /// Where it keeps what it keeps.
    pub(crate) dir: DataDir,
    /// What its gRPC listener shows; `None`: it has no TLS.
    certificate: Option<Certificate>,
    /// Whether its services can do their job; `None`: it has none.
    readiness: Option<Readiness>,
    announcements: Vec<Announcement>,
    /// What its parts keep, which is closed at the end.
    hubs: Vec<Hub>,
    control: Control,
    hangup: Signal,
}

impl Host {
    /// Reads the settings, starts logging, and opens the data directory. `flags` are what was typed beside `global`.
    pub(crate) fn new(global: &Global, flags: Vec<Flag>, reader: Reader) -> anyhow::Result<Self> {
        let again = global.sources(flags);
        let Loaded { mut settings, provenance } = again()?;
        let levels = telemetry::start(&settings.log)?;
        lifecycle::log_panics();
        limits::raise_open_files();
        let (lifecycle, hangup) = (Lifecycle::new()?, signal(SignalKind::hangup())?);
        let dir = DataDir::open(&settings.data_dir)?;
        let is_first_start = fill_in_credentials(&mut settings.auth, &dir)?;

        let context = Context {
            tasks: lifecycle.tasks.clone(),
            leaving: lifecycle.leaving.clone(),
            closing: lifecycle.closing.clone(),
            stop: lifecycle.stop.clone(),
            ..Context::new(dir.path())
        };
        let mut reloads = Reloads::new(again, reader, provenance.clone());
        reloads.add(&["log.level"], move |settings| levels.prepare(&settings.log));
        let (certificate, readiness) = match reader {
            Reader::Up | Reader::Service(_) => {
                let readiness = Readiness::until(lifecycle.leaving.clone());
                (tls::of_services(&settings, &mut reloads)?, Some(readiness))
            }
            Reader::Bridge | Reader::Plugin(_) => (None, None),
        };
        let control = Control::listen(dir.path(), reader.name())?;
        let (announcements, hubs) = (Vec::new(), Vec::new());
        Ok(Self {
            settings,
            provenance,
            context,
            is_first_start,
            lifecycle,
            reloads,
            dir,
            certificate,
            readiness,
            announcements,
            hubs,
            control,
            hangup,
        })
    }

    /// What calls to services show.
    pub(crate) fn credential(&self) -> anyhow::Result<Credential> {
        let token = self.settings.auth.service_token.as_ref();
        token
            .and_then(|token| Credential::bearer(token.expose()))
            .ok_or_else(|| anyhow!("auth.service_token holds characters that no header may"))
    }

    /// One gRPC service of these parts. The process ends when one of them does.
    pub(crate) fn stack(&mut self, parts: Vec<Part>) -> GrpcService {
        for part in &parts {
            self.lifecycle.watch(part.name, part.broken.clone());
            self.hubs.push(part.hub.clone());
        }
        if let Some(readiness) = &self.readiness {
            readiness.follow(parts.iter().map(|part| part.health.clone()).collect());
        }
        let token = self.settings.auth.service_token.as_ref().map_or("", |token| token.expose());
        let options =
            StackOptions { token: ServiceToken::new(token), reflection: self.settings.services.reflection };
        server::stack(parts, options, &self.context)
    }

    /// Answers gRPC until the process closes, and then finishes what is under way.
    pub(crate) fn serve_grpc(&mut self, listener: TcpListener, service: GrpcService) {
        let incoming = TcpListenerStream::new(listener).map(without_delay);
        let (certificate, limits) = (self.certificate.clone(), self.grpc_limits());
        let closing = self.lifecycle.closing.clone();
        let serve = server::serve_over(service, incoming, certificate, limits, closing);
        let serve = self.lifecycle.calls.track_future(serve);
        self.lifecycle.essential("the gRPC listener", serve);
    }

    fn grpc_limits(&self) -> Limits {
        let limits = &self.settings.services.limits;
        Limits {
            max_connections: limits.max_connections,
            max_streams: limits.max_streams,
            max_header_bytes: limits.max_header_bytes,
            handshake_timeout: limits.handshake_timeout,
            keepalive_interval: limits.keepalive_interval,
            keepalive_timeout: limits.keepalive_timeout,
            ..Limits::default()
        }
    }

    /// Answers operators until the stop.
    pub(crate) fn serve_admin(&mut self, listener: TcpListener) {
        let (metrics, readiness) = (self.context.metrics.clone(), self.readiness.clone());
        let (tasks, stop) = (self.lifecycle.tasks.clone(), self.lifecycle.stop.clone());
        let serve = admin::serve(listener, metrics, readiness, tasks, stop);
        self.lifecycle.essential("the admin listener", serve);
    }

    /// Says in the data directory where services listen, so that calls find them.
    pub(crate) fn announce_grpc(&mut self, parts: &[&str], address: SocketAddr) -> anyhow::Result<()> {
        let scheme = if self.certificate.is_some() { "https" } else { "http" };
        for part in parts {
            self.announcements.push(self.dir.announce(part, scheme, address)?);
        }
        Ok(())
    }

    /// Says in the data directory where the bridge listens.
    pub(crate) fn announce_bridge(&mut self, address: SocketAddr) -> anyhow::Result<()> {
        self.announcements.push(self.dir.announce("bridge", "http", address)?);
        Ok(())
    }

    /// Waits for the end, see [`Lifecycle::run`], and takes new settings until then.
    pub(crate) async fn run(self, drained: impl Future<Output = ()>, window: Duration) -> anyhow::Result<()> {
        let Self { settings, lifecycle, reloads, control, hangup, announcements, hubs, .. } = self;
        let reloads = Arc::new(reloads);
        lifecycle.tasks.spawn(control.serve(reloads.clone(), lifecycle.stop.clone()));
        lifecycle.tasks.spawn(reload::on_hangup(hangup, reloads, lifecycle.stop.clone()));
        let ended = lifecycle.run(drained, window, settings.stop).await;
        drop(announcements);
        let closed = future::join_all(hubs.iter().map(Hub::close));
        if timeout(CLOSING, closed).await.is_err() {
            tracing::warn!("a store was not closed in time; nothing that was acknowledged is lost by that");
        }
        ended
    }
}

/// Where the configuration names no credentials, they are the data directory's. True when one was made just now.
fn fill_in_credentials(auth: &mut AuthSettings, dir: &DataDir) -> anyhow::Result<bool> {
    let mut is_new = false;
    if auth.service_token.is_none() {
        let token = dir.service_token()?;
        is_new |= token.is_new;
        auth.service_token = Some(token.secret);
    }
    if auth.keys.is_empty() {
        is_new |= dir.signing_key()?.is_new;
    }
    Ok(is_new)
}

fn without_delay(accepted: std::io::Result<TcpStream>) -> std::io::Result<TcpStream> {
    let stream = accepted?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Listens, before anything else is started. `key` and `flag` are the ways to name another address.
pub(crate) async fn bind(address: SocketAddr, key: &str, flag: &str) -> anyhow::Result<TcpListener> {
    match TcpListener::bind(address).await {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == ErrorKind::AddrInUse => bail!(
            "{address} ({key}) is in use by another process: stop that, or name another address with {flag}"
        ),
        Err(error) => {
            bail!("cannot listen on {address} ({key}): {error}; name another address with {flag}")
        }
    }
}

/// Listens for operators. Nobody asked for the default address, so another Causeway that has it must not keep this one from
/// starting: any free port will do.
pub(crate) async fn bind_admin(address: SocketAddr, provenance: &Provenance) -> anyhow::Result<TcpListener> {
    let is_default = provenance.entry("admin.listen").is_none_or(|entry| entry.origin == Origin::Default);
    match bind(address, "admin.listen", "--admin").await {
        Err(error) if is_default => {
            let listener = bind(SocketAddr::new(address.ip(), 0), "admin.listen", "--admin").await?;
            tracing::warn!(address = %listener.local_addr()?, "{error}; metrics are elsewhere now");
            Ok(listener)
        }
        bound => bound,
    }
}

#[cfg(test)]
mod tests {
    use causeway_config::Entry;

    use super::*;

    fn admin_from(origin: Origin) -> Provenance {
        let entry = Entry::new("admin.listen", "", origin);
        Provenance { entries: vec![entry], file: None }
    }

    #[tokio::test]
    async fn only_the_default_address_of_metrics_gives_way() {
        let taken = bind("127.0.0.1:0".parse().unwrap(), "admin.listen", "--admin").await.unwrap();
        let address = taken.local_addr().unwrap();
        let elsewhere = bind_admin(address, &admin_from(Origin::Default)).await.unwrap();
        assert_ne!(elsewhere.local_addr().unwrap(), address);
        let asked_for = admin_from(Origin::Flag("--admin".into()));
        assert!(bind_admin(address, &asked_for).await.is_err());
    }

    #[tokio::test]
    async fn a_port_in_use_is_told_with_the_way_out() {
        let taken = bind("127.0.0.1:0".parse().unwrap(), "bridge.listen", "--listen").await.unwrap();
        let address = taken.local_addr().unwrap();
        let error = bind(address, "bridge.listen", "--listen").await.unwrap_err().to_string();
        assert!(error.starts_with(&format!("{address} (bridge.listen) is in use")), "{error}");
        assert!(error.ends_with("--listen"), "{error}");
    }
}
