//! A call's deadline as it crosses the wire: the header `grpc-timeout`, a number of at most eight digits and a unit.

use std::time::Duration;

use http::{HeaderMap, HeaderValue};

/// The header.
pub const TIMEOUT: &str = "grpc-timeout";

/// The timeout that the caller set; `None` when there is none, or it cannot be read.
pub fn of(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(TIMEOUT)?.to_str().ok()?;
    let (digits, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
    if digits.len() > 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let amount: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(amount * 3600),
        "M" => Duration::from_secs(amount * 60),
        "S" => Duration::from_secs(amount),
        "m" => Duration::from_millis(amount),
        "u" => Duration::from_micros(amount),
        "n" => Duration::from_nanos(amount),
        _ => return None,
    })
}

/// A timeout as the header's value, in the finest unit that its size allows. What is longer than the header can say, three years,
/// is said to be that long.
pub fn header(timeout: Duration) -> HeaderValue {
    const MOST: u128 = 99_999_999;
    let (micros, millis) = (timeout.as_micros(), timeout.as_millis());
    let text = match () {
        () if micros <= MOST => format!("{micros}u"),
        () if millis <= MOST => format!("{millis}m"),
        () => format!("{}S", u128::from(timeout.as_secs()).min(MOST)),
    };
    // Digits and a letter can always stand in a header.
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("99999999S"))
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    fn read(value: HeaderValue) -> Option<Duration> {
        of(&HeaderMap::from_iter([(HeaderName::from_static(TIMEOUT), value)]))
    }

    #[test]
    fn reads_each_unit() {
        let read = |value| read(HeaderValue::from_static(value));
        assert_eq!(read("2H"), Some(Duration::from_secs(7200)));
        assert_eq!(read("3M"), Some(Duration::from_secs(180)));
        assert_eq!(read("1500m"), Some(Duration::from_millis(1500)));
        assert_eq!(read("20u"), Some(Duration::from_micros(20)));
        assert_eq!(read("7n"), Some(Duration::from_nanos(7)));
    }

    #[test]
    fn what_is_no_timeout_is_none() {
        for wrong in ["", "5", "S", "123456789S", "-1S", "1.5S", "5s"] {
            assert_eq!(read(HeaderValue::from_static(wrong)), None, "{wrong}");
        }
    }

    #[test]
    fn reads_what_it_wrote() {
        for timeout in [
            Duration::ZERO,
            Duration::from_micros(1),
            Duration::from_secs(5),
            Duration::from_millis(123_456),
            Duration::from_secs(200_000),
        ] {
            assert_eq!(read(header(timeout)), Some(timeout));
        }
    }
}
