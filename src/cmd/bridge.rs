//! `causeway bridge`: the WebSocket edge as a process of its own.

use std::net::SocketAddr;

use causeway_bridge::{ServiceVersions, Services};
use causeway_link::grpc::Service;
use clap::Args;

use crate::{
    cli::{Global, flag},
    cmd,
    host::{Host, bind, bind_admin},
    parts, reach, redis,
    reload::Reader,
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
        let mut host = Host::new(global, flags.into_iter().flatten().collect(), Reader::Bridge)?;

        let listener = bind(host.settings.bridge.listen, "bridge.listen", "--listen").await?;
        let admin = bind_admin(host.settings.admin.listen, &host.provenance).await?;
        let address = listener.local_addr()?;
        host.serve_admin(admin);

        redis::share(&mut host).await?;
        let services = services(&mut host)?;
        let bridge = parts::bridge(&mut host, listener, services)?;
        host.announce_bridge(address)?;
        tracing::info!(part = "bridge", %address, "ready");
        let window = bridge.window;
        host.run(bridge.drained(), window).await
    }
}

/// The services, each over all its endpoints.
fn services(host: &mut Host) -> anyhow::Result<Services> {
    let reach = reach::of_host(host, "bridge")?;
    let link = |service| {
        let (key, url) = reach::configured(&host.settings, service);
        reach::link(&reach, key, url, service)
    };
    let (chat, notification, presence) =
        (link(Service::Chat)?, link(Service::Notification)?, link(Service::Presence)?);
    let versions = ServiceVersions {
        chat: chat.versions(),
        notification: notification.versions(),
        presence: presence.versions(),
    };
    let credential = host.credential()?;
    Ok(Services {
        chat: chat.grpc(credential.clone()),
        notification: notification.grpc(credential.clone()),
        presence: presence.grpc(credential),
        versions,
    })
}
