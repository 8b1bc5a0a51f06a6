//! A host in the process, for the tests of plugins.
//!
//! ```no_run
//! # async fn test(plugin: impl causeway_plugin_sdk::Plugin) {
//! use causeway_plugin_sdk::{CancellationToken, Runtime, RuntimeOptions, testing::HostStandIn};
//!
//! let (host, grpc) = HostStandIn::start();
//! let mut runtime = Runtime::new(RuntimeOptions::default(), CancellationToken::new());
//! runtime.add(plugin, grpc);
//! tokio::spawn(runtime.run());
//! // The plugin's provider does something, and:
//! let event = host.next_event().await;
//! # }
//! ```

mod desk;

use std::{collections::HashMap, time::Duration};

use causeway_proto::{
    client::{Credential, Grpc, in_process},
    plugin::{AccountReport, Delivery, DeliveryReport, Hello, InboundEvent, Typing, attach_response},
};
use desk::{Desk, Order, Seen};
use tokio::{
    sync::{Mutex, mpsc, oneshot, watch},
    time::timeout,
};

use crate::played::PlayedHost;

/// How long a test waits for its plugin.
const PATIENCE: Duration = Duration::from_secs(10);
/// Events that a test has not asked for yet; beyond that they are not settled.
const EVENTS: usize = 16_384;

/// An in-process `PluginHost`. It accepts every event, says DUPLICATE to a provider id that it has seen on the account, and
/// records every report. What is waited for and does not come within 10 s is a panic that says so.
#[derive(Debug)]
pub struct HostStandIn {
    events: Mutex<mpsc::Receiver<InboundEvent>>,
    orders: mpsc::Sender<Order>,
    seen: watch::Receiver<Seen>,
}

impl HostStandIn {
    /// Starts the host, within a runtime of tokio, and says how a plugin reaches it.
    pub fn start() -> (Self, Grpc) {
        let (service, calls) = PlayedHost::new();
        let (accepted, events) = mpsc::channel(EVENTS);
        let (orders, placed) = mpsc::channel(64);
        let (seen, watched) = watch::channel(Seen::default());
        tokio::spawn(Desk::new(accepted, seen).run(calls, placed));
        #[expect(clippy::expect_used, reason = "the literal can stand in a header")]
        let credential = Credential::bearer("stand-in").expect("a token");
        let host = Self { events: Mutex::new(events), orders, seen: watched };
        (host, in_process(service, credential))
    }

    /// The next event that was accepted for the first time.
    pub async fn next_event(&self) -> InboundEvent {
        match self.event_within(PATIENCE).await {
            Some(event) => event,
            None => gone("no event came"),
        }
    }

    /// The next event that was accepted for the first time, when one comes in that time.
    pub async fn event_within(&self, time: Duration) -> Option<InboundEvent> {
        timeout(time, async { self.events.lock().await.recv().await }).await.ok().flatten()
    }

    /// Hands a delivery to the plugin, as soon as it is attached, and waits for its report. An id of 0 is replaced by the next
    /// free one.
    pub async fn deliver(&self, delivery: Delivery) -> DeliveryReport {
        let (tell, report) = oneshot::channel();
        self.order(Order::Deliver(Box::new(delivery), tell)).await;
        match timeout(PATIENCE, report).await {
            Ok(Ok(report)) => report,
            _ => gone("no report of the delivery came"),
        }
    }

    /// Tells the plugin that somebody types.
    pub async fn typing(&self, typing: Typing) {
        self.attached().await;
        self.order(Order::Say(Box::new(attach_response::Message::Typing(typing)))).await;
    }

    /// What the plugin last said of an account, once it has said anything.
    pub async fn account(&self, name: &str) -> AccountReport {
        let found = self.see(|seen| seen.accounts.get(name).cloned()).await;
        found.unwrap_or_else(|| gone("nothing was said of the account"))
    }

    /// Waits until the plugin says of an account what is looked for.
    pub async fn account_when(&self, name: &str, is_it: impl Fn(&AccountReport) -> bool) -> AccountReport {
        let found = self.see(|seen| seen.accounts.get(name).filter(|report| is_it(report)).cloned()).await;
        found.unwrap_or_else(|| gone("that was not said of the account"))
    }

    /// How the plugin said hello, once it is attached.
    pub async fn attached(&self) -> Hello {
        self.see(|seen| seen.hello.clone()).await.unwrap_or_else(|| gone("the plugin did not attach"))
    }

    async fn see<T>(&self, look: impl Fn(&Seen) -> Option<T>) -> Option<T> {
        let mut seen = self.seen.clone();
        let found = timeout(PATIENCE, seen.wait_for(|seen| look(seen).is_some())).await.ok()?.ok()?;
        look(&found)
    }

    async fn order(&self, order: Order) {
        if self.orders.send(order).await.is_err() {
            gone("the host stand-in is gone");
        }
    }
}

#[expect(clippy::panic, reason = "it is called by tests, and this is how they fail")]
#[track_caller]
fn gone(what: &str) -> ! {
    panic!("{what}")
}

/// What the plugin has said of its accounts, by name.
type Accounts = HashMap<String, AccountReport>;

#[cfg(test)]
mod tests;
