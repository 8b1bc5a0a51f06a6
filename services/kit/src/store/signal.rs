//! How whoever carries out what is owed hears that there is more.

use tokio::sync::watch;

use crate::bus::Wakes;

/// Comes after each commit that owed something, in this process or in another. Of another it may be lost: who waits looks by itself
/// from time to time.
pub(crate) struct OwedSignal {
    pub(super) here: watch::Receiver<()>,
    /// `None` where nobody else has the store.
    pub(super) elsewhere: Option<Wakes>,
}

impl OwedSignal {
    /// Waits until something is owed; for ever once the store is closed. Nothing is lost when the future is dropped.
    pub(crate) async fn next(&mut self) {
        let elsewhere = async {
            match &mut self.elsewhere {
                Some(wakes) => wakes.next().await,
                None => std::future::pending().await,
            }
        };
        let here = async {
            if self.here.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = here => {}
            () = elsewhere => {}
        }
    }

    /// What was owed here up to now is known.
    pub(crate) fn mark_seen(&mut self) {
        self.here.mark_unchanged();
    }
}

/// The kind of work that a store's outboxes are woken for.
pub(super) fn kind(store: &str) -> String {
    format!("owed/{store}")
}
