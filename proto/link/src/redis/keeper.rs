//! Keeps one connection to the primary: finds it, connects, looks whether it is still there, and connects again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use redis::{ErrorKind, PushInfo, PushKind, RedisError, ServerErrorKind, aio::MultiplexedConnection, cmd};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, MissedTickBehavior, interval, sleep, timeout},
};

use super::{Address, Endpoint, address::Kind, backoff::Backoff, node::Dial, sentinel};

/// How often the connection is tried.
const LOOK: Duration = Duration::from_secs(1);

/// After how many looks the Sentinels are asked whether it is still the same primary.
const ASK: u32 = 5;

/// A connection that did not last so long is made again less eagerly than one that did.
const LASTING: Duration = Duration::from_secs(5);

#[derive(Clone)]
pub(super) enum State {
    /// Not connected, and why.
    Away(Arc<str>),
    Up(MultiplexedConnection),
}

/// One connection, whose task ends when this is dropped by its owner.
pub(super) struct Keeper {
    address: Address,
    dial: Dial,
    state: watch::Sender<State>,
    health: watch::Sender<bool>,
    /// Somebody found out that the connection is of no use.
    doubt: Notify,
    /// It does not take writes.
    is_replica: AtomicBool,
}

impl Keeper {
    pub(super) fn new(address: Address, dial: Dial) -> Self {
        let state = watch::Sender::new(State::Away("it was not tried yet".into()));
        let (health, is_replica) = (watch::Sender::new(false), AtomicBool::new(false));
        Self { address, dial, state, health, doubt: Notify::new(), is_replica }
    }

    pub(super) fn health(&self) -> watch::Receiver<bool> {
        self.health.subscribe()
    }

    pub(super) fn state(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    /// The connection, waited for as long as a response is.
    pub(super) async fn connection(&self) -> Result<MultiplexedConnection, RedisError> {
        let mut state = self.state.subscribe();
        let up =
            timeout(self.dial.response_timeout, state.wait_for(|state| matches!(state, State::Up(_)))).await;
        if let Ok(Ok(up)) = up
            && let State::Up(connection) = &*up
        {
            return Ok(connection.clone());
        }
        let why = match &*self.state.borrow() {
            State::Away(why) => why.to_string(),
            State::Up(_) => String::new(),
        };
        Err(RedisError::from((ErrorKind::Io, "Redis is away", why)))
    }

    /// Looks at how a command went.
    pub(super) fn judge<T>(&self, result: &Result<T, RedisError>) {
        let Err(error) = result else { return };
        let is_replica = error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly);
        if is_replica {
            self.is_replica.store(true, Ordering::Release);
        }
        if is_replica || error.is_unrecoverable_error() {
            self.doubt.notify_one();
        }
    }

    /// Where the primary is now.
    pub(super) async fn primary(&self) -> Result<Endpoint, RedisError> {
        match &self.address.kind {
            Kind::Sentinel { primary } => {
                sentinel::primary(&self.dial, &self.address.endpoints, primary).await
            }
            Kind::Single | Kind::Cluster => Ok(self.address.endpoints[0].clone()),
        }
    }

    /// Runs until it is dropped.
    pub(super) async fn keep(&self) {
        let mut backoff = Backoff::default();
        loop {
            let broken = Arc::new(Notify::new());
            let why = match self.open(broken.clone()).await {
                Ok((endpoint, connection)) => {
                    tracing::info!(redis = %self.address, node = %endpoint, "connected to Redis");
                    self.state.send_replace(State::Up(connection.clone()));
                    self.health.send_replace(true);
                    let since = Instant::now();
                    let why = self.watch_over(&endpoint, connection, &broken).await;
                    if since.elapsed() >= LASTING {
                        backoff = Backoff::default();
                    }
                    self.health.send_replace(false);
                    tracing::warn!(redis = %self.address, node = %endpoint, why, "Redis is away");
                    why
                }
                Err(error) => error.to_string(),
            };
            self.state.send_replace(State::Away(why.into()));
            sleep(backoff.pause()).await;
        }
    }

    async fn open(&self, broken: Arc<Notify>) -> Result<(Endpoint, MultiplexedConnection), RedisError> {
        let endpoint = self.primary().await?;
        let pushes = move |push: PushInfo| {
            if push.kind == PushKind::Disconnection {
                broken.notify_one();
            }
            Ok::<_, ()>(())
        };
        let mut connection = self.dial.open(&endpoint, pushes).await?;
        if matches!(self.address.kind, Kind::Sentinel { .. }) {
            sentinel::check(&mut connection).await?;
        }
        cmd("PING").exec_async(&mut connection).await?;
        self.is_replica.store(false, Ordering::Release);
        Ok((endpoint, connection))
    }

    /// Ends with a reason when the connection is of no use any more.
    async fn watch_over(
        &self,
        endpoint: &Endpoint,
        mut connection: MultiplexedConnection,
        broken: &Notify,
    ) -> String {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for look in 0_u32.. {
            tokio::select! {
                () = broken.notified() => return "the connection broke".into(),
                () = self.doubt.notified() => {}
                _ = looks.tick() => {}
            }
            if let Err(error) = self.look(endpoint, &mut connection, look).await {
                return error.to_string();
            }
        }
        String::new()
    }

    async fn look(
        &self,
        endpoint: &Endpoint,
        connection: &mut MultiplexedConnection,
        look: u32,
    ) -> Result<(), RedisError> {
        // What its name stands for may be another server by now.
        if self.is_replica.swap(false, Ordering::AcqRel) {
            return Err(RedisError::from((ErrorKind::Client, "it is a replica and takes no writes")));
        }
        if !matches!(self.address.kind, Kind::Sentinel { .. }) {
            return cmd("PING").exec_async(connection).await;
        }
        sentinel::check(connection).await?;
        // Sentinels that cannot be asked are no reason to leave a primary that answers.
        if look.is_multiple_of(ASK)
            && let Ok(primary) = self.primary().await
            && primary != *endpoint
        {
            let what = "the Sentinels name another primary";
            return Err(RedisError::from((ErrorKind::Client, what, primary.to_string())));
        }
        Ok(())
    }
}
