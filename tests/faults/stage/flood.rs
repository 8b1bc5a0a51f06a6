//! A plugin whose customers write so many messages a second, for as long as it is let.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use anyhow::Context;
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
use tokio::{
    sync::Semaphore,
    task::{JoinHandle, JoinSet},
    time::{MissedTickBehavior, interval},
};

use super::Scene;

/// Its customers.
const CUSTOMERS: u64 = 1_000;
/// Events that are not settled yet, at most.
const UNDER_WAY: usize = 2_048;
/// How often it looks whether it is behind.
const TICK: Duration = Duration::from_millis(10);

/// The plugin, attached or on its way there.
pub(crate) struct Flood {
    tide: Arc<Tide>,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

struct Tide {
    per_second: u32,
    flows: AtomicBool,
    accepted: AtomicU64,
    failed: AtomicU64,
}

struct Customers(Arc<Tide>);

impl Flood {
    /// Lets a plugin in that pushes nothing yet.
    pub(crate) async fn attach(scene: &Scene, per_second: u32) -> anyhow::Result<Self> {
        let kind = PluginKind::Channel.into();
        let request = AddPluginRequest { name: "flood".into(), kind, ..Default::default() };
        let added = PluginsClient::new(scene.grpc.clone()).add_plugin(request).await?.into_inner();
        let credential = Credential::bearer(&added.token).context("the token fits no header")?;
        let host = client::remote(&scene.url, credential)?;
        let (flows, accepted, failed) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
        let tide = Arc::new(Tide { per_second, flows, accepted, failed });
        let stop = CancellationToken::new();
        let mut runtime = Runtime::new(RuntimeOptions::default(), stop.clone());
        runtime.add(Customers(Arc::clone(&tide)), host);
        let running = tokio::spawn(runtime.run());
        Ok(Self { tide, stop, running })
    }

    /// Whether its customers write.
    pub(crate) fn flows(&self, flows: bool) {
        self.tide.flows.store(flows, Relaxed);
    }

    /// How many events were accepted so far.
    pub(crate) fn accepted(&self) -> u64 {
        self.tide.accepted.load(Relaxed)
    }

    /// How many were refused.
    pub(crate) fn failed(&self) -> u64 {
        self.tide.failed.load(Relaxed)
    }

    /// Has it leave.
    pub(crate) async fn end(self) {
        self.stop.cancel();
        // How it ends is not what is tried.
        drop(self.running.await);
    }
}

impl Plugin for Customers {
    fn profile(&self) -> Profile {
        let (name, version) = ("flood".to_owned(), "1".to_owned());
        Profile { name, version, kind: PluginKind::Channel, capabilities: Capabilities::default() }
    }

    async fn run(self: Arc<Self>, host: Host, stop: CancellationToken) {
        stop.run_until_cancelled(write(host, Arc::clone(&self.0))).await;
    }

    async fn deliver(&self, _: &Host, _: Delivery) -> Result<Sent, Undelivered> {
        Ok(Sent::default())
    }
}

async fn write(host: Host, tide: Arc<Tide>) {
    let (mut number, mut pushed) = (0, JoinSet::new());
    let under_way = Arc::new(Semaphore::new(UNDER_WAY));
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        while pushed.try_join_next().is_some() {}
        let due = u64::from(tide.per_second) * TICK.as_millis() as u64 / 1_000;
        for _ in 0..if tide.flows.load(Relaxed) { due } else { 0 } {
            let Ok(permit) = Arc::clone(&under_way).acquire_owned().await else { return };
            let (host, tide) = (host.clone(), Arc::clone(&tide));
            pushed.spawn(async move {
                let is_accepted = host.push(message(number)).await == Ok(Settled::Accepted);
                if is_accepted { &tide.accepted } else { &tide.failed }.fetch_add(1, Relaxed);
                drop(permit);
            });
            number += 1;
        }
    }
}

fn message(number: u64) -> causeway_plugin_sdk::proto::plugin::InboundEvent {
    let customer = format!("c{}", number % CUSTOMERS);
    let message = CustomerMessage {
        customer: Some(Customer { id: customer.clone(), first_name: "Flood".into(), ..Customer::default() }),
        message_id: number.to_string(),
        text: "A message as people write them, neither long nor short.".into(),
        ..CustomerMessage::default()
    };
    event("shop", number.to_string(), customer, Body::CustomerMessage(message))
}
