//! Chat on one host, notification and presence on another.

use std::rc::Rc;

use causeway_chat::Peers;
use causeway_kit::{
    Context, Part,
    bus::{Bus, Local},
    events::Hub,
    server::{self, Limits, ServiceToken, StackOptions},
    store::{Storage, simulated::Database},
};
use causeway_link::grpc::Service;
use tokio_util::sync::CancellationToken;

use super::{REST, SERVICE_TOKEN, Site, Ways, credential, driver::Driver};
use crate::net;

/// `causeway chat` on a host.
pub(crate) async fn chat(site: Rc<Site>, host: &'static str) -> anyhow::Result<()> {
    let end = site.begin(host);
    let context = context(&site, host, site.database.clone());
    let ways = Ways::of("chat");
    let peers = Peers {
        presence: ways.to(Service::Presence)?.grpc(credential()?),
        notification: ways.to(Service::Notification)?.grpc(credential()?),
    };
    let part = causeway_chat::start(causeway_chat::Settings::default(), &context, peers).await?;
    serve(vec![part], context, end).await
}

/// `causeway notification` and `causeway presence` in one process.
pub(crate) async fn rest(site: Rc<Site>) -> anyhow::Result<()> {
    let end = site.begin(REST);
    let context = context(&site, REST, site.own_database.clone());
    let parts = vec![
        causeway_notification::start(causeway_notification::Settings::default(), &context).await?,
        causeway_presence::start(causeway_presence::Settings::default(), &context).await?,
    ];
    serve(parts, context, end).await
}

fn context(site: &Site, host: &'static str, database: std::sync::Arc<Database>) -> Context {
    let local = Local::default();
    let driver = Driver::start(local.clone());
    Context {
        storage: Storage::Simulated(database),
        bus: Bus::new(driver, local),
        ..Context::new(site.home.join(host))
    }
}

/// Answers until the end, and finishes what is under way.
async fn serve(parts: Vec<Part>, context: Context, end: CancellationToken) -> anyhow::Result<()> {
    let hubs: Vec<Hub> = parts.iter().map(|part| part.hub.clone()).collect();
    let options = StackOptions { token: ServiceToken::new(SERVICE_TOKEN), reflection: false };
    let service = server::stack(parts, options, &context);
    let listener = net::listen(net::GRPC).await?;
    tracing::info!("listening");
    let closing = context.closing.clone();
    let serving = server::serve(service, net::accepted(listener), Limits::default(), closing.clone());
    let told = async {
        end.cancelled().await;
        closing.cancel();
    };
    tokio::join!(serving, told);
    context.stop.cancel();
    for hub in hubs {
        hub.close().await;
    }
    tracing::info!("stopped");
    Ok(())
}
