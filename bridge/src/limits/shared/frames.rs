//! What users owe for the frames that they have sent on all bridges.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, stream};

use super::Together;
use crate::limits::{Caps, meter::Meter};

/// How often frames are reported.
pub(super) const REPORT: Duration = Duration::from_secs(1);
/// A user below this part of the rate is not reported.
const QUIET: u32 = 8;
/// How much later than [`REPORT`] frames may be reported before a user seems to have spent them sooner.
const LATE: Duration = Duration::from_secs(1);
/// The longest that a user owes.
const MOST_OWED: Duration = Duration::from_secs(10);
/// Users whose frames are reported at the same time.
const REPORTS: usize = 64;

impl Together {
    /// Says how many frames users have sent, and notes what they owe.
    pub(super) async fn report_frames(&self) {
        let sent = self.changes.take_frames();
        let caps = self.limits.caps();
        let quiet = caps.frames_per_second / QUIET;
        let counts = sent.into_iter().map(|(user, meter)| (user, meter.read(), meter));
        let busy = counts.filter(|(_, count, _)| caps.frames_per_second > 0 && *count > quiet);
        stream::iter(busy)
            .map(|(user, count, meter)| self.spend(user, count, meter, caps))
            .buffer_unordered(REPORTS)
            .collect::<()>()
            .await;
    }

    async fn spend(&self, user: Arc<str>, count: u32, meter: Arc<Meter>, caps: Caps) {
        let each = REPORT / caps.frames_per_second.max(1);
        let ahead = each * caps.burst.max(1) + REPORT + LATE;
        let key = format!("{}:limit:{{{user}}}:frames", self.prefix);
        let owed: Result<u64, _> = self
            .ask(&self.spend, &key, |call| {
                call.arg(count).arg(micros(each)).arg(micros(ahead)).arg(micros(MOST_OWED));
            })
            .await;
        if let Ok(owed) = owed {
            meter.owe(self.limits.now(), Duration::from_micros(owed));
        }
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
