//! What one socket holds of the fan-out: its mailbox, and its place among the readers of each topic.

use std::{sync::Arc, time::Duration};

use causeway_proto::event::Source;
use prometheus_client::metrics::gauge::Gauge;
use tokio::time::timeout;

use crate::fanout::{
    Fanout, Topic,
    mailbox::Mailbox,
    registry::{Interest, Joined},
};

/// The topics of a socket. Dropping it leaves them all.
#[derive(Debug)]
pub(crate) struct Membership {
    fanout: Arc<Fanout>,
    mailbox: Arc<Mailbox>,
    topics: Vec<Topic>,
}

/// The service that writes a topic did not say in time that events will come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotJoined;

impl Membership {
    /// No topics yet, and a mailbox for at most `limit` bytes; `waiting` counts what waits in all of them.
    pub(crate) fn new(fanout: Arc<Fanout>, limit: usize, waiting: Gauge) -> Self {
        Self { fanout, mailbox: Arc::new(Mailbox::new(limit, waiting)), topics: Vec::new() }
    }

    /// Joins a topic that it has not joined yet. Events may come from now on; they surely do once what is
    /// returned is good.
    pub(crate) fn join(&mut self, topic: Topic, interest: Interest) -> Joined {
        let (name, joined) = self.fanout.registry(topic.source).join(topic.name, &self.mailbox, interest);
        self.topics.push(Topic { source: topic.source, name });
        joined
    }

    /// Leaves a topic, if it is in it.
    pub(crate) fn leave(&mut self, source: Source, name: &str) {
        if let Some(at) = self.topics.iter().position(|topic| topic.source == source && *topic.name == *name)
        {
            let topic = self.topics.swap_remove(at);
            self.fanout.registry(source).leave(&topic.name, &self.mailbox);
        }
    }

    /// Where its mail is put.
    pub(crate) fn mailbox(&self) -> &Arc<Mailbox> {
        &self.mailbox
    }

    /// The fan-out that it is part of.
    pub(crate) fn fanout(&self) -> &Arc<Fanout> {
        &self.fanout
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        for topic in &self.topics {
            self.fanout.registry(topic.source).leave(&topic.name, &self.mailbox);
        }
    }
}

impl Joined {
    /// Waits for the position after which events come.
    pub(crate) async fn position(self, patience: Duration) -> Result<u64, NotJoined> {
        match self {
            Self::Live(position) => Ok(position),
            Self::Asked(answer) => match timeout(patience, answer).await {
                Ok(Ok(position)) => Ok(position),
                Ok(Err(_)) | Err(_) => Err(NotJoined),
            },
        }
    }
}
