//! Brings envelopes to the processes that may want them: the narrow side of the bus, and the one driver that needs no server.

use std::{sync::Arc, time::Duration};

use causeway_proto::event::Source;
use tokio::sync::watch;

use super::{Envelope, Local};

/// Brings envelopes to the processes that may want them.
pub trait Driver: Send + Sync + 'static {
    /// Brings `envelopes` to this process, by giving them to `local`, and to all others. Must not block; may lose them.
    /// What is given to `local` together reaches each subscriber together.
    fn publish(&self, envelopes: &[Arc<Envelope>], local: &Local);

    /// Whether somebody in another process may listen. When nobody does and nobody here took the topic, an ephemeral
    /// event is not even made.
    fn reaches_others(&self) -> bool {
        false
    }

    /// Somebody here took a topic. True when all that others publish to it from now on comes here, or when it is not known when
    /// that will be so; else [`Signal::Check`](super::Signal::Check) follows once it is so. Must not block.
    fn take(&self, source: Source, topic: &Arc<str>) -> bool {
        let _ = (source, topic);
        true
    }

    /// Nobody here has the topic any more. Must not block.
    fn release(&self, source: Source, topic: &Arc<str>) {
        let _ = (source, topic);
    }

    /// Whether what others publish comes here; `None` where that is always so.
    fn health(&self) -> Option<watch::Receiver<bool>> {
        None
    }

    /// While it does not: how often the log is to be looked at instead.
    fn fallback_poll(&self) -> Duration {
        Duration::from_millis(250)
    }

    /// The log was looked at instead.
    fn polled(&self) {}
}

/// The driver within one process.
#[derive(Debug, Clone, Copy, Default)]
pub struct InProcess;

impl Driver for InProcess {
    fn publish(&self, envelopes: &[Arc<Envelope>], local: &Local) {
        local.deliver(envelopes);
    }
}
