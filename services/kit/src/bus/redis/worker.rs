//! The connection to one node: what goes there, what it is asked for, and that it comes back.

use std::{sync::Arc, time::Duration};

use causeway_link::redis::Backoff;
use redis::{ErrorKind, PushInfo, RedisError, ServerErrorKind, Value, aio::MultiplexedConnection, cmd, pipe};
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval},
};

use super::{
    Shared,
    inbox::Inbox,
    link::{Link, Loss},
    verbs::{PLAIN, Verbs},
};
use crate::bus::Envelope;

/// Events that are sent at once.
const BATCH: usize = 256;

/// Channels that are asked for at once.
const ASKS: usize = 512;

/// How often the connection is tried, and what waits for it is done.
const TICK: Duration = Duration::from_millis(500);

/// The task of a link.
pub(super) struct Worker {
    shared: Arc<Shared>,
    link: Arc<Link>,
    envelopes: mpsc::Receiver<Arc<Envelope>>,
    /// What is being sent.
    batch: Vec<Arc<Envelope>>,
    /// Channels that this node refused, to be asked for again.
    later: Vec<Arc<str>>,
}

impl Worker {
    pub(super) fn new(
        shared: Arc<Shared>,
        link: Arc<Link>,
        envelopes: mpsc::Receiver<Arc<Envelope>>,
    ) -> Self {
        Self { shared, link, envelopes, batch: Vec::new(), later: Vec::new() }
    }

    /// Connects, again and again.
    pub(super) async fn run(mut self) {
        let mut backoff = Backoff::default();
        loop {
            match self.connect().await {
                Ok((connection, verbs)) => {
                    backoff = Backoff::default();
                    let error = self.serve(connection, verbs).await;
                    self.down(&error.to_string());
                }
                Err(error) => {
                    tracing::debug!(node = %self.link.endpoint, %error, "the bus cannot connect to Redis");
                }
            }
            self.link.orders.clear();
            self.shared.forget(Some(self.link.id));
            self.shared.refresh.notify_one();
            tokio::time::sleep(backoff.pause()).await;
        }
    }

    /// Connects, and subscribes to what is wanted. Then events go and come.
    async fn connect(&mut self) -> Result<(MultiplexedConnection, Verbs), RedisError> {
        // A connection before this one may have left its permit.
        self.link.broken.notify_one();
        self.link.broken.notified().await;
        let inbox = Inbox { shared: self.shared.clone(), link: self.link.clone() };
        let pushes = move |push: PushInfo| {
            inbox.take(push);
            Ok::<_, ()>(())
        };
        let mut connection = self.shared.redis.open(&self.link.endpoint, pushes).await?;
        let verbs = if self.shared.settings.sharded { Verbs::ask(&mut connection).await? } else { PLAIN };
        self.link.orders.clear();
        self.later.clear();
        let channels = self.shared.topics.renew(self.link.id);
        self.ask(&mut connection, verbs, channels).await?;
        self.up(verbs);
        Ok((connection, verbs))
    }

    fn up(&mut self, verbs: Verbs) {
        while let Ok(stale) = self.envelopes.try_recv() {
            self.link.sent(&stale);
        }
        self.shared.measure.connected();
        self.link.set_up(true);
        // Whatever was published while it was not up may be lost: here, and from here.
        self.shared.local.lag();
        self.shared.judge();
        self.confess();
        let by_shard = verbs.are_by_shard();
        tracing::info!(node = %self.link.endpoint, by_shard, "the bus is connected to Redis");
    }

    fn down(&mut self, why: &str) {
        self.link.set_up(false);
        self.shared.judge();
        self.shared.local.lag();
        tracing::warn!(node = %self.link.endpoint, why, "the bus has lost Redis: events come from the log until it is back");
    }

    fn confess(&self) {
        if self.link.has_lost() {
            self.shared.confess(&self.link);
        }
    }

