//! Reports that messages have reached the client, merged for a moment: of each conversation the newest covers
//! the rest.

use std::time::Duration;

use tokio::time::Instant;

use crate::command::MessageId;

/// How long reports are collected.
const WINDOW: Duration = Duration::from_millis(200);

/// Conversations that are collected for; more are passed on at once.
const MOST: usize = 64;

/// Reports that have not been passed on.
#[derive(Debug, Default)]
pub(crate) struct Reports {
    due: Option<Instant>,
    newest: Vec<(String, MessageId)>,
}

impl Reports {
    /// A message has reached the client.
    pub(crate) fn add(&mut self, conversation_id: &str, message_id: MessageId, now: Instant) {
        self.due.get_or_insert(now + WINDOW);
        match self.newest.iter_mut().find(|(id, _)| id == conversation_id) {
            Some((_, newest)) => *newest = message_id.max(*newest),
            None => self.newest.push((conversation_id.to_owned(), message_id)),
        }
        if self.newest.len() >= MOST {
            self.due = Some(now);
        }
    }

    /// When they are to be passed on.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Takes what was collected, by conversation.
    pub(crate) fn take(&mut self) -> Vec<(String, MessageId)> {
        self.due = None;
        std::mem::take(&mut self.newest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_each_conversation_the_newest_is_reported() {
        let (mut reports, now) = (Reports::default(), Instant::now());
        reports.add("a", 1, now);
        reports.add("b", 5, now);
        reports.add("a", 3, now);
        reports.add("a", 2, now);
        assert_eq!(reports.due(), Some(now + WINDOW));
        assert_eq!(reports.take(), vec![("a".to_owned(), 3), ("b".to_owned(), 5)]);
        assert_eq!(reports.due(), None);
    }
}
