//! What a plugin's author writes: a type that implements [`Plugin`].

use std::{future::Future, sync::Arc, time::Duration};

use axum::Router;
use causeway_proto::plugin::{Capabilities, Delivery, PluginKind, Typing};
use tokio_util::sync::CancellationToken;

use crate::{Host, Stopped};

/// Who a plugin is and what it can do.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// 1 to 64 of a-z, 0-9 and "-". For a channel it is the source in its conversations' titles.
    pub name: String,
    /// The plugin's own version, for people.
    pub version: String,
    /// What it is: decides where it attaches and what it may push.
    pub kind: PluginKind,
    /// What it can do with deliveries; the host does not ask for more.
    pub capabilities: Capabilities,
}

/// A message that the provider took.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sent {
    /// The provider's id of it; empty when there is none.
    pub message_id: String,
}

/// Why a delivery did not arrive. `code` is the provider's, or the plugin's own in the same style; `text` is for people and
/// holds no credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Undelivered {
    /// Trying again is in vain: the customer blocked us, there is no such chat.
    #[error("{code}: {text}")]
    Permanent {
        /// What went wrong, in a word.
        code: String,
        /// What went wrong.
        text: String,
    },
    /// It did not arrive and may later: the provider is away, or we are too fast.
    #[error("{code}: {text}")]
    Later {
        /// What went wrong, in a word.
        code: String,
        /// What went wrong.
        text: String,
        /// How long to wait, when the provider said so; `None`: the host's backoff.
        after: Option<Duration>,
        /// Whether the wait holds for the whole account.
        account_wide: bool,
    },
    /// It may have arrived: the request was sent and no answer came. It is tried again, and marked.
    #[error("{code}: {text}")]
    Uncertain {
        /// What went wrong, in a word.
        code: String,
        /// What went wrong.
        text: String,
    },
}

impl Undelivered {
    /// Trying again is in vain.
    pub fn permanent(code: impl Into<String>, text: impl Into<String>) -> Self {
        Self::Permanent { code: code.into(), text: text.into() }
    }

    /// It may arrive later, after the host's backoff.
    pub fn later(code: impl Into<String>, text: impl Into<String>) -> Self {
        Self::Later { code: code.into(), text: text.into(), after: None, account_wide: false }
    }

    /// It may have arrived.
    pub fn uncertain(code: impl Into<String>, text: impl Into<String>) -> Self {
        Self::Uncertain { code: code.into(), text: text.into() }
    }
}

/// What depended on an event that was not settled may arrive later.
impl From<Stopped> for Undelivered {
    fn from(stopped: Stopped) -> Self {
        Self::later("stopping", stopped.to_string())
    }
}

/// An integration. Only what is particular to the provider is here; see [`crate::Runtime`] for what is done for it.
pub trait Plugin: Send + Sync + 'static {
    /// Who it is. Asked once.
    fn profile(&self) -> Profile;

    /// Webhooks and whatever else it answers over HTTP, under `/<name>` of the plugins' listener. None by default.
    ///
    /// A webhook answers its provider only when [`Host::push`] has answered: then what it was told is on disk.
    fn routes(self: Arc<Self>, host: Host) -> Router {
        let _ = host;
        Router::new()
    }

    /// Runs beside the attachment until `stop`, for what the plugin does on its own: polling, watching accounts. A plugin
    /// whose future ends early goes on with its routes and deliveries.
    fn run(self: Arc<Self>, host: Host, stop: CancellationToken) -> impl Future<Output = ()> + Send {
        let _ = (host, stop);
        std::future::ready(())
    }

    /// Hands a delivery to the provider, or for an agent deals with what a customer wrote. At most one for each
    /// [`Delivery::partition`] at a time, and several partitions side by side.
    fn deliver(
        &self,
        host: &Host,
        delivery: Delivery,
    ) -> impl Future<Output = Result<Sent, Undelivered>> + Send;

    /// Shows a customer that somebody types. Only asked of a plugin that says it can.
    fn typing(&self, typing: Typing) -> impl Future<Output = ()> + Send {
        let _ = typing;
        std::future::ready(())
    }
}
