//! How times print: RFC 3339, UTC, microseconds.

use causeway_proto::time::rfc3339;
use prost_types::Timestamp;
use serde::{Serialize, Serializer};

/// A time, or `null` where there is none.
#[derive(Debug, Clone, Copy)]
pub(in crate::dialect) struct Time<'a> {
    at: Option<&'a Timestamp>,
    offset: &'static str,
}

impl<'a> Time<'a> {
    /// Ends in `Z`.
    pub(in crate::dialect) fn z(at: Option<&'a Timestamp>) -> Self {
        Self { at, offset: "Z" }
    }

    /// Ends in `+00:00`.
    pub(in crate::dialect) fn with_offset(at: Option<&'a Timestamp>) -> Self {
        Self { at, offset: "+00:00" }
    }

    /// Itself, unless there is none: for fields that are left out then.
    pub(in crate::dialect) fn present(self) -> Option<Self> {
        self.at.map(|_| self)
    }
}

impl Serialize for Time<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.at {
            Some(at) => serializer.collect_str(&format_args!("{}{}", rfc3339(at), self.offset)),
            None => serializer.serialize_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::shape::text;

    #[test]
    fn microseconds_are_always_there() {
        let at = Timestamp { seconds: 1_748_605_170, nanos: 900_633_000 };
        assert_eq!(text(&Time::z(Some(&at))), "\"2025-05-30T11:39:30.900633Z\"");
        assert_eq!(text(&Time::with_offset(Some(&at))), "\"2025-05-30T11:39:30.900633+00:00\"");
        let full = Timestamp { seconds: 1_748_605_170, nanos: 0 };
        assert_eq!(text(&Time::z(Some(&full))), "\"2025-05-30T11:39:30.000000Z\"");
        assert_eq!(text(&Time::z(None)), "null");
    }
}
