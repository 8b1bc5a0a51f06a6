//! How a Causeway of a test is laid out and set: one process or four, and the settings that differ from the defaults.

use std::{net::SocketAddr, path::Path};

use super::{causeway::Causeway, process::free_address, replicas::Replicas};

/// The parts as processes, in the order in which they are started.
pub(crate) const PARTS: [&str; 4] = ["chat", "notification", "presence", "bridge"];

/// How a Causeway is laid out.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Layout {
    /// One process.
    #[default]
    One,
    /// A process of each part.
    Split,
    /// Two processes of each part over one PostgreSQL and one Redis, and nginx in front of the bridges.
    Replicas,
}

/// A Causeway that is not started yet.
#[derive(Default)]
pub(crate) struct Setup {
    pub(super) layout: Layout,
    pub(super) environment: Vec<(String, String)>,
    pub(super) file: String,
    pub(super) shell: Option<&'static str>,
    pub(super) plugins: Vec<&'static str>,
    pub(super) is_encrypted: bool,
}

/// Where a Causeway listens.
#[derive(Clone, Copy)]
pub(crate) struct Addresses {
    /// WebSocket and HTTP.
    pub(crate) bridge: SocketAddr,
    /// Chat and directory over gRPC; in one process all services.
    pub(crate) chat: SocketAddr,
    /// Notifications over gRPC.
    pub(crate) notification: SocketAddr,
    /// Presence over gRPC.
    pub(crate) presence: SocketAddr,
    /// Metrics.
    pub(crate) admin: SocketAddr,
    /// Webhooks of plugins.
    pub(crate) plugins: SocketAddr,
    /// How the URLs of services begin.
    scheme: &'static str,
}

impl Setup {
    /// Four processes of one configuration file instead of one process.
    pub(crate) fn split(mut self) -> Self {
        self.layout = Layout::Split;
        self
    }

    /// Two processes of each part, and all that they need.
    pub(crate) fn replicas(mut self) -> Self {
        self.layout = Layout::Replicas;
        self
    }

    /// A setting, as `bridge.rate.frames_per_second`; given to the processes by environment.
    pub(crate) fn set(mut self, key: &str, value: impl ToString) -> Self {
        let name = format!("CAUSEWAY_{}", key.to_uppercase().replace('.', "__"));
        self.environment.push((name, value.to_string()));
        self
    }

    /// Lines of the configuration file, for what is clumsy by environment.
    pub(crate) fn file(mut self, lines: &str) -> Self {
        self.file.push_str(lines);
        self
    }

    /// The services are called over TLS, which the file configures.
    pub(crate) fn encrypted(mut self) -> Self {
        self.is_encrypted = true;
        self
    }

    /// A plugin that the file configures: a process of its own where the parts are.
    pub(crate) fn plugin(mut self, name: &'static str) -> Self {
        self.plugins.push(name);
        self
    }

    /// What a shell does before it becomes the process: limits that only it can set.
    pub(crate) fn shell(mut self, commands: &'static str) -> Self {
        self.shell = Some(commands);
        self
    }

    /// Starts it and waits until it is ready.
    pub(crate) async fn start(self) -> Causeway {
        Causeway::prepare(self).ready().await
    }
}

impl Addresses {
    /// Free ones.
    pub(super) fn take(layout: Layout, is_encrypted: bool) -> Self {
        let scheme = if is_encrypted { "https" } else { "http" };
        let chat = free_address();
        let (notification, presence) = match layout {
            Layout::One => (chat, chat),
            Layout::Split | Layout::Replicas => (free_address(), free_address()),
        };
        let [bridge, admin, plugins] = std::array::from_fn(|_| free_address());
        Self { bridge, chat, notification, presence, admin, plugins, scheme }
    }

    /// The configuration file that says them to every part; `lines` are added to it.
    pub(super) fn file(&self, data: &Path, replicas: Option<&Replicas>, lines: &str) -> String {
        let Self { bridge, chat, notification, presence, admin, plugins, scheme } = self;
        let services = [("chat", chat), ("notification", notification), ("presence", presence)]
            .map(|(name, at)| {
                let second = replicas.map(|replicas| format!(",{scheme}://{}", replicas.address(name)));
                let second = second.unwrap_or_default();
                format!(
                    "services.{name}.listen = \"{at}\"\nservices.{name}.url = \"{scheme}://{at}{second}\"\n"
                )
            })
            .concat();
        format!(
            "data_dir = {data:?}\nbridge.listen = \"{bridge}\"\nadmin.listen = \"{admin}\"\n\
             plugins.listen = \"{plugins}\"\nservices.grpc_listen = \"{chat}\"\n{services}{lines}"
        )
    }
}
