//! A socket's place within the limits.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwapOption;

use super::{Buckets, Limits, meter::Meter};

/// A socket's place within the limits; dropping it frees the place.
pub(crate) struct Seat {
    pub(super) limits: Arc<Limits>,
    pub(super) user: Arc<str>,
    pub(super) buckets: Arc<ArcSwapOption<Buckets>>,
    pub(super) meter: Arc<Meter>,
}

impl Seat {
    /// Takes a frame that counts; where it may not be taken, says how long the user must wait.
    pub(crate) fn frame(&self) -> Result<(), Duration> {
        let buckets = self.buckets.load();
        let Some(buckets) = &*buckets else { return Ok(()) };
        if let Some(owed) = self.meter.owes(self.limits.now()) {
            return Err(owed);
        }
        buckets.frames.check().map_err(|until| until.wait_time_from(self.limits.now()))?;
        if let Some(door) = self.limits.door.get()
            && self.meter.count()
        {
            door.changes.frames(&self.user, &self.meter);
        }
        Ok(())
    }

    /// Takes a receipt, a typing mark or a ping; false when there are so many that it is to be dropped.
    pub(crate) fn chatter(&self) -> bool {
        self.buckets.load().as_ref().is_none_or(|buckets| buckets.chatter.check().is_ok())
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.limits.leave(&self.user);
    }
}

impl std::fmt::Debug for Seat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Seat").field("user", &self.user).finish_non_exhaustive()
    }
}
