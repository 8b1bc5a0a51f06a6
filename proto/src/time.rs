//! Wall-clock time as it crosses the wire: microseconds since the Unix epoch inside, RFC 3339 outside.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use prost_types::Timestamp;

/// The wall clock of a part. A simulation sets its own; timers and deadlines use `tokio::time` and are not this clock's.
#[derive(Debug, Clone, Default)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    /// The machine's, and by how much others say that it is behind, in microseconds.
    System(Arc<AtomicI64>),
    Manual(Arc<AtomicI64>),
}

impl Default for Source {
    fn default() -> Self {
        Self::System(Arc::default())
    }
}

impl Clock {
    /// A clock that stands at `micros` since the epoch until [`Clock::set`].
    pub fn manual(micros: i64) -> Self {
        Self(Source::Manual(Arc::new(AtomicI64::new(micros))))
    }

    /// Sets a manual clock, in microseconds since the epoch; the system's clock stays as it is.
    pub fn set(&self, micros: i64) {
        if let Source::Manual(at) = &self.0 {
            at.store(micros, Ordering::Relaxed);
        }
    }

    /// Goes on from `micros` since the epoch, the time of whoever keeps it for several machines. A manual clock stays as it is.
    /// Answers by how much the machine's own clock is behind, in microseconds.
    pub fn follow(&self, micros: i64) -> i64 {
        match &self.0 {
            Source::System(behind) => {
                let difference = micros.saturating_sub(system_micros());
                behind.store(difference, Ordering::Relaxed);
                difference
            }
            Source::Manual(_) => 0,
        }
    }

    /// Microseconds since the Unix epoch.
    pub fn now_micros(&self) -> i64 {
        match &self.0 {
            Source::System(behind) => system_micros().saturating_add(behind.load(Ordering::Relaxed)),
            Source::Manual(at) => at.load(Ordering::Relaxed),
        }
    }

    /// Now, as it stands in messages.
    pub fn now(&self) -> Timestamp {
        from_micros(self.now_micros())
    }
}

fn system_micros() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// A timestamp from microseconds since the epoch.
pub fn from_micros(micros: i64) -> Timestamp {
    let nanos = i32::try_from(micros.rem_euclid(1_000_000) * 1_000).unwrap_or(0);
    Timestamp { seconds: micros.div_euclid(1_000_000), nanos }
}

/// Microseconds since the epoch; what is finer is cut off.
pub fn to_micros(time: &Timestamp) -> i64 {
    time.seconds.saturating_mul(1_000_000).saturating_add(i64::from(time.nanos) / 1_000)
}

/// RFC 3339 in UTC with microseconds and without an offset, for example `2025-05-30T11:39:30.900633`; the caller adds
/// `Z` or `+00:00`. A time outside the years 1 to 9999 prints as the epoch.
pub fn rfc3339(time: &Timestamp) -> String {
    let at = jiff::Timestamp::from_microsecond(to_micros(time)).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let at = at.to_zoned(jiff::tz::TimeZone::UTC).datetime();
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}",
        at.year(),
        at.month(),
        at.day(),
        at.hour(),
        at.minute(),
        at.second(),
        at.subsec_nanosecond() / 1_000,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_microseconds() {
        let time = Timestamp { seconds: 1_748_605_170, nanos: 900_633_000 };
        assert_eq!(rfc3339(&time), "2025-05-30T11:39:30.900633");
        assert_eq!(rfc3339(&Timestamp { seconds: 0, nanos: 0 }), "1970-01-01T00:00:00.000000");
    }

    #[test]
    fn micros_come_back() {
        for micros in [0, 1, -1, 999_999, 1_748_605_170_900_633, -1_500_000] {
            assert_eq!(to_micros(&from_micros(micros)), micros);
        }
    }
}
