//! Receipts of the client: some frontends send one for every message that they get, so they are merged for a
//! moment.
//!
//! Reading is cumulative, so the newest would do; but the newest may be no message at all, and then the next
//! is tried.

use std::time::Duration;

use tokio::time::Instant;

use crate::command::MessageId;

/// How long receipts are collected.
const WINDOW: Duration = Duration::from_millis(200);

/// Distinct messages that are remembered, the newest ones.
const MOST: usize = 32;

/// Receipts that have not been passed on.
#[derive(Debug, Default)]
pub(crate) struct Receipts {
    due: Option<Instant>,
    all: bool,
    /// Oldest first.
    messages: Vec<MessageId>,
}

impl Receipts {
    /// Adds a receipt for a message, or for all.
    pub(crate) fn add(&mut self, message_id: Option<MessageId>, now: Instant) {
        self.due.get_or_insert(now + WINDOW);
        let Some(message_id) = message_id else {
            self.all = true;
            return;
        };
        if let Err(at) = self.messages.binary_search(&message_id) {
            self.messages.insert(at, message_id);
        }
        if self.messages.len() > MOST {
            self.messages.remove(0);
        }
    }

    /// When they are to be passed on.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Takes what was collected: the messages, newest first; none when all are read.
    pub(crate) fn take(&mut self) -> Option<Vec<MessageId>> {
        self.due.take()?;
        let mut messages = std::mem::take(&mut self.messages);
        messages.reverse();
        Some(if std::mem::take(&mut self.all) { Vec::new() } else { messages })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receipts_are_merged_from_the_newest_on() {
        let (mut receipts, now) = (Receipts::default(), Instant::now());
        for message_id in [3, 9, 3, 7] {
            receipts.add(Some(message_id), now);
        }
        assert_eq!(receipts.due(), Some(now + WINDOW));
        assert_eq!(receipts.take(), Some(vec![9, 7, 3]));
        assert_eq!(receipts.take(), None);
        assert_eq!(receipts.due(), None);
    }

    #[test]
    fn to_have_read_all_covers_the_rest() {
        let (mut receipts, now) = (Receipts::default(), Instant::now());
        receipts.add(Some(3), now);
        receipts.add(None, now);
        assert_eq!(receipts.take(), Some(vec![]));
    }

    #[test]
    fn a_flood_of_receipts_is_bounded() {
        let (mut receipts, now) = (Receipts::default(), Instant::now());
        for message_id in 0..10_000 {
            receipts.add(Some(message_id), now);
        }
        assert_eq!(receipts.take().map(|messages| (messages.len(), messages[0])), Some((MOST, 9_999)));
    }
}
