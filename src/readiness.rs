//! Whether the services of a process can do their job, for probes that do not speak gRPC over TLS. gRPC health says the same.

use std::sync::{Arc, OnceLock};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Cloning is cheap; clones say the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Readiness {
    /// The health of each part, once they are there.
    parts: Arc<OnceLock<Vec<watch::Receiver<bool>>>>,
    leaving: CancellationToken,
}

impl Readiness {
    /// Nothing is there yet. Once the process leaves, nothing is again.
    pub(crate) fn until(leaving: CancellationToken) -> Self {
        Self { parts: Arc::default(), leaving }
    }

    /// The parts are there, with this health.
    pub(crate) fn follow(&self, parts: Vec<watch::Receiver<bool>>) {
        // A process has its parts once.
        let _ = self.parts.set(parts);
    }

    /// Whether all parts can do their job now, and go on to.
    pub(crate) fn is_ready(&self) -> bool {
        // A part that has dropped its end has died.
        let is_well = |part: &watch::Receiver<bool>| *part.borrow() && part.has_changed().is_ok();
        !self.leaving.is_cancelled() && self.parts.get().is_some_and(|parts| parts.iter().all(is_well))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_ready_while_all_its_parts_are_well_and_it_stays() {
        let leaving = CancellationToken::new();
        let readiness = Readiness::until(leaving.clone());
        assert!(!readiness.is_ready(), "nothing is there yet");
        let ((chat, chats), (_presence, presences)) = (watch::channel(true), watch::channel(true));
        readiness.follow(vec![chats, presences]);
        assert!(readiness.is_ready());
        chat.send_replace(false);
        assert!(!readiness.is_ready());
        chat.send_replace(true);
        assert!(readiness.is_ready());
        drop(chat);
        assert!(!readiness.is_ready());
        let another = Readiness::until(leaving.clone());
        another.follow(Vec::new());
        leaving.cancel();
        assert!(!another.is_ready());
    }
}
