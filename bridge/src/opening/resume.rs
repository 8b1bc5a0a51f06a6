//! `since`: from where a client that was away goes on.

use crate::{
    connection::Mail,
    cursor::{Cursor, topic_hash},
    fanout::{
        membership::Membership,
        replay::{Lane, Replay},
    },
    opening::wanted::Joined,
    session::positions::Positions,
};

/// How a client goes on.
#[derive(Debug, Default)]
pub(super) struct Resumed {
    /// Where it stands, when it wants to know.
    pub(super) positions: Option<Positions>,
    /// What it has missed.
    pub(super) lanes: Vec<Lane>,
    /// Its cursor says nothing about what this socket is for.
    pub(super) lost: bool,
}

/// Reads `since` against the topics that were joined, of which the first that is shown is what the socket is
/// for. A cursor that does not know that one is somebody else's, or no cursor at all; any other topic may be
/// newer than the cursor.
pub(super) fn from(since: Option<&str>, joined: Vec<Joined>) -> Resumed {
    let Some(since) = since else { return Resumed::default() };
    let shown: Vec<_> = joined.into_iter().filter(|joined| joined.shown).collect();
    let seen = |cursor: &Cursor, joined: &Joined| {
        cursor.position(topic_hash(joined.topic.source, &joined.topic.name))
    };
    let cursor = if since.is_empty() { None } else { Cursor::parse(since).ok() };
    let cursor = cursor.filter(|cursor| shown.first().is_some_and(|first| seen(cursor, first).is_some()));
    let lost = !since.is_empty() && cursor.is_none();
    let mut positions = Positions::default();
    let mut lanes = Vec::new();
    for joined in shown {
        let from = cursor.as_ref().and_then(|cursor| seen(cursor, &joined)).unwrap_or(joined.position);
        positions.follow(joined.topic.clone(), Some(from), joined.position);
        if from != joined.position {
            lanes.push(Lane::new(joined.topic, from, joined.position));
        }
    }
    Resumed { positions: Some(positions), lanes, lost }
}

/// Where the socket's mail comes from: the logs, while there is something to read there.
pub(super) fn mail(lanes: Vec<Lane>, membership: &Membership) -> Mail {
    if lanes.is_empty() {
        return Mail::Live;
    }
    let (fanout, mailbox) = (membership.fanout().clone(), membership.mailbox().clone());
    Mail::Replay(Box::new(Replay::new(fanout, mailbox, lanes)))
}

#[cfg(test)]
mod tests {
    use causeway_proto::event::Source;

    use super::*;
    use crate::fanout::Topic;

    fn joined(name: &str, position: u64) -> Joined {
        Joined { topic: Topic { source: Source::Notification, name: name.into() }, shown: true, position }
    }

    fn cursor(positions: &[(&str, u64)]) -> String {
        let hashed = positions.iter().map(|(name, seen)| (topic_hash(Source::Notification, name), *seen));
        Cursor::of(hashed).to_string()
    }

    #[test]
    fn without_since_nothing_is_numbered() {
        let resumed = from(None, vec![joined("user/1", 5)]);
        assert!(resumed.positions.is_none() && resumed.lanes.is_empty() && !resumed.lost);
    }

    #[test]
    fn an_empty_since_begins_now() {
        let resumed = from(Some(""), vec![joined("user/1", 5)]);
        let at = resumed.positions.map(|positions| positions.cursor().to_string());
        assert_eq!(at, Some(cursor(&[("user/1", 5)])));
        assert!(resumed.lanes.is_empty() && !resumed.lost);
    }

    #[test]
    fn what_was_missed_is_read() {
        let since = cursor(&[("user/1", 3), ("audience/a", 9)]);
        let resumed =
            from(Some(&since), vec![joined("user/1", 5), joined("audience/a", 9), joined("audience/b", 2)]);
        assert_eq!(resumed.lanes.len(), 1);
        assert!(!resumed.lost);
    }

    #[test]
    fn a_cursor_of_something_else_is_lost_history() {
        for since in [cursor(&[("user/2", 3)]), cursor(&[]), "abc".into(), "?".into()] {
            let resumed = from(Some(&since), vec![joined("user/1", 5)]);
            assert!(resumed.lost && resumed.lanes.is_empty(), "{since}");
        }
    }
}
