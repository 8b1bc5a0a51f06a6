//! Who types where: a pure state machine. Time is an argument, and what to publish comes back.
//!
//! Only beginnings and ends are published. Who goes on typing renews it silently; who falls silent has ended.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use causeway_proto::{
    id,
    presence::{SetTypingRequest, TypingChanged},
};
use uuid::Uuid;

use crate::moment::Moment;

/// A conversation and a user, by the UUIDs that stand for their ids.
type Key = (Uuid, Uuid);

/// The whole state.
#[derive(Debug)]
pub(crate) struct Typing {
    timeout: Duration,
    limit: usize,
    typists: HashMap<Key, Typist>,
    deadlines: BTreeSet<(Duration, Key)>,
}

#[derive(Debug)]
struct Typist {
    ends_at: Duration,
    said: SetTypingRequest,
}

/// More users type than may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full;

impl Typing {
    /// Nobody types.
    pub(crate) fn new(timeout: Duration, limit: usize) -> Self {
        Self { timeout, limit, typists: HashMap::new(), deadlines: BTreeSet::new() }
    }

    /// A user types, or stopped; ids in canonical form. A request without a user changes nothing.
    pub(crate) fn set(&mut self, said: SetTypingRequest, now: Moment) -> Result<Option<TypingChanged>, Full> {
        let Some(user) = &said.user else { return Ok(None) };
        let key = (id::to_uuid(&said.conversation_id), id::to_uuid(&user.user_id));
        if !said.is_typing {
            // Told with the names and the session of who says so now.
            return Ok(self.forget(key).map(|_| changed(said)));
        }
        let before = self.forget(key);
        if before.is_none() && self.typists.len() >= self.limit {
            return Err(Full);
        }
        let ends_at = now.elapsed + self.timeout;
        self.deadlines.insert((ends_at, key));
        self.typists.insert(key, Typist { ends_at, said: said.clone() });
        Ok(before.is_none().then(|| changed(said)))
    }

    /// The user's last socket on the conversation is gone.
    pub(crate) fn leave(&mut self, conversation: Uuid, user: Uuid) -> Option<TypingChanged> {
        self.forget((conversation, user)).map(ended)
    }

    /// Ends what was not renewed.
    pub(crate) fn expire(&mut self, now: Moment) -> Vec<TypingChanged> {
        let mut ends = Vec::new();
        while let Some((ends_at, key)) = self.deadlines.first().copied()
            && ends_at <= now.elapsed
        {
            ends.extend(self.forget(key).map(ended));
        }
        ends
    }

    /// When to call [`Typing::expire`] next.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// How many users type.
    pub(crate) fn count(&self) -> usize {
        self.typists.len()
    }

    fn forget(&mut self, key: Key) -> Option<Typist> {
        let typist = self.typists.remove(&key)?;
        self.deadlines.remove(&(typist.ends_at, key));
        Some(typist)
    }
}

fn ended(typist: Typist) -> TypingChanged {
    changed(SetTypingRequest { is_typing: false, ..typist.said })
}

fn changed(said: SetTypingRequest) -> TypingChanged {
    let SetTypingRequest { conversation_id, user, session_id, is_typing } = said;
    TypingChanged { conversation_id, user, session_id, is_typing }
}

#[cfg(test)]
mod tests {
    use causeway_proto::presence;

    use super::*;

    fn at(millis: u64) -> Moment {
        Moment { elapsed: Duration::from_millis(millis), micros: 0 }
    }

    fn says(user: &str, is_typing: bool) -> SetTypingRequest {
        SetTypingRequest {
            conversation_id: "room".into(),
            user: Some(presence::Typist { user_id: user.into(), ..Default::default() }),
            session_id: "s1".into(),
            is_typing,
        }
    }

    fn six_seconds() -> Typing {
        Typing::new(Duration::from_secs(6), 2)
    }

    #[test]
    fn typing_that_is_not_renewed_ends_after_its_timeout() {
        let mut typing = six_seconds();
        assert_eq!(typing.set(says("alice", true), at(0)), Ok(Some(changed(says("alice", true)))));
        assert_eq!(typing.deadline(), Some(Duration::from_secs(6)));
        assert_eq!(typing.expire(at(5_999)), []);
        assert_eq!(typing.expire(at(6_000)), [changed(says("alice", false))]);
        assert_eq!(typing.deadline(), None);
        assert_eq!(typing.count(), 0);
    }

    #[test]
    fn renewing_extends_and_tells_nobody() {
        let mut typing = six_seconds();
        typing.set(says("alice", true), at(0)).unwrap();
        assert_eq!(typing.set(says("alice", true), at(4_000)), Ok(None));
        assert_eq!(typing.expire(at(6_000)), []);
        assert_eq!(typing.expire(at(10_000)).len(), 1);
    }

    #[test]
    fn stopping_is_told_once_and_only_by_who_typed() {
        let mut typing = six_seconds();
        assert_eq!(typing.set(says("alice", false), at(0)), Ok(None));
        typing.set(says("alice", true), at(0)).unwrap();
        assert_eq!(typing.set(says("bob", false), at(1)), Ok(None));
        assert_eq!(typing.set(says("alice", false), at(2)), Ok(Some(changed(says("alice", false)))));
        assert_eq!(typing.set(says("alice", false), at(3)), Ok(None));
        assert_eq!(typing.expire(at(60_000)), []);
    }

    #[test]
    fn leaving_the_conversation_ends_typing_there() {
        let mut typing = six_seconds();
        typing.set(says("alice", true), at(0)).unwrap();
        let (room, alice) = (id::to_uuid("room"), id::to_uuid("alice"));
        assert_eq!(typing.leave(id::to_uuid("hall"), alice), None);
        assert_eq!(typing.leave(room, alice), Some(changed(says("alice", false))));
        assert_eq!(typing.leave(room, alice), None);
    }

    #[test]
    fn one_typist_too_many_is_refused_and_the_others_may_renew() {
        let mut typing = six_seconds();
        typing.set(says("alice", true), at(0)).unwrap();
        typing.set(says("bob", true), at(0)).unwrap();
        assert_eq!(typing.set(says("carol", true), at(0)), Err(Full));
        assert_eq!(typing.set(says("bob", true), at(1)), Ok(None));
    }
}
