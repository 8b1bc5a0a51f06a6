//! From where Redis is to a connection, which is waited for.

use std::{sync::Arc, time::Duration};

use thiserror::Error;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::task::AbortOnDropHandle;

use super::{
    Address, Backoff, Redis, Settings,
    address::Kind,
    cluster::Cluster,
    commands::Way,
    keeper::{Keeper, State},
    node::Dial,
};

/// How often it is said what start-up waits for.
const SAY: Duration = Duration::from_secs(5);

/// Redis was not there in time.
#[derive(Debug, Error)]
#[error(
    "no answer from {address} (redis.url) within {waited:?}: {why}; start Redis, name another address, or remove redis.url"
)]
pub struct ConnectError {
    address: Address,
    waited: Duration,
    pub(super) why: String,
}

impl Redis {
    /// Connects, and waits until that succeeds; what it waits for is in the log. Fails when `start_timeout` is over.
    pub async fn connect(settings: Settings) -> Result<Self, ConnectError> {
        let Settings { address, ca, connect_timeout, response_timeout, start_timeout } = settings;
        let dial = Dial {
            tls: address.tls,
            ca: ca.map(Into::into),
            login: address.login.clone(),
            connect_timeout,
            response_timeout,
        };
        if address.tls {
            // Fails when another part of the process has done so.
            let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        }
        let until = Instant::now() + start_timeout;
        let started = match address.kind {
            Kind::Cluster => Self::to_cluster(&address, &dial, until).await,
            Kind::Single | Kind::Sentinel { .. } => Self::to_primary(&address, &dial, until).await,
        };
        started.map_err(|why| ConnectError { address, waited: start_timeout, why })
    }

    async fn to_primary(address: &Address, dial: &Dial, until: Instant) -> Result<Self, String> {
        let keeper = Arc::new(Keeper::new(address.clone(), dial.clone()));
        let (health, mut state) = (keeper.health(), keeper.state());
        let kept = keeper.clone();
        let task = AbortOnDropHandle::new(tokio::spawn(async move { kept.keep().await }));
        let mut said = Said::new(address);
        loop {
            let why = match &*state.borrow_and_update() {
                State::Up(_) => break,
                State::Away(why) => why.clone(),
            };
            // The first state only says that nothing was tried yet.
            let changed = timeout_at(until, state.changed()).await;
            if changed.is_err() {
                return Err(why.to_string());
            }
            if let State::Away(why) = &*state.borrow() {
                said.say(why);
            }
        }
        Ok(Self::new(address, dial, Way::Primary(keeper), health, task))
    }

    async fn to_cluster(address: &Address, dial: &Dial, until: Instant) -> Result<Self, String> {
        let mut said = Said::new(address);
        let mut backoff = Backoff::default();
        let cluster = loop {
            match timeout_at(until, Cluster::open(address, dial)).await {
                Ok(Ok(cluster)) => break cluster,
                Ok(Err(error)) if Instant::now() >= until => return Err(error.to_string()),
                Ok(Err(error)) => said.say(&error.to_string()),
                Err(_) => return Err(said.last.unwrap_or_else(|| "it does not answer".into())),
            }
            sleep(backoff.pause()).await;
        };
        let (health, connection) = (cluster.health(), cluster.connection());
        let task = AbortOnDropHandle::new(tokio::spawn(cluster.keep()));
        Ok(Self::new(address, dial, Way::Cluster(connection), health, task))
    }
}

/// Says in the log what start-up waits for: at once, and every few seconds.
struct Said<'a> {
    address: &'a Address,
    next: Instant,
    last: Option<String>,
}

impl<'a> Said<'a> {
    fn new(address: &'a Address) -> Self {
        Self { address, next: Instant::now(), last: None }
    }

    fn say(&mut self, why: &str) {
        self.last = Some(why.to_owned());
        if Instant::now() >= self.next {
            self.next = Instant::now() + SAY;
            tracing::warn!(redis = %self.address, why, "waiting for Redis (redis.url)");
        }
    }
}
