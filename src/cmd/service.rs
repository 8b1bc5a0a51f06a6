//! `causeway chat`, `causeway notification` and `causeway presence`: one service as a process of its own.

use std::{net::SocketAddr, time::Duration};

use causeway_chat::Peers;
use causeway_config::Flag;
use causeway_kit::Part;
use causeway_link::grpc;
use clap::Args;

use crate::{
    cli::{Global, flag},
    cmd,
    host::{Host, bind},
    parts, reach, redis,
    reload::Reader,
    storage,
};

/// Flags of a service that runs as a process of its own.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  causeway chat --config causeway.toml
  causeway chat --listen 127.0.0.1:8011 --admin 127.0.0.1:8021     with metrics

The parts find each other by services.chat.url, services.notification.url and services.presence.url, and share one
service token: auth.service_token, or service.token in the data directory.")]
pub(crate) struct Service {
    /// Address for gRPC [default: the one configured for this service]
    #[arg(long, value_name = "ADDRESS", value_parser = cmd::address)]
    listen: Option<SocketAddr>,
    /// Address for metrics [default: the one configured for this service; without one, there is none]
    #[arg(long, value_name = "ADDRESS", value_parser = cmd::address)]
    admin: Option<SocketAddr>,
}

/// Which of the services.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Which {
    Chat,
    Notification,
    Presence,
}

impl Which {
    fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Notification => "notification",
            Self::Presence => "presence",
        }
    }

    fn listen_key(self) -> &'static str {
        match self {
            Self::Chat => "services.chat.listen",
            Self::Notification => "services.notification.listen",
            Self::Presence => "services.presence.listen",
        }
    }

    fn admin_key(self) -> &'static str {
        match self {
            Self::Chat => "services.chat.admin",
            Self::Notification => "services.notification.admin",
            Self::Presence => "services.presence.admin",
        }
    }

    /// Where it and its operators' listener are configured to listen.
    fn addresses(self, host: &Host) -> (SocketAddr, Option<SocketAddr>) {
        let services = &host.settings.services;
        match self {
            Self::Chat => (services.chat.listen, services.chat.admin),
            Self::Notification => (services.notification.listen, services.notification.admin),
            Self::Presence => (services.presence.listen, services.presence.admin),
        }
    }

    async fn start(self, host: &mut Host) -> anyhow::Result<Part> {
        match self {
            Self::Chat => {
                let peers = peers(host)?;
                parts::chat(&host.settings, &host.context, peers).await
            }
            Self::Notification => parts::notification(&host.settings, &host.context).await,
            Self::Presence => parts::presence(&host.settings, &host.context).await,
        }
    }
}

/// The services that chat calls.
fn peers(host: &mut Host) -> anyhow::Result<Peers> {
    let reach = reach::of_host(host, "chat")?;
    let client = |service| {
        let (key, url) = reach::configured(&host.settings, service);
        Ok::<_, anyhow::Error>(reach::link(&reach, key, url, service)?.grpc(host.credential()?))
    };
    Ok(Peers {
        presence: client(grpc::Service::Presence)?,
        notification: client(grpc::Service::Notification)?,
    })
}

impl Service {
    pub(crate) async fn run(self, which: Which, global: &Global) -> anyhow::Result<()> {
        let mut flags: Vec<Flag> = Vec::new();
        flags.extend(flag("--listen", which.listen_key(), self.listen));
        flags.extend(flag("--admin", which.admin_key(), self.admin));
        let mut host = Host::new(global, flags, Reader::Service(which.name()))?;

        let (listen, admin) = which.addresses(&host);
        let listener = bind(listen, which.listen_key(), "--listen").await?;
        let address = listener.local_addr()?;
        if let Some(admin) = admin {
            let listener = bind(admin, which.admin_key(), "--admin").await?;
            host.serve_admin(listener);
        }

        storage::choose(&mut host)?;
        redis::join(&mut host).await?;
        let part = which.start(&mut host).await?;
        let service = host.stack(vec![part]);
        host.serve_grpc(listener, service);
        host.announce_grpc(&[which.name()], address)?;
        tracing::info!(part = which.name(), %address, "ready");
        host.run(std::future::ready(()), Duration::ZERO).await
    }
}
