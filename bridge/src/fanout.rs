//! Events on their way from the services to the sockets.
//!
//! A [`subscriber`] holds one stream to each service and hands what comes to that service's [`registry`],
//! which knows who wants which topic and puts a shared [`packet`] into each [`mailbox`]. A socket that comes
//! back with a cursor reads what it missed with [`replay`]. [`membership`] is what a socket holds of all
//! this.

pub(crate) mod mailbox;
pub(crate) mod membership;
pub(crate) mod packet;
pub(crate) mod registry;
pub(crate) mod replay;
#[cfg(test)]
pub(crate) mod samples;
pub(crate) mod subscriber;

use std::sync::Arc;

use causeway_proto::event::Source;

use self::{registry::Registry, replay::Pages};

/// A topic and the service that writes it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Topic {
    /// Whose.
    pub(crate) source: Source,
    /// For example `conversation/7`.
    pub(crate) name: Arc<str>,
}

impl Topic {
    /// A topic by its name.
    pub(crate) fn new(source: Source, name: causeway_proto::topic::Topic<'_>) -> Self {
        Self { source, name: name.to_string().into() }
    }
}

/// The registries of the three services, and the pages of their logs.
#[derive(Debug)]
pub(crate) struct Fanout {
    chat: Arc<Registry>,
    notification: Arc<Registry>,
    presence: Arc<Registry>,
    /// Pages of the logs, shared by all that replay.
    pub(crate) pages: Pages,
}

impl Fanout {
    /// Nobody wants anything yet.
    pub(crate) fn new(pages: Pages) -> Self {
        Self { chat: Arc::default(), notification: Arc::default(), presence: Arc::default(), pages }
    }

    /// Who wants what of a service.
    pub(crate) fn registry(&self, source: Source) -> &Arc<Registry> {
        match source {
            Source::Notification => &self.notification,
            Source::Presence => &self.presence,
            Source::Chat | Source::Unspecified => &self.chat,
        }
    }
}
