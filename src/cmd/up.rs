//! `causeway up`: everything in one process.

use std::net::SocketAddr;

use causeway_bridge::{ServiceVersions, Services};
use causeway_chat::Peers;
use causeway_kit::server::GrpcService;
use causeway_proto::client::{Grpc, in_process};
use clap::Args;

use crate::{
    cli::{Global, flag},
    cmd,
    host::{Host, bind, bind_admin},
    later::Later,
    output, parts,
    plugins::{self, Which},
    redis,
    reload::Reader,
    storage,
    welcome::Addresses,
};

/// Runs everything in one process.
///
/// The first start makes the data directory with a signing key and a service token, and prints what to try next.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  causeway up
  causeway up --data-dir /var/lib/causeway --listen 0.0.0.0:8000
  causeway up --config causeway.toml --log info,causeway_bridge=debug

Ctrl-C stops it in order: sockets are closed with 1012 within bridge.drain, then the services end. A second one ends it at
once.")]
pub(crate) struct Up {
    /// Address for WebSocket and HTTP [default: bridge.listen]
    #[arg(long, value_name = "ADDRESS", value_parser = cmd::address)]
    listen: Option<SocketAddr>,
    /// Address for gRPC [default: services.grpc_listen]
    #[arg(long, value_name = "ADDRESS", value_parser = cmd::address)]
    grpc: Option<SocketAddr>,
    /// Address for metrics [default: admin.listen]
    #[arg(long, value_name = "ADDRESS", value_parser = cmd::address)]
    admin: Option<SocketAddr>,
}

impl Up {
    pub(crate) async fn run(self, global: &Global) -> anyhow::Result<()> {
        let flags = [
            flag("--listen", "bridge.listen", self.listen),
            flag("--grpc", "services.grpc_listen", self.grpc),
            flag("--admin", "admin.listen", self.admin),
        ];
        let mut host = Host::new(global, flags.into_iter().flatten().collect(), Reader::Up)?;

        let bridge = bind(host.settings.bridge.listen, "bridge.listen", "--listen").await?;
        let grpc = bind(host.settings.services.grpc_listen, "services.grpc_listen", "--grpc").await?;
        let admin = bind_admin(host.settings.admin.listen, &host.provenance).await?;
        let (bridge_at, grpc_at, admin_at) = (bridge.local_addr()?, grpc.local_addr()?, admin.local_addr()?);

        storage::choose(&mut host)?;
        redis::join(&mut host).await?;
        let (service, near) = services(&mut host).await?;
        host.serve_grpc(grpc, service.clone());
        host.serve_admin(admin);
        let reached = Services {
            chat: near.clone(),
            notification: near.clone(),
            presence: near,
            versions: ServiceVersions::default(),
        };
        let bridge = parts::bridge(&mut host, bridge, reached)?;
        host.announce_grpc(&["chat", "notification", "presence"], grpc_at)?;
        host.announce_bridge(bridge_at)?;
        let which = Which::configured(&host.settings.plugins);
        let reach = |_, credential| Ok(in_process(service.clone(), credential));
        let plugins = plugins::start(&mut host, &which, reach).await?;

        let described = plugins.described.clone();
        let addresses = Addresses { bridge: bridge_at, grpc: grpc_at, admin: admin_at, plugins: described };
        let data_dir = &host.settings.data_dir;
        output::line(&match host.is_first_start {
            true => addresses.first_time(data_dir, &global.again()),
            false => addresses.again(data_dir),
        })?;
        let window = bridge.window.max(plugins.window);
        let drained = async {
            let ((), ()) = tokio::join!(bridge.drained(), plugins.drained());
        };
        host.run(drained, window).await
    }
}

/// The three services behind one door, and a client of it that needs no socket.
async fn services(host: &mut Host) -> anyhow::Result<(GrpcService, Grpc)> {
    let later = Later::default();
    let near = in_process(later.clone(), host.credential()?);
    let peers = Peers { presence: near.clone(), notification: near.clone() };
    let (settings, context) = (&host.settings, &host.context);
    let parts = vec![
        parts::presence(settings, context).await?,
        parts::notification(settings, context).await?,
        parts::chat(settings, context, peers).await?,
    ];
    let service = host.stack(parts);
    later.is_here(service.clone());
    Ok((service, near))
}
