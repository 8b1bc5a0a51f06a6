//! `causeway bridge`: the WebSocket edge as a process of its own.

use std::net::SocketAddr;

use causeway_bridge::Services;
use clap::Args;

use crate::{
    cli::{Global, flag},
    cmd::{self, service::reach},
    host::{Host, bind, bind_admin},
    parts,
};

/// Runs the WebSocket edge alone; the services are processes of their own.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  causeway bridge --config causeway.toml

It finds the services by services.chat.url, services.notification.url and services.presence.url, and shows them the
service token: auth.service_token, or service.token in the data directory.")]
pub(crate) struct Bridge {
    /// Address for WebSocket and HTTP [default: bridge.listen]
    #[arg(long, value_name = "ADDRESS", value_parser = cmd::address)]
    listen: Option<SocketAddr>,
    /// Address for metrics [default: admin.listen]
    #[arg(long, value_name = "ADDRESS", value_parser = cmd::address)]
    admin: Option<SocketAddr>,
}

impl Bridge {
    pub(crate) async fn run(self, global: &Global) -> anyhow::Result<()> {
        let flags =
            [flag("--listen", "bridge.listen", self.listen), flag("--admin", "admin.listen", self.admin)];
        let loaded = global.load(flags.into_iter().flatten().collect())?;
        let mut host = Host::new(loaded.settings)?;

        let listener = bind(host.settings.bridge.listen, "bridge.listen", "--listen").await?;
        let admin = bind_admin(host.settings.admin.listen, &loaded.provenance).await?;
        let address = listener.local_addr()?;
        host.serve_admin(admin);

        let urls = &host.settings.services;
        let services = Services {
            chat: reach(&host, "services.chat.url", &urls.chat.url)?,
            notification: reach(&host, "services.notification.url", &urls.notification.url)?,
            presence: reach(&host, "services.presence.url", &urls.presence.url)?,
        };
        let bridge = parts::bridge(&host, listener, services)?;
        host.announce(&["bridge"], address)?;
        tracing::info!(part = "bridge", %address, "ready");
        let window = bridge.window;
        host.run(bridge.drained(), window).await
    }
}
