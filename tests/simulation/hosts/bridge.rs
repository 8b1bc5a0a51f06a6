//! `causeway bridge` on a host.

use std::{path::Path, rc::Rc, sync::Arc};

use causeway_bridge::{Bridge, Live, Parts, ServiceVersions, Services};
use causeway_link::grpc::Service;
use causeway_proto::time::Clock;
use prometheus_client::registry::Registry;
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{Site, Ways, credential};
use crate::net::{self, Door};

pub(crate) async fn run(site: Rc<Site>, host: &'static str) -> anyhow::Result<()> {
    let (end, clock) = (site.begin(host), Clock::default());
    let ways = Ways::of("bridge");
    let [chat, notification, presence] =
        [ways.to(Service::Chat)?, ways.to(Service::Notification)?, ways.to(Service::Presence)?];
    let services = Services {
        chat: chat.grpc(credential()?),
        notification: notification.grpc(credential()?),
        presence: presence.grpc(credential()?),
        versions: ServiceVersions {
            chat: chat.versions(),
            notification: notification.versions(),
            presence: presence.versions(),
        },
    };
    // The key stands in the settings, so that no file is read.
    let live = Live::load(site.bridge(), site.auth(), Path::new("signing.key"), clock.clone())?;
    // Dropping the sender would say that the settings cannot change, which is so.
    let (_settings, live) = watch::channel(Arc::new(live));
    let tasks = TaskTracker::new();
    let parts = Parts {
        settings: site.bridge().clone(),
        live,
        services,
        limits: None,
        clock,
        tasks: tasks.clone(),
        leaving: CancellationToken::new(),
        stop: end.clone(),
    };
    let bridge = Bridge::start(parts, &mut Registry::default())?;
    bridge.serve(Door(net::listen(net::DOOR).await?));
    tracing::info!("listening");
    end.cancelled().await;
    tasks.close();
    tasks.wait().await;
    tracing::info!("stopped");
    Ok(())
}
