//! Times as Meta writes them.

use causeway_plugin_sdk::proto::time::from_micros;
use prost_types::Timestamp;

/// Times below are in seconds, as those of test notifications are; above in milliseconds.
const MILLISECONDS: i64 = 100_000_000_000;
/// In milliseconds since the epoch.
const YEAR_10000: i64 = 253_402_300_800_000;

/// A time in milliseconds since the epoch; `None` for what is no time between 1970 and 9999.
pub(super) fn milliseconds(time: i64) -> Option<i64> {
    let time = if (0..MILLISECONDS).contains(&time) { time * 1_000 } else { time };
    (1..YEAR_10000).contains(&time).then_some(time)
}

/// Milliseconds since the epoch as the host takes them.
pub(super) fn timestamp(milliseconds: i64) -> Timestamp {
    from_micros(milliseconds.saturating_mul(1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_milliseconds_are_told_apart() {
        assert_eq!(milliseconds(1_527_459_824), Some(1_527_459_824_000));
        assert_eq!(milliseconds(1_569_262_485_349), Some(1_569_262_485_349));
        for no_time in [0, -1, i64::MIN, i64::MAX, YEAR_10000] {
            assert_eq!(milliseconds(no_time), None);
        }
    }
}
