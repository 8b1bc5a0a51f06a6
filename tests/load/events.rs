//! Events of one plugin, as fast as it gets rid of them, until a support person's list has them.

use std::{
    future::ready,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use causeway_plugin_sdk::{
    CancellationToken, Host, Plugin, Profile, Runtime, RuntimeOptions, Sent, Settled, Undelivered, event,
    proto::{
        client::{self, Credential},
        plugin::{
            AddPluginRequest, Capabilities, Customer, CustomerMessage, Delivery, PluginKind,
            inbound_event::Body, plugins_client::PluginsClient,
        },
    },
};
use futures_util::{StreamExt, stream};
use tokio::time::{Instant, sleep};

use crate::{
    report::{Report, Row, Target, median},
    scene::Scene,
    server::Server,
    socket,
};

const CUSTOMERS: u64 = 1_000;
/// Events that are not settled yet.
const UNDER_WAY: usize = 2_048;
const ROUNDS: usize = 5;
const WARM_UP: Duration = Duration::from_secs(2);
const ROUND: Duration = Duration::from_secs(3);
const AT_LEAST: f64 = 10_000.0;

/// A channel whose customers never stop writing.
struct Flood {
    settled: Arc<AtomicU32>,
}

impl Plugin for Flood {
    fn profile(&self) -> Profile {
        let capabilities = Capabilities::default();
        let (name, version) = ("flood".to_owned(), "1".to_owned());
        Profile { name, version, kind: PluginKind::Channel, capabilities }
    }

    async fn run(self: Arc<Self>, host: Host, stop: CancellationToken) {
        let pushed = stream::iter(0_u64..).map(|number| push(host.clone(), number)).buffered(UNDER_WAY);
        let counted = pushed.for_each(|accepted| {
            assert!(accepted, "an event was not accepted");
            self.settled.fetch_add(1, Ordering::Relaxed);
            ready(())
        });
        stop.run_until_cancelled(counted).await;
    }

    async fn deliver(&self, _: &Host, _: Delivery) -> Result<Sent, Undelivered> {
        Ok(Sent::default())
    }
}

async fn push(host: Host, number: u64) -> bool {
    let customer = format!("c{}", number % CUSTOMERS);
    let message = CustomerMessage {
        customer: Some(Customer { id: customer.clone(), first_name: "Load".into(), ..Customer::default() }),
        message_id: number.to_string(),
        text: "A message as people write them, neither long nor short.".into(),
        ..CustomerMessage::default()
    };
    let event = event("shop", number.to_string(), customer, Body::CustomerMessage(message));
    host.push(event).await == Ok(Settled::Accepted)
}

/// Measures what the list is told, and that as many outcomes come back.
pub(crate) async fn measure(report: &mut Report) {
    let server = Server::causeway().await;
    let scene = Scene::new(&server);
    let path = scene.support_person().await;
    let (_writer, mut list) = socket::open(server.sockets, &path).await;
    let told = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&told);
    let reading = tokio::spawn(async move {
        while list.frame(r#"{"type":"new_customer_message""#).await.is_some() {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    });
    let settled = Arc::new(AtomicU32::new(0));
    let stop = CancellationToken::new();
    let running = attach(&server, &scene, Flood { settled: Arc::clone(&settled) }, stop.clone()).await;

    sleep(WARM_UP).await;
    let (mut rates, mut outcomes) = (Vec::new(), Vec::new());
    let (cpu, begun) = (server.cpu(), Instant::now());
    for _ in 0..ROUNDS {
        let (before, at) = ([&told, &settled].map(|it| it.load(Ordering::Relaxed)), Instant::now());
        sleep(ROUND).await;
        let after = [&told, &settled].map(|it| it.load(Ordering::Relaxed));
        rates.push(f64::from(after[0] - before[0]) / at.elapsed().as_secs_f64());
        outcomes.push(f64::from(after[1] - before[1]) / at.elapsed().as_secs_f64());
    }
    let busy = (server.cpu() - cpu) / begun.elapsed().as_secs_f64();
    let mut row = |figure: &str, value, unit, target| {
        report.add(Row {
            figure: format!("plugin events, {CUSTOMERS} customers: {figure}"),
            value,
            unit,
            target,
        });
    };
    row("at the socket", median(rates), "events/s", Some(Target::AtLeast(AT_LEAST)));
    row("outcomes back", median(outcomes), "events/s", Some(Target::AtLeast(AT_LEAST)));
    row("processors that the server kept busy", busy, "of 2", None);
    stop.cancel();
    // The plugin's end is not measured.
    let _ = running.await;
    reading.abort();
    server.stop().await;
}

async fn attach(
    server: &Server,
    scene: &Scene,
    plugin: impl Plugin,
    stop: CancellationToken,
) -> tokio::task::JoinHandle<()> {
    let request =
        AddPluginRequest { name: "flood".into(), kind: PluginKind::Channel.into(), ..Default::default() };
    let added = PluginsClient::new(scene.grpc()).add_plugin(request).await.expect("the plugin is let in");
    let credential = Credential::bearer(&added.into_inner().token).expect("it fits a header");
    let host = client::remote(&format!("http://{}", server.grpc), credential).expect("an address");
    let mut runtime = Runtime::new(RuntimeOptions::default(), stop);
    runtime.add(plugin, host);
    tokio::spawn(runtime.run())
}
