//! Why the host ends an attachment, and what the plugin is told.

use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// How soon a plugin should come back to a host that stops.
pub(super) const RETRY: Duration = Duration::from_secs(1);

/// Why the host ends an attachment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dismissal {
    /// The same instance has attached anew.
    Reconnected,
    /// Another instance has attached.
    Superseded,
    /// The plugin may not attach any more.
    Removed,
    /// The host stops.
    Stopping,
    /// A delivery was in hand for too long.
    Silent,
    /// More events wait to be sent again than a plugin may have.
    Flooding,
    /// This process may not host it any more: it could not say in time that it does.
    Lost,
}

/// What calls a plugin away: the host's stop, or a reason of its own.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) stop: CancellationToken,
    pub(super) dismissal: watch::Receiver<Option<Dismissal>>,
    /// How long a plugin may finish what it has in hand, where it is asked to.
    pub(super) grace: Duration,
}

impl Call {
    /// Waits until the plugin is called away; why.
    pub(super) async fn comes(&mut self) -> Dismissal {
        tokio::select! {
            () = self.stop.cancelled() => Dismissal::Stopping,
            why = self.dismissal.wait_for(Option::is_some) => {
                // The sender lives as long as the session.
                why.ok().and_then(|why| *why).unwrap_or(Dismissal::Stopping)
            }
        }
    }

    /// Waits until the plugin is called away, and the time is over that it has then.
    pub(super) async fn run_out(mut self) {
        let why = self.comes().await;
        tokio::time::sleep(self.grace(why)).await;
    }

    /// How long the plugin may go on.
    pub(super) fn grace(&self, why: Dismissal) -> Duration {
        match why {
            Dismissal::Superseded | Dismissal::Stopping => self.grace,
            Dismissal::Reconnected
            | Dismissal::Removed
            | Dismissal::Silent
            | Dismissal::Flooding
            | Dismissal::Lost => Duration::ZERO,
        }
    }

    /// Why the plugin is called away, or would be.
    pub(super) fn reason(&self) -> Dismissal {
        self.dismissal.borrow().unwrap_or(Dismissal::Stopping)
    }
}

/// What an instance is told whose place another has taken, when it comes back.
pub(super) fn superseded() -> Status {
    Status::aborted("another instance of the plugin is attached")
}

impl From<Dismissal> for Status {
    fn from(why: Dismissal) -> Self {
        match why {
            Dismissal::Reconnected => Self::aborted("the same instance has attached anew"),
            Dismissal::Superseded => Self::aborted("another instance of the plugin has attached"),
            Dismissal::Removed => Self::permission_denied("the plugin may not attach any more"),
            Dismissal::Stopping => {
                let details = ErrorDetails::with_retry_info(Some(RETRY));
                Self::with_error_details(Code::Unavailable, "the host stops", details)
            }
            Dismissal::Lost => {
                let details = ErrorDetails::with_retry_info(Some(RETRY));
                let said = "this host could not keep the plugin's place";
                Self::with_error_details(Code::Unavailable, said, details)
            }
            Dismissal::Flooding => Self::resource_exhausted(
                "too many events wait to be sent again: push no more until they are settled",
            ),
            Dismissal::Silent => {
                let details = ErrorDetails::with_retry_info(Some(RETRY));
                let said = "a delivery was in hand for too long without a report";
                Self::with_error_details(Code::Unavailable, said, details)
            }
        }
    }
}
