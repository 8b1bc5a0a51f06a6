//! A plugin as a process of its own: settings from the environment, logs, signals.

use std::{env, io, path::PathBuf, process::ExitCode, sync::Arc};

use axum::http::Uri;
use causeway_proto::{
    client::{Credential, Grpc, connect_over, signed},
    tls::{ClientTls, Identity, TlsError, TlsOptions},
};
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
const ADDRESS: &str = "it is the service to attach to, http://host:port or https://host:port";
/// Who may have signed the host's certificate.
const CA_FILE: &str = "CAUSEWAY_PLUGIN_CA_FILE";
/// What is shown to a host that asks for a certificate.
const CERT_FILE: &str = "CAUSEWAY_PLUGIN_CERT_FILE";
/// The key of that.
const KEY_FILE: &str = "CAUSEWAY_PLUGIN_KEY_FILE";
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
    #[error("TLS to the host (CAUSEWAY_PLUGIN_…): {0}")]
    Tls(#[from] TlsError),
    #[error("the process cannot be set up: {0}")]
    Process(#[from] io::Error),
}

/// The whole `main` of a plugin that is a process of its own: attaches it, serves its routes, logs to standard error, and
/// ends in order at SIGTERM or ctrl-c; a second signal ends it at once.
///
/// | environment | is |
/// |---|---|
/// | `CAUSEWAY_PLUGIN_HOST` | the service that the plugin attaches to, `http://host:port`, or `https` where it has TLS |
/// | `CAUSEWAY_PLUGIN_CA_FILE` | optional, for `https`: root certificates in PEM, instead of those of the system |
/// | `CAUSEWAY_PLUGIN_CERT_FILE`, `CAUSEWAY_PLUGIN_KEY_FILE` | optional, for `https`: the certificate in PEM, and its key, that is shown to a host that asks for one |
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
    let host = host(setting)?;
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

/// The way to the host, of what the settings say.
fn host(setting: impl Fn(&str) -> Option<String>) -> Result<Grpc, Error> {
    let url = setting(HOST).ok_or(Error::Missing(HOST, ADDRESS))?;
    let token = setting(TOKEN).ok_or(Error::Missing(TOKEN, "it is the plugin's own credential"))?;
    let credential = Credential::bearer(&token)
        .ok_or_else(|| Error::Wrong(TOKEN, "it has characters that no token has".to_owned()))?;
    // Without a scheme it would be tried, and fail, for ever.
    let is_address = url
        .parse::<Uri>()
        .is_ok_and(|url| matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some());
    match connect_over(&url, &tls(setting)?, None) {
        Ok(host) if is_address => Ok(signed(host, credential)),
        Ok(_) => Err(Error::Wrong(HOST, ADDRESS.to_owned())),
        Err(error) => Err(Error::Wrong(HOST, format!("{ADDRESS}: {error}"))),
    }
}

/// What connections over TLS are made with.
fn tls(setting: impl Fn(&str) -> Option<String>) -> Result<ClientTls, Error> {
    let [ca_file, cert_file, key_file] =
        [CA_FILE, CERT_FILE, KEY_FILE].map(|name| setting(name).map(PathBuf::from));
    let identity = match (cert_file, key_file) {
        (Some(cert_file), Some(key_file)) => Some(Identity { cert_file, key_file }),
        (None, None) => None,
        (Some(_), None) => return Err(Error::Missing(KEY_FILE, "it is the key of the certificate")),
        (None, Some(_)) => return Err(Error::Missing(CERT_FILE, "it is the certificate of the key")),
    };
    Ok(ClientTls::load(&TlsOptions { ca_file, identity, server_name: None })?)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What a plugin with these settings is told, or nothing when it would start.
    fn told(settings: &[(&str, &str)]) -> String {
        let setting = |name: &str| {
            let given = [(TOKEN, "t"), (HOST, "https://localhost:1")];
            let found = settings.iter().chain(&given).find(|(set, _)| *set == name);
            found.map(|(_, value)| (*value).to_owned()).filter(|value| !value.is_empty())
        };
        host(setting).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[tokio::test]
    async fn a_host_is_reached_with_tls_and_without() {
        for url in ["http://127.0.0.1:8001", "https://chat.example.com:8001"] {
            assert_eq!(told(&[(HOST, url)]), "");
        }
    }

    #[tokio::test]
    async fn what_is_missing_or_wrong_is_named() {
        for (settings, wanted) in [
            ([(HOST, ""), (TOKEN, "t")], HOST),
            ([(HOST, "localhost:1"), (TOKEN, "t")], "https://host:port"),
            ([(HOST, "ftp://localhost:1"), (TOKEN, "t")], "https://host:port"),
            ([(TOKEN, "t"), (CA_FILE, "nowhere.pem")], "ca_file: nowhere.pem"),
            ([(TOKEN, "t"), (CERT_FILE, "mine.pem")], KEY_FILE),
            ([(TOKEN, "t"), (KEY_FILE, "mine.key")], CERT_FILE),
        ] {
            assert!(told(&settings).contains(wanted), "{settings:?}: {}", told(&settings));
        }
    }
}
