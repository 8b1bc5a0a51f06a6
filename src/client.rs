//! How a call such as `causeway send` finds the services and talks to them.
//!
//! The address is `--server`, else what a running process has announced in the data directory, else the configured `url`.
//! The credential is `--service-token`, else the configured one, else the data directory's.

use std::{
    error::Error,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{anyhow, bail};
use causeway_config::{Loaded, Secret, Settings};
use causeway_link::grpc::{self, Reach, Service};
use causeway_proto::{
    chat::{chat_client::ChatClient, directory_client::DirectoryClient},
    client::{Credential, Grpc},
    notification::notifications_client::NotificationsClient,
    plugin::{PluginKind, plugins_client::PluginsClient},
    tls::problem,
};
use clap::Args;
use tonic::{Code, Response, Status};
use tonic_types::StatusExt;

use crate::{
    cli::{Global, flag},
    data_dir,
    failure::Usage,
    output::Output,
    reach, tls,
};

/// Longer than any call of a person takes.
const DEADLINE: Duration = Duration::from_secs(30);

/// Where to call, as whom, and how to print the answer.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of calls to a server")]
pub(crate) struct ClientArgs {
    /// Where the services are, as http://127.0.0.1:8001, or https with TLS [default: what the data directory or the configuration
    /// says]
    #[arg(long, value_name = "URL", env = "CAUSEWAY_SERVER", hide_env_values = true)]
    server: Option<String>,
    /// Credential of services [default: the configured one, or the data directory's]
    #[arg(long, value_name = "TOKEN", env = "CAUSEWAY_SERVICE_TOKEN", hide_env_values = true, value_parser = secret)]
    service_token: Option<Secret>,
    /// Root certificates in PEM, for a server with TLS [default: services.client.ca_file, or those of the system]
    #[arg(long, value_name = "FILE", env = "CAUSEWAY_CA_FILE", hide_env_values = true)]
    ca_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) output: Output,
}

impl ClientArgs {
    /// The services that the flags, the data directory and the configuration name.
    pub(crate) fn services(&self, global: &Global) -> anyhow::Result<Services> {
        let settings = self.load(global)?.settings;
        let token = self.token(&settings)?;
        let credential = Credential::bearer(token.expose()).ok_or_else(|| {
            Usage::error("the service token cannot be sent: it holds characters that no header may")
        })?;
        let server = self.server.as_deref().map(address).transpose()?;
        let reach = Self::reach(&settings)?;
        Ok(Services { server, settings, reach, credential })
    }

    /// The settings in force, with those that these flags give.
    pub(crate) fn load(&self, global: &Global) -> anyhow::Result<Loaded> {
        let ca_file = self.ca_file.as_ref().map(|file| file.display().to_string());
        global.load(flag("--ca-file", "services.client.ca_file", ca_file).into_iter().collect())
    }

    /// How commands call services.
    pub(crate) fn reach(settings: &Settings) -> anyhow::Result<Reach> {
        let client = &settings.services.client;
        let settings = grpc::Settings { timeout: DEADLINE, ..reach::settings(client) };
        Ok(Reach { settings, tls: tls::client(client)?, ..Reach::new("command") })
    }

    /// The server that `--server` names, as a URL; `None` when it names none that can be.
    pub(crate) fn server(&self) -> Option<String> {
        self.server.as_deref().and_then(|given| address(given).ok())
    }

    fn token(&self, settings: &Settings) -> anyhow::Result<Secret> {
        let named = self.service_token.clone().or_else(|| settings.auth.service_token.clone());
        named.or_else(|| data_dir::existing_service_token(&settings.data_dir)).ok_or_else(|| {
            anyhow!(
                "no service token: {} has none. Start a server with `causeway up`, name its data directory with \
                 --data-dir, or give --service-token",
                settings.data_dir.display()
            )
        })
    }
}

fn secret(given: &str) -> Result<Secret, &'static str> {
    Secret::new(given.trim()).ok_or("it is empty")
}

