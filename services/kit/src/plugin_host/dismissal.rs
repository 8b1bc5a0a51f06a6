//! Why the host ends an attachment, and what the plugin is told.

use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// How soon a plugin should come back to a host that stops.
const RETRY: Duration = Duration::from_secs(1);

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
            Dismissal::Silent => {
                let details = ErrorDetails::with_retry_info(Some(RETRY));
                let said = "a delivery was in hand for too long without a report";
                Self::with_error_details(Code::Unavailable, said, details)
            }
        }
    }
}
