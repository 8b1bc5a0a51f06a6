//! Where a client stands in its topics, when it asked with `since`.

use causeway_proto::event::Event;

use crate::{
    cursor::{Cursor, topic_hash},
    fanout::Topic,
};

/// The topics whose durable events a client is shown.
#[derive(Debug, Default)]
pub(crate) struct Positions(Vec<Position>);

#[derive(Debug)]
struct Position {
    topic: Topic,
    hash: u64,
    /// Last sequence number that the client has; not known yet where it joined the topic while it was
    /// connected.
    seen: Option<u64>,
    /// Events up to this one had happened when the session was set up, which therefore knows their effect.
    settled: u64,
}

/// Whether an event is to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pass {
    /// It is new, and is not known to the session either.
    News,
    /// It is new to the client, but its effect on the session is over.
    History,
    /// The client has it.
    Seen,
}

impl Positions {
    /// Follows a topic in which the client has `seen` everything up to a number, and which the session joined
    /// at another.
    pub(crate) fn follow(&mut self, topic: Topic, seen: Option<u64>, settled: u64) {
        let hash = topic_hash(topic.source, &topic.name);
        self.0.push(Position { topic, hash, seen, settled });
    }

    /// Follows a topic no more.
    pub(crate) fn forget(&mut self, topic: &Topic) {
        self.0.retain(|position| position.topic != *topic);
    }

    /// Moves on to an event. What has no number, or is of no topic that is followed, is news.
    pub(crate) fn pass(&mut self, event: &Event) -> Pass {
        if event.sequence == 0 {
            return Pass::News;
        }
        let (source, sequence) = (event.source(), event.sequence);
        let mut positions = self.0.iter_mut();
        let found =
            positions.find(|position| position.topic.source == source && *position.topic.name == event.topic);
        let Some(position) = found else { return Pass::News };
        if position.seen.is_some_and(|seen| sequence <= seen) {
            return Pass::Seen;
        }
        position.seen = Some(sequence);
        if sequence <= position.settled { Pass::History } else { Pass::News }
    }

    /// Moves on over a hole.
    pub(crate) fn skip(&mut self, topic: &Topic, after: u64) {
        if let Some(position) = self.0.iter_mut().find(|position| position.topic == *topic) {
            position.seen = Some(after);
        }
    }

    /// Whether the event's topic is followed, so that its frames carry a cursor.
    pub(crate) fn number(&self, event: &Event) -> bool {
        let (source, name) = (event.source(), event.topic.as_str());
        event.sequence > 0
            && self.0.iter().any(|position| position.topic.source == source && *position.topic.name == *name)
    }

    /// Whether there is one topic only, so that its cursors are the same for every socket.
    pub(crate) fn is_single(&self) -> bool {
        self.0.len() == 1
    }

    /// All positions, as the client is told them.
    pub(crate) fn cursor(&self) -> Cursor {
        Cursor::of(self.0.iter().filter_map(|position| Some((position.hash, position.seen?))))
    }
}

#[cfg(test)]
mod tests {
    use causeway_proto::event::Source;

    use super::*;

    fn topic(name: &str) -> Topic {
        Topic { source: Source::Chat, name: name.into() }
    }

    fn event(topic: &str, sequence: u64) -> Event {
        Event { source: Source::Chat.into(), topic: topic.into(), sequence, ..Event::default() }
    }

    #[test]
    fn an_event_passes_once() {
        let mut positions = Positions::default();
        positions.follow(topic("user/1"), Some(3), 5);
        let passes = [3, 4, 5, 5, 6].map(|sequence| positions.pass(&event("user/1", sequence)));
        assert_eq!(passes, [Pass::Seen, Pass::History, Pass::History, Pass::Seen, Pass::News]);
        assert_eq!(positions.cursor().position(topic_hash(Source::Chat, "user/1")), Some(6));
    }

    #[test]
    fn what_has_no_number_always_passes() {
        let mut positions = Positions::default();
        positions.follow(topic("user/1"), Some(3), 5);
        assert_eq!(positions.pass(&event("user/1", 0)), Pass::News);
        assert_eq!(positions.pass(&event("user/2", 1)), Pass::News);
        assert!(!positions.number(&event("user/1", 0)));
        assert!(!positions.number(&event("user/2", 1)));
    }
}