/// `127.0.0.1:8001` is meant as `http://127.0.0.1:8001`; TLS must be asked for.
fn address(given: &str) -> anyhow::Result<String> {
    let url = if given.contains("://") { given.to_owned() } else { format!("http://{given}") };
    let (scheme, host) = url.split_once("://").unwrap_or_default();
    let host = host.trim_end_matches('/');
    match scheme {
        "http" | "https" if !host.is_empty() && !host.contains(['/', ' ']) => {
            Ok(format!("{scheme}://{host}"))
        }
        _ => {
            Err(Usage::error(format!("--server {given}: write it as http://HOST:PORT or https://HOST:PORT")))
        }
    }
}

/// The services as a client sees them.
pub(crate) struct Services {
    server: Option<String>,
    pub(crate) settings: Settings,
    reach: Reach,
    credential: Credential,
}

impl Services {
    pub(crate) fn chat(&self) -> anyhow::Result<Caller<ChatClient<Grpc>>> {
        self.caller(Service::Chat, ChatClient::new)
    }

    pub(crate) fn directory(&self) -> anyhow::Result<Caller<DirectoryClient<Grpc>>> {
        self.caller(Service::Chat, DirectoryClient::new)
    }

    pub(crate) fn notifications(&self) -> anyhow::Result<Caller<NotificationsClient<Grpc>>> {
        self.caller(Service::Notification, NotificationsClient::new)
    }

    /// Whoever has plugins and outboxes: chat and notification, or the one process that is both.
    pub(crate) fn plugins(&self) -> anyhow::Result<Vec<Caller<PluginsClient<Grpc>>>> {
        let chat = self.plugins_of(PluginKind::Channel)?;
        let notification = self.plugins_of(PluginKind::NoticeSource)?;
        Ok(if chat.url == notification.url { vec![chat] } else { vec![chat, notification] })
    }

    /// Who has the plugins of a kind.
    pub(crate) fn plugins_of(&self, kind: PluginKind) -> anyhow::Result<Caller<PluginsClient<Grpc>>> {
        match kind {
            PluginKind::NoticeSource => self.caller(Service::Notification, PluginsClient::new),
            PluginKind::Channel | PluginKind::Agent | PluginKind::Unspecified => {
                self.caller(Service::Chat, PluginsClient::new)
            }
        }
    }

    fn caller<C>(&self, service: Service, client: fn(Grpc) -> C) -> anyhow::Result<Caller<C>> {
        let (key, configured) = reach::configured(&self.settings, service);
        let (key, url) = match &self.server {
            Some(server) => ("--server", server.clone()),
            None => (key, locate(&self.settings.data_dir, service.name(), configured)),
        };
        let grpc = reach::link(&self.reach, key, &url, service)?.grpc(self.credential.clone());
        Ok(Caller { url, client: client(grpc), subject: String::new() })
    }
}

/// Where a service is: as announced in the data directory, else as configured.
pub(crate) fn locate(data_dir: &Path, part: &str, configured: &str) -> String {
    data_dir::announced(data_dir, part).unwrap_or_else(|| configured.to_owned())
}

/// A client, and where it calls.
pub(crate) struct Caller<C> {
    url: String,
    client: C,
    /// What the calls are about, for errors.
    subject: String,
}

impl<C> Caller<C> {
    /// The calls are about this, for example `user alice`: what is not found is named by it.
    pub(crate) fn about(self, what: &str, id: &str) -> Self {
        Self { subject: format!("{what} {}: ", crate::output::printable(id)), ..self }
    }

