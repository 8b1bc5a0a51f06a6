//! `causeway plugin telegram`, `instagram` and `notices`: one integration as a process of its own.

use causeway_link::grpc::Service;
use clap::Args;

use crate::{
    cli::Global,
    client::locate,
    failure::Usage,
    host::{Host, bind},
    plugins::{self, Which},
    reach,
    reload::Reader,
};

/// Flags of a plugin that runs as a process of its own.
#[derive(Debug, Args)]
#[command(after_help = "\
What it needs is configured in [plugins] and below. It finds its host by services.chat.url or services.notification.url, or
by what a process on the same data directory has announced, and is let in with the service token; after that it shows a
credential of its own.")]
pub(crate) struct Run {
    /// Address for metrics [default: there is none]
    #[arg(long, value_name = "ADDRESS", value_parser = crate::cmd::address)]
    admin: Option<std::net::SocketAddr>,
}

impl Run {
    pub(crate) async fn run(self, which: Which, global: &Global) -> anyhow::Result<()> {
        let mut host = Host::new(global, Vec::new(), Reader::Plugin(which.name()))?;
        if !which.is_configured(&host.settings.plugins) {
            let name = which.name();
            return Err(Usage::error(format!(
                "plugins.{name} names nothing to do: see `causeway config show`"
            )));
        }
        if let Some(admin) = self.admin {
            let listener = bind(admin, "admin.listen", "--admin").await?;
            host.serve_admin(listener);
        }
        let service = match which {
            Which::Telegram | Which::Instagram => Service::Chat,
            Which::Notices => Service::Notification,
        };
        let (key, configured) = reach::configured(&host.settings, service);
        let url = locate(&host.settings.data_dir, service.name(), configured);
        let reach = reach::of_host(&mut host, which.name())?;
        let link = reach::link(&reach, key, &url, service)?;
        let reach = |_, credential| Ok(link.grpc(credential));
        let running = plugins::start(&mut host, &[which], reach).await?;
        tracing::info!(plugins = running.described, host = url, "ready");
        let window = running.window;
        host.run(running.drained(), window).await
    }
}
