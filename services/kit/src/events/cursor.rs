//! Where a subscriber stands in a topic, and what it does with what comes next. Nothing else decides about order and gaps.

use crate::store::log::Extent;

/// The last sequence number that was passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cursor(u64);

/// What to do with an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Pass it on; the cursor moved.
    Pass,
    /// It was passed on before.
    Drop,
    /// Others come before it: read the log.
    Gap,
}

impl Cursor {
    /// Where to start for a subscriber that wants what comes after `wanted`, or only what comes from now on. True beside it
    /// when the log does not have what came after `wanted`; then it starts at the head.
    pub(super) fn start(wanted: Option<u64>, extent: Extent) -> (Self, bool) {
        match wanted {
            Some(after) if extent.covers(after) => (Self(after), false),
            Some(_) => (Self(extent.head), true),
            None => (Self(extent.head), false),
        }
    }

    /// The last sequence number that was passed on.
    pub(super) fn position(self) -> u64 {
        self.0
    }

    /// An event with this sequence number came; 0 is an ephemeral one, which has no place in the order.
    pub(super) fn meet(&mut self, sequence: u64) -> Step {
        match sequence {
            0 => Step::Pass,
            sequence if sequence <= self.0 => Step::Drop,
            sequence if sequence == self.0 + 1 => {
                self.0 = sequence;
                Step::Pass
            }
            _ => Step::Gap,
        }
    }

    /// Whether the log has something that was not passed on.
    pub(super) fn is_behind(self, head: u64) -> bool {
        self.0 < head
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXTENT: Extent = Extent { head: 9, oldest: 4 };

    #[test]
    fn starts_where_it_is_wanted_when_the_log_reaches_back_that_far() {
        assert_eq!(Cursor::start(Some(3), EXTENT), (Cursor(3), false));
        assert_eq!(Cursor::start(Some(9), EXTENT), (Cursor(9), false));
        assert_eq!(Cursor::start(None, EXTENT), (Cursor(9), false));
    }

    #[test]
    fn says_that_history_is_lost_when_it_is_trimmed_or_from_another_world() {
        assert_eq!(Cursor::start(Some(2), EXTENT), (Cursor(9), true));
        assert_eq!(Cursor::start(Some(10), EXTENT), (Cursor(9), true));
        assert_eq!(Cursor::start(Some(u64::MAX), EXTENT), (Cursor(9), true));
    }

    #[test]
    fn a_topic_without_events_starts_at_nothing() {
        assert_eq!(Cursor::start(Some(0), Extent::EMPTY), (Cursor(0), false));
        assert_eq!(Cursor::start(Some(1), Extent::EMPTY), (Cursor(0), true));
    }

    #[test]
    fn passes_each_number_once_and_in_order() {
        let mut cursor = Cursor(4);
        assert_eq!(cursor.meet(5), Step::Pass);
        assert_eq!(cursor.meet(5), Step::Drop);
        assert_eq!(cursor.meet(7), Step::Gap);
        assert_eq!(cursor.position(), 5);
        assert_eq!(cursor.meet(0), Step::Pass);
        assert_eq!(cursor.meet(6), Step::Pass);
    }
}
