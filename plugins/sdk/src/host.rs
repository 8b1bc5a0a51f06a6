//! A plugin's way to its host: what happened at the provider goes in, and comes back settled.

use causeway_proto::plugin::{AccountReport, AccountState, InboundEvent, inbound_event::Body};
use tokio::sync::{mpsc, oneshot};

/// What became of an event, once that is durable at the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// Applied.
    Accepted,
    /// Was applied before.
    Duplicate,
    /// Meant nothing, for this reason.
    Ignored(String),
    /// Never will be applied, for this reason; the host keeps it for a person.
    Rejected(String),
}

/// The plugin stops, and the event is not settled: the provider must send it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the plugin stops")]
pub struct Stopped;

/// An event, and whom to tell what became of it.
#[derive(Debug)]
pub(crate) struct Push {
    pub(crate) event: Box<InboundEvent>,
    pub(crate) settle: oneshot::Sender<Settled>,
}

/// What plugins ask of the runtime. Accounts have a channel of their own, because events wait for the host.
#[derive(Debug)]
pub(crate) struct Requests {
    pub(crate) pushes: mpsc::Receiver<Push>,
    pub(crate) accounts: mpsc::Receiver<AccountReport>,
}

/// The host, whether attached at the moment or not. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Host {
    pushes: mpsc::Sender<Push>,
    accounts: mpsc::Sender<AccountReport>,
}

/// Requests that wait for the attachment to look at them; beyond that, whoever asks waits.
const WAITING: usize = 64;

impl Host {
    pub(crate) fn open() -> (Self, Requests) {
        let (to_pushes, pushes) = mpsc::channel(WAITING);
        let (to_accounts, accounts) = mpsc::channel(WAITING);
        (Self { pushes: to_pushes, accounts: to_accounts }, Requests { pushes, accounts })
    }

    /// Pushes an event and waits until it is settled, across reconnects and however often the host asks to try again later.
    /// Waits also while the host is away or out of credit. Events of one partition keep the order in which this is called.
    pub async fn push(&self, event: InboundEvent) -> Result<Settled, Stopped> {
        self.hand_in(event).await?.await.map_err(|_| Stopped)
    }

    /// Pushes events in order and waits until all are settled.
    pub async fn push_all(&self, events: Vec<InboundEvent>) -> Result<Vec<Settled>, Stopped> {
        let mut waiting = Vec::with_capacity(events.len());
        for event in events {
            waiting.push(self.hand_in(event).await?);
        }
        let mut all = Vec::with_capacity(waiting.len());
        for settled in waiting {
            all.push(settled.await.map_err(|_| Stopped)?);
        }
        Ok(all)
    }

    /// Says how an account is, and what a person should do about it. Repeated by the runtime, so that the host does not take
    /// silence for trouble.
    pub async fn account(&self, account: &str, state: AccountState, advice: &str) {
        let report =
            AccountReport { account: account.to_owned(), state: state.into(), advice: advice.to_owned() };
        // A plugin that stops has nothing to report any more.
        let _ = self.accounts.send(report).await;
    }

    async fn hand_in(&self, event: InboundEvent) -> Result<oneshot::Receiver<Settled>, Stopped> {
        let (settle, settled) = oneshot::channel();
        let push = Push { event: Box::new(event), settle };
        self.pushes.send(push).await.map_err(|_| Stopped)?;
        Ok(settled)
    }
}

/// An event as [`Host::push`] takes it. `provider_id` must be the same when the provider repeats it; events with one
/// `partition` are applied in order.
pub fn event(
    account: &str,
    provider_id: impl Into<String>,
    partition: impl Into<String>,
    body: Body,
) -> InboundEvent {
    InboundEvent {
        account: account.to_owned(),
        provider_id: provider_id.into(),
        partition: partition.into(),
        body: Some(body),
        ..InboundEvent::default()
    }
}
