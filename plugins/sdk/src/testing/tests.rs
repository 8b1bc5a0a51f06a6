use std::sync::Arc;

use causeway_proto::plugin::{
    AccountState, Capabilities, DeliveryState, PluginKind, Unknown, inbound_event::Body,
};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{Host, Plugin, Profile, Runtime, RuntimeOptions, Sent, Undelivered, event};

/// Says what happened to it as events: the deliveries and typing that it gets.
struct Witness(std::sync::Mutex<Option<Host>>);

impl Plugin for Witness {
    fn profile(&self) -> Profile {
        Profile {
            name: "witness".to_owned(),
            version: "1".to_owned(),
            kind: PluginKind::Channel,
            capabilities: Capabilities::default(),
        }
    }

    async fn run(self: Arc<Self>, host: Host, _: CancellationToken) {
        host.account("one", AccountState::Reconnecting, "").await;
        host.account("one", AccountState::Connected, "").await;
        *self.0.lock().unwrap() = Some(host);
    }

    async fn deliver(&self, host: &Host, delivery: Delivery) -> Result<Sent, Undelivered> {
        host.push(happened(&delivery.customer_id)).await?;
        Ok(Sent { message_id: format!("m{}", delivery.id) })
    }

    async fn typing(&self, typing: Typing) {
        let host = self.0.lock().unwrap().clone().unwrap();
        host.push(happened(&typing.customer_id)).await.unwrap();
    }
}

fn happened(id: &str) -> InboundEvent {
    event("one", id, "a", Body::Unknown(Unknown::default()))
}

fn start() -> HostStandIn {
    let (host, grpc) = HostStandIn::start();
    let mut runtime = Runtime::new(RuntimeOptions::default(), CancellationToken::new());
    runtime.add(Witness(std::sync::Mutex::default()), grpc);
    tokio::spawn(runtime.run());
    host
}

fn to(customer: &str) -> Delivery {
    Delivery { customer_id: customer.to_owned(), ..Delivery::default() }
}

#[tokio::test]
async fn a_delivery_is_reported_and_what_it_caused_is_seen_once() {
    let host = start();
    let report = host.deliver(to("7")).await;
    assert_eq!((report.state(), report.provider_message_id.as_str()), (DeliveryState::Sent, "m1"));
    assert_eq!(host.next_event().await.provider_id, "7");
    assert_eq!(host.deliver(to("7")).await.provider_message_id, "m2");
    assert_eq!(host.event_within(Duration::from_millis(100)).await, None, "it is a duplicate");
}

#[tokio::test]
async fn accounts_and_typing_pass() {
    let host = start();
    assert_eq!(host.attached().await.name, "witness");
    let connected = |report: &AccountReport| report.state() == AccountState::Connected;
    host.account_when("one", connected).await;
    assert_eq!(host.account("one").await.state(), AccountState::Connected);
    host.typing(Typing { customer_id: "8".to_owned(), ..Typing::default() }).await;
    assert_eq!(host.next_event().await.provider_id, "8");
}
