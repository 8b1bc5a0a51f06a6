//! Values that TOML has no type for: durations and addresses. An error names what is allowed.

use std::{fmt, marker::PhantomData, net::SocketAddr, time::Duration};

use jiff::{Span, SpanRelativeTo};
use serde::{
    Deserializer,
    de::{Error, Unexpected, Visitor},
};

/// A value that is written as text.
trait Text: Sized {
    /// Completes "allowed: …".
    const ALLOWED: &'static str;
    fn read(text: &str) -> Option<Self>;
}

impl Text for Duration {
    const ALLOWED: &'static str = "a duration such as \"200ms\", \"25s\", \"1m 30s\" or \"7d\"";

    fn read(text: &str) -> Option<Self> {
        let span: Span = text.parse().ok()?;
        let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
        Self::try_from(duration).ok()
    }
}

impl Text for SocketAddr {
    const ALLOWED: &'static str = "an IP address and a port such as \"127.0.0.1:8000\" or \"[::]:8000\"";

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

struct TextVisitor<T>(PhantomData<T>);

impl<T: Text> Visitor<'_> for TextVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::ALLOWED)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        T::read(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

/// For `#[serde(deserialize_with = "value::duration")]`.
pub(crate) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    deserializer.deserialize_str(TextVisitor::<Duration>(PhantomData))
}

/// For `#[serde(deserialize_with = "value::address")]`.
pub(crate) fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    deserializer.deserialize_str(TextVisitor::<SocketAddr>(PhantomData))
}

/// For a key without a default: `#[serde(default, deserialize_with = "value::optional_address")]`.
pub(crate) fn optional_address<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SocketAddr>, D::Error> {
    address(deserializer).map(Some)
}

/// A duration as it is written in settings and flags: `25s`, `1m 30s`, `7d` (a day is 24 hours).
pub fn parse_duration(text: &str) -> Option<Duration> {
    Duration::read(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, millis) in [
            ("200ms", 200),
            ("25s", 25_000),
            ("1m 30s", 90_000),
            ("1h", 3_600_000),
            ("24h", 86_400_000),
            ("7d", 604_800_000),
            ("1w", 604_800_000),
            ("0s", 0),
        ] {
            assert_eq!(Duration::read(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "25", "soon", "-5s", "1 month"] {
            assert_eq!(Duration::read(text), None, "{text}");
        }
    }
}
