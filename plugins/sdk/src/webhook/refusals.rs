//! What webhooks refused: counted, and logged so that a flood of it stays one line.

use std::{
    sync::{LazyLock, Mutex, PoisonError},
    time::Duration,
};

use prometheus_client::metrics::{counter::Counter, family::Family};
use tokio::time::Instant;

/// How often a refusal is logged at most.
const QUIET: Duration = Duration::from_secs(10);

/// Of the process, because refusals happen in handlers, far from where the registry is.
static REFUSED: LazyLock<Refused> = LazyLock::new(Refused::default);

type Refused = Family<[(&'static str, String); 2], Counter>;

/// The counter `webhook_refused`, by plugin and reason.
pub(crate) fn refused() -> Refused {
    REFUSED.clone()
}

/// Counts what a plugin's webhooks refuse, and says so in at most one line every 10 s.
#[derive(Debug)]
pub struct Refusals {
    plugin: String,
    log: Mutex<Log>,
}

#[derive(Debug, Default)]
struct Log {
    last: Option<Instant>,
    /// Refusals since the last line.
    since: u64,
}

impl Refusals {
    /// For a plugin of this name.
    pub fn new(plugin: impl Into<String>) -> Self {
        Self { plugin: plugin.into(), log: Mutex::default() }
    }

    /// A request was refused for this reason, in a word: "signature". There should be few different ones, because each is a
    /// label's value.
    pub fn refuse(&self, reason: &'static str) {
        REFUSED.get_or_create(&[("plugin", self.plugin.clone()), ("reason", reason.to_owned())]).inc();
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = log.note(Instant::now()) {
            tracing::warn!(plugin = %self.plugin, reason, count, "webhook requests were refused");
        }
    }
}

impl Log {
    /// Notes a refusal; how many there were since the last line, when it is time for another.
    fn note(&mut self, now: Instant) -> Option<u64> {
        self.since += 1;
        if self.last.is_some_and(|last| now < last + QUIET) {
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_refusals_is_one_line_every_ten_seconds() {
        let (mut log, start) = (Log::default(), Instant::now());
        assert_eq!(log.note(start), Some(1));
        assert_eq!(log.note(start + QUIET / 2), None);
        assert_eq!(log.note(start + QUIET / 2), None);
        assert_eq!(log.note(start + QUIET), Some(3));
        assert_eq!(log.note(start + QUIET), None);
    }

    #[test]
    fn refusals_are_counted_by_plugin_and_reason() {
        let refusals = Refusals::new("counted");
        refusals.refuse("signature");
        refusals.refuse("signature");
        let labels = [("plugin", "counted".to_owned()), ("reason", "signature".to_owned())];
        assert_eq!(refused().get_or_create(&labels).get(), 2);
    }
}
