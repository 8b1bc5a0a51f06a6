//! Ejection of sick endpoints: one that fails several times in a row is left out, each time for longer.
//!
//! The pool decides whether one more may be left out; here is the record of one endpoint. Time is an argument.

use tokio::time::Instant;

use super::settings::Settings;

/// What an endpoint has done lately.
#[derive(Debug, Default)]
pub(crate) struct Record {
    failures: u32,
    /// How often in a row it was ejected.
    ejections: u32,
    until: Option<Instant>,
}

impl Record {
    /// A call was answered. A success of an old call does not bring back what is out.
    pub(crate) fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// A call failed; true when the endpoint has now failed often enough to be left out.
    pub(crate) fn failed(&mut self, rules: &Settings) -> bool {
        self.failures = self.failures.saturating_add(1);
        self.failures >= rules.eject_after
    }

    /// Leaves the endpoint out.
    pub(crate) fn eject(&mut self, now: Instant, rules: &Settings) {
        // Whoever was well for that long has made up for the past.
        if self.until.is_some_and(|until| now.saturating_duration_since(until) > rules.eject_at_most) {
            self.ejections = 0;
        }
        let time = rules.eject_for.saturating_mul(1 << self.ejections.min(16)).min(rules.eject_at_most);
        self.ejections = self.ejections.saturating_add(1);
        self.failures = 0;
        self.until = Some(now + time);
    }

    /// Whether it is left out.
    pub(crate) fn is_out(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| now < until)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn rules() -> Settings {
        Settings { eject_after: 3, ..Settings::default() }
    }

    /// For how many seconds an endpoint is out that is ejected at `now`.
    fn time_out(record: &mut Record, now: Instant) -> u64 {
        record.eject(now, &rules());
        (0..).find(|seconds| !record.is_out(now + Duration::from_secs(*seconds))).unwrap()
    }

    #[test]
    fn failures_count_in_a_row() {
        let mut record = Record::default();
        assert!(!record.failed(&rules()) && !record.failed(&rules()));
        record.succeeded();
        assert!(!record.failed(&rules()) && !record.failed(&rules()));
        assert!(record.failed(&rules()));
    }

    #[tokio::test(start_paused = true)]
    async fn each_time_is_longer_up_to_a_limit() {
        let (mut record, mut now) = (Record::default(), Instant::now());
        let mut times = Vec::new();
        for _ in 0..7 {
            let time = time_out(&mut record, now);
            times.push(time);
            now += Duration::from_secs(time + 1);
        }
        assert_eq!(times, [2, 4, 8, 16, 32, 60, 60]);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_was_well_for_long_begins_anew() {
        let (mut record, now) = (Record::default(), Instant::now());
        time_out(&mut record, now);
        assert_eq!(time_out(&mut record, now + Duration::from_secs(10)), 4);
        assert_eq!(time_out(&mut record, now + Duration::from_secs(1000)), 2);
    }
}
