//! A plugin as a process of its own: settings from the environment, logs, signals.

use std::{env, io, process::ExitCode, sync::Arc};

use axum::http::Uri;
use causeway_proto::client::{Credential, Grpc, remote};
use prometheus_client::registry::Registry;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;

use crate::{Metrics, Plugin, Runtime, RuntimeOptions};

mod log;
mod metrics;

/// Where the host is.
const HOST: &str = "CAUSEWAY_PLUGIN_HOST";
/// What that is.
const ADDRESS: &str = "it is the service to attach to, http://host:port";
/// The plugin's credential.
const TOKEN: &str = "CAUSEWAY_PLUGIN_TOKEN";
/// Where webhooks come in.
const LISTEN: &str = "CAUSEWAY_PLUGIN_LISTEN";
/// Where metrics are read.
const METRICS: &str = "CAUSEWAY_PLUGIN_METRICS";
/// What is logged.
const LOG: &str = "CAUSEWAY_PLUGIN_LOG";

/// Why a plugin does not start. Nothing here holds the credential.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{0} is not set: {1}")]
    Missing(&'static str, &'static str),
    #[error("{0} is wrong: {1}")]
    Wrong(&'static str, String),
    #[error("{0}: cannot listen there: {1}")]
    Listen(&'static str, io::Error),
    #[error("the process cannot be set up: {0}")]
    Process(#[from] io::Error),
}

/// The whole `main` of a plugin that is a process of its own: attaches it, serves its routes, logs to standard error, and
/// ends in order at SIGTERM or ctrl-c; a second signal ends it at once.
///
/// | environment | is |
/// |---|---|
/// | `CAUSEWAY_PLUGIN_HOST` | the service that the plugin attaches to, `http://host:port` |
/// | `CAUSEWAY_PLUGIN_TOKEN` | the plugin's credential |
/// | `CAUSEWAY_PLUGIN_LISTEN` | optional: address and port for the plugin's routes and `/healthz` |
/// | `CAUSEWAY_PLUGIN_METRICS` | optional: address and port for `/metrics`, which are not for the public |
/// | `CAUSEWAY_PLUGIN_LOG` | optional: what is logged, as of tracing-subscriber's `EnvFilter`; `info` by default |
///
/// Fails, and says why, when one of these is missing or wrong. A host that is away is no failure: it is waited for.
pub fn run(plugin: impl Plugin) -> ExitCode {
    log::start(env::var(LOG).ok());
    match start(plugin) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn start(plugin: impl Plugin) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(serve(plugin));
    // What a plugin left behind is not waited for.
    runtime.shutdown_background();
    done
}

async fn serve(plugin: impl Plugin) -> Result<(), Error> {
    let host = host()?;
    let mut registry = Registry::with_prefix("causeway");
    let metrics = Metrics::register(&mut registry);
    let options = RuntimeOptions { listener: listen(LISTEN).await?, metrics, ..RuntimeOptions::default() };
    let stop = CancellationToken::new();
    let mut signals = Signals::listen()?;
    if let Some(listener) = listen(METRICS).await? {
        tokio::spawn(metrics::serve(listener, Arc::new(registry), stop.clone()));
    }
    let mut runtime = Runtime::new(options, stop.clone());
    runtime.add(plugin, host);
    let stopped = async {
        signals.next().await;
        tracing::info!("stopping");
        stop.cancel();
        signals.next().await;
    };
    tokio::select! {
        () = runtime.run() => tracing::info!("stopped"),
        () = stopped => tracing::warn!("stopped at once: a second signal came"),
    }
    Ok(())
}

fn host() -> Result<Grpc, Error> {
    let url = setting(HOST).ok_or(Error::Missing(HOST, ADDRESS))?;
    let token = setting(TOKEN).ok_or(Error::Missing(TOKEN, "it is the plugin's own credential"))?;
    let credential = Credential::bearer(&token)
        .ok_or_else(|| Error::Wrong(TOKEN, "it has characters that no token has".to_owned()))?;
    // Without a scheme it would be tried, and fail, for ever.
    let is_address =
        url.parse::<Uri>().is_ok_and(|url| url.scheme_str() == Some("http") && url.host().is_some());
    match remote(&url, credential) {
        Ok(host) if is_address => Ok(host),
        Ok(_) => Err(Error::Wrong(HOST, ADDRESS.to_owned())),
        Err(error) => Err(Error::Wrong(HOST, format!("{ADDRESS}: {error}"))),
    }
}

async fn listen(name: &'static str) -> Result<Option<TcpListener>, Error> {
    let Some(address) = setting(name) else { return Ok(None) };
    let listener = TcpListener::bind(&address).await.map_err(|error| Error::Listen(name, error))?;
    tracing::info!(address = %listener.local_addr()?, setting = name, "listening");
    Ok(Some(listener))
}

/// A variable of the environment that is set to something.
fn setting(name: &str) -> Option<String> {
    env::var(name).ok().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

/// The two ways to ask a process to end.
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
