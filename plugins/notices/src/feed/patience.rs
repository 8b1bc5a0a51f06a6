//! How long a feed's server wants to be left alone, from its headers.

use std::time::Duration;

use jiff::{Timestamp, fmt::rfc2822};
use reqwest::header::{CACHE_CONTROL, HeaderMap, RETRY_AFTER};

/// `Cache-Control: max-age` (RFC 9111 §5.2.2.1): until then nothing is new. None is no wait.
pub(super) fn max_age(headers: &HeaderMap) -> Duration {
    let directives = headers.get_all(CACHE_CONTROL).into_iter().filter_map(|value| value.to_str().ok());
    let ages = directives.flat_map(|value| value.split(',')).filter_map(|directive| {
        let (name, value) = directive.trim().split_once('=')?;
        if !name.eq_ignore_ascii_case("max-age") {
            return None;
        }
        value.trim_matches('"').parse().ok()
    });
    Duration::from_secs(ages.max().unwrap_or(0))
}

/// `Retry-After` (RFC 9110 §10.2.3): seconds, or a date.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
    Some(Duration::try_from(date.duration_since(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())])
    }

    #[test]
    fn an_age_is_found_among_other_directives() {
        let age = |value| max_age(&headers("cache-control", value)).as_secs();
        assert_eq!(age("public, Max-Age=600, s-maxage=30"), 600);
        assert_eq!(age("max-age=\"60\""), 60);
        for none in ["no-cache", "max-age=", "max-age=soon", "max-age=-1"] {
            assert_eq!(age(none), 0, "{none}");
        }
    }

    #[test]
    fn a_retry_is_after_seconds_or_at_a_date() {
        let now: Timestamp = "1994-11-06T08:49:07Z".parse().unwrap();
        let after = |value| retry_after(&headers("retry-after", value), now).map(|wait| wait.as_secs());
        assert_eq!(after("120"), Some(120));
        assert_eq!(after("Sun, 06 Nov 1994 08:49:37 GMT"), Some(30));
        assert_eq!(after("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0));
        assert_eq!(after("soon"), None);
    }
}
