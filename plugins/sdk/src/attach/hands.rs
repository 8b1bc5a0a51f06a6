//! A plugin as the attachment needs it: what it does, without its type.

use std::{panic::AssertUnwindSafe, sync::Arc};

use causeway_proto::plugin::{Delivery, Typing};
use futures_util::{FutureExt, future::BoxFuture};

use crate::{Host, Plugin, Sent, Undelivered};

/// What came of a delivery.
pub(super) type Delivered = Result<Sent, Undelivered>;

/// The two things that a host asks of a plugin. Neither panics.
pub(crate) struct Hands {
    deliver: Box<dyn Fn(Delivery) -> BoxFuture<'static, Delivered> + Send + Sync>,
    typing: Box<dyn Fn(Typing) -> BoxFuture<'static, ()> + Send + Sync>,
}

impl Hands {
    /// Those of a plugin, which reaches its host by `host`.
    pub(crate) fn of<P: Plugin>(plugin: Arc<P>, host: Host) -> Self {
        let typist = plugin.clone();
        Self {
            deliver: Box::new(move |delivery| {
                let (plugin, host) = (plugin.clone(), host.clone());
                Box::pin(async move { plugin.deliver(&host, delivery).await })
            }),
            typing: Box::new(move |typing| {
                let plugin = typist.clone();
                Box::pin(async move { plugin.typing(typing).await })
            }),
        }
    }

    /// Hands a delivery to the plugin. One that panics has failed for now.
    pub(super) fn deliver(&self, delivery: Delivery) -> impl Future<Output = Delivered> + Send + 'static {
        // The call itself is within, because a plugin may panic before its future exists.
        let future = std::panic::catch_unwind(AssertUnwindSafe(|| (self.deliver)(delivery)));
        async move {
            let Ok(future) = future else { return Err(broken()) };
            AssertUnwindSafe(future).catch_unwind().await.unwrap_or_else(|_| Err(broken()))
        }
    }

    /// Shows that somebody types.
    pub(super) fn typing(&self, typing: Typing) -> impl Future<Output = ()> + Send + 'static {
        let future = (self.typing)(typing);
        async move {
            if AssertUnwindSafe(future).catch_unwind().await.is_err() {
                tracing::error!("a plugin panicked when it was to show that somebody types");
            }
        }
    }
}

fn broken() -> Undelivered {
    tracing::error!("a plugin panicked over a delivery");
    Undelivered::later("internal", "the plugin failed over this delivery")
}
