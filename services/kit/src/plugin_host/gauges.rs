//! What is told of an attached plugin: to operators of this process at once, and to those of others by the note of its lease.

use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use serde_json::{Value, json};

/// The numbers of an attachment, kept by those who work for it.
#[derive(Debug)]
pub(super) struct Gauges {
    pub(super) event_credit: AtomicU32,
    pub(super) delivery_credit: AtomicU32,
    /// Milliseconds between when the newest event happened and when it was applied; -1 before the first.
    pub(super) event_lag_ms: AtomicI64,
}

/// The numbers at one time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) event_credit: u32,
    pub(super) delivery_credit: u32,
    /// `None` before the first event.
    pub(super) event_lag_ms: Option<u64>,
}

impl Gauges {
    /// Of a plugin that may send so many events.
    pub(super) fn new(event_credit: u32) -> Self {
        Self {
            event_credit: AtomicU32::new(event_credit),
            delivery_credit: AtomicU32::new(0),
            event_lag_ms: AtomicI64::new(-1),
        }
    }

    pub(super) fn read(&self) -> Reading {
        Reading {
            event_credit: self.event_credit.load(Ordering::Relaxed),
            delivery_credit: self.delivery_credit.load(Ordering::Relaxed),
            event_lag_ms: u64::try_from(self.event_lag_ms.load(Ordering::Relaxed)).ok(),
        }
    }
}

impl Reading {
    /// As it stands in the note of a lease.
    pub(super) fn note(self) -> String {
        let Self { event_credit, delivery_credit, event_lag_ms } = self;
        json!({ "event_credit": event_credit, "delivery_credit": delivery_credit, "event_lag_ms": event_lag_ms })
            .to_string()
    }

    /// From the note of a lease; what is not told is 0 or unknown.
    pub(super) fn from_note(note: &str) -> Self {
        let note: Value = serde_json::from_str(note).unwrap_or_default();
        let number = |name: &str| note.get(name).and_then(Value::as_u64);
        let credit = |name| number(name).and_then(|credit| u32::try_from(credit).ok()).unwrap_or(0);
        Self {
            event_credit: credit("event_credit"),
            delivery_credit: credit("delivery_credit"),
            event_lag_ms: number("event_lag_ms"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_says_what_was_read() {
        for event_lag_ms in [None, Some(12)] {
            let reading = Reading { event_credit: 7, delivery_credit: 3, event_lag_ms };
            assert_eq!(Reading::from_note(&reading.note()), reading);
        }
        assert_eq!(Reading::from_note(""), Reading::default());
    }
}