    /// Does what is to be done until the connection is of no use.
    async fn serve(&mut self, mut connection: MultiplexedConnection, verbs: Verbs) -> RedisError {
        let link = self.link.clone();
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let done = tokio::select! {
                () = link.broken.notified() => Err(RedisError::from((ErrorKind::Io, "the connection broke"))),
                () = link.orders.changed.notified() => self.obey(&mut connection, verbs).await,
                _ = self.envelopes.recv_many(&mut self.batch, BATCH) => self.publish(&mut connection, verbs).await,
                _ = ticks.tick() => self.tick(&mut connection, verbs).await,
            };
            if let Err(error) = done {
                return error;
            }
        }
    }

    async fn publish(
        &mut self,
        connection: &mut MultiplexedConnection,
        verbs: Verbs,
    ) -> Result<(), RedisError> {
        let mut commands = pipe();
        for envelope in &self.batch {
            let channel = self.shared.channels.name(envelope.source, &envelope.topic);
            commands.cmd(verbs.publish).arg(&*channel).arg(self.shared.channels.encode(envelope));
            self.link.sent(envelope);
        }
        let batch = std::mem::take(&mut self.batch);
        let answers = connection.send_packed_commands(&commands, 0, batch.len()).await;
        let answers = answers.inspect_err(|_| {
            self.link.loses();
            self.shared.measure.lost(Loss::Away, batch.len());
        })?;
        let refused: Vec<_> =
            batch.iter().zip(answers).filter_map(|(sent, answer)| refused(sent, answer)).collect();
        self.shared.measure.published(batch.len() - refused.len());
        refused.into_iter().for_each(|(envelope, why)| self.refused(envelope, why));
        Ok(())
    }

    /// One that another node has to take is sent again when it is known which. As many wait for that as `again` holds.
    fn refused(&self, envelope: &Arc<Envelope>, why: RedisError) {
        self.shared.refresh.notify_one();
        let is_elsewhere =
            matches!(why.kind(), ErrorKind::Server(ServerErrorKind::Moved | ServerErrorKind::Ask));
        if !is_elsewhere || self.shared.again.try_send(envelope.clone()).is_err() {
            tracing::debug!(node = %self.link.endpoint, error = %why, "Redis does not take an event");
            self.link.loses();
            self.shared.measure.lost(Loss::Refused, 1);
        }
    }

    async fn obey(&mut self, connection: &mut MultiplexedConnection, verbs: Verbs) -> Result<(), RedisError> {
        let (ask, drop) = self.link.orders.take();
        self.ask(connection, verbs, ask).await?;
        self.leave(connection, verbs, drop).await
    }

    async fn tick(&mut self, connection: &mut MultiplexedConnection, verbs: Verbs) -> Result<(), RedisError> {
        cmd("PING").exec_async(connection).await?;
        let later = std::mem::take(&mut self.later);
        self.ask(connection, verbs, later).await?;
        let mut due = self.link.orders.due();
        due.retain(|channel| match self.shared.topics.leave(channel, self.link.id) {
            Some(true) => true,
            Some(false) => {
                self.link.orders.leave(channel.clone(), self.shared.settings.linger);
                false
            }
            None => false,
        });
        self.leave(connection, verbs, due).await?;
        self.confess();
        Ok(())
    }

    /// Asks for channels. That they are subscribed to comes to the inbox.
    async fn ask(
        &mut self,
        connection: &mut MultiplexedConnection,
        verbs: Verbs,
        mut channels: Vec<Arc<str>>,
    ) -> Result<(), RedisError> {
        channels.retain(|channel| self.shared.topics.is_asked(channel, self.link.id));
        for some in channels.chunks(ASKS) {
            let answers = call(connection, verbs.subscribe, some).await?;
            for (channel, answer) in some.iter().zip(answers) {
                if let Err(error) = answer.extract_error() {
                    tracing::debug!(node = %self.link.endpoint, %error, "Redis does not subscribe to a channel");
                    self.later.push(channel.clone());
                    self.shared.refresh.notify_one();
                }
            }
        }
        Ok(())
    }

    async fn leave(
        &mut self,
        connection: &mut MultiplexedConnection,
        verbs: Verbs,
        channels: Vec<Arc<str>>,
    ) -> Result<(), RedisError> {
        channels.iter().for_each(|channel| self.link.orders.leaving(channel));
        for some in channels.chunks(ASKS) {
            call(connection, verbs.unsubscribe, some).await?;
        }
        self.shared.measure.topics(self.shared.topics.len());
        Ok(())
    }
}

/// The same command for each of some channels: in a cluster, one takes channels of one slot only.
async fn call(
    connection: &mut MultiplexedConnection,
    verb: &str,
    channels: &[Arc<str>],
) -> Result<Vec<Value>, RedisError> {
    let mut commands = pipe();
    for channel in channels {
        commands.cmd(verb).arg(&**channel);
    }
    connection.send_packed_commands(&commands, 0, channels.len()).await
}

fn refused(sent: &Arc<Envelope>, answer: Value) -> Option<(&Arc<Envelope>, RedisError)> {
    answer.extract_error().err().map(|error| (sent, error))
}