    /// Makes a call and waits for its answer. Failures are said in a line that names the way out.
    pub(crate) async fn call<'a, F, T>(&'a mut self, call: impl FnOnce(&'a mut C) -> F) -> anyhow::Result<T>
    where
        F: Future<Output = Result<Response<T>, Status>> + 'a,
    {
        let (url, subject) = (&self.url, &self.subject);
        match tokio::time::timeout(DEADLINE, call(&mut self.client)).await {
            Ok(Ok(response)) => Ok(response.into_inner()),
            Ok(Err(status)) => Err(failure(url, subject, &status)),
            Err(_) => bail!("the server at {url} did not answer within {} s", DEADLINE.as_secs()),
        }
    }

    /// What a stream's error means.
    pub(crate) fn failure(&self, status: &Status) -> anyhow::Error {
        failure(&self.url, &self.subject, status)
    }
}

/// A status in one line.
fn failure(url: &str, subject: &str, status: &Status) -> anyhow::Error {
    let said = crate::output::printable(status.message());
    match status.code() {
        _ if let Some(problem) = problem(status) => anyhow!("{}", crate::output::printable(&problem)),
        _ if is_unreachable(status) => {
            anyhow!("no server answers at {url}: start one with `causeway up`, or name it with --server")
        }
        Code::Unauthenticated => anyhow!(
            "the server at {url} does not accept the service token: name its data directory with --data-dir, or give \
             --service-token"
        ),
        Code::InvalidArgument => Usage::error(match fields(status) {
            Some(fields) => fields,
            None => said,
        }),
        Code::Unavailable => anyhow!("the server at {url} cannot do this now, try again: {said}"),
        Code::Unimplemented => anyhow!("the server at {url} does not offer this: name another with --server"),
        _ if said.is_empty() => anyhow!("the server at {url} answered {:?}", status.code()),
        _ => anyhow!("{subject}{said}"),
    }
}

/// The request's fields at fault, as BadRequest names them.
fn fields(status: &Status) -> Option<String> {
    let violations = status.get_details_bad_request()?.field_violations;
    let said: Vec<String> = violations
        .iter()
        .map(|violation| format!("{}: {}", violation.field, violation.description))
        .collect();
    if said.is_empty() { None } else { Some(crate::output::printable(&said.join(", "))) }
}

/// Whether the connection could not be made, in contrast to a server that answers `UNAVAILABLE`.
fn is_unreachable(status: &Status) -> bool {
    let mut cause = status.source();
    while let Some(error) = cause {
        if error.is::<tonic::transport::Error>() || error.is::<std::io::Error>() {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use causeway_proto::{chat::GetUserRequest, client::remote};

    use super::*;

    #[test]
    fn a_server_is_named_by_host_and_port() {
        assert_eq!(address("127.0.0.1:1").unwrap(), "http://127.0.0.1:1");
        assert_eq!(address("http://a.example:1/").unwrap(), "http://a.example:1");
        assert_eq!(address("https://a.example:1").unwrap(), "https://a.example:1");
        for wrong in ["grpc://a.example", "http://", "http://a/b"] {
            assert_eq!(crate::failure::exit_code(&address(wrong).unwrap_err()), 2, "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_told_with_the_way_out() {
        // Bound and dropped: nobody listens there now.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let url = format!("http://127.0.0.1:{port}");
        let grpc = remote(&url, Credential::bearer("t").unwrap()).unwrap();
        let mut caller =
            Caller { url: url.clone(), client: DirectoryClient::new(grpc), subject: String::new() };
        let call = caller.call(async |client| client.get_user(GetUserRequest::default()).await);
        let error = call.await.unwrap_err();
        let way_out =
            format!("no server answers at {url}: start one with `causeway up`, or name it with --server");
        assert_eq!(error.to_string(), way_out);
        assert_eq!(crate::failure::exit_code(&error), 1);
    }

    #[test]
    fn a_refused_field_is_wrong_usage_and_is_named() {
        let details = tonic_types::ErrorDetails::with_bad_request_violation("user.id", "must not be empty");
        let status = Status::with_error_details(Code::InvalidArgument, "invalid", details);
        let error = failure("http://s", "user 7: ", &status);
        assert_eq!(error.to_string(), "user.id: must not be empty");
        assert_eq!(crate::failure::exit_code(&error), 2);
    }

    #[test]
    fn what_is_not_found_is_named() {
        let error = failure("http://s", "user 7: ", &Status::not_found("user not found"));
        assert_eq!(error.to_string(), "user 7: user not found");
        assert_eq!(crate::failure::exit_code(&error), 1);
    }
}
