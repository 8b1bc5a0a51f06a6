//! How ids print.

use causeway_proto::id;
use serde::{Serialize, Serializer};
use uuid::Uuid;

/// The type in which a dialect prints ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::dialect) enum Ids {
    /// As strings.
    Text,
    /// As integers; an id that is none prints as a string.
    Number,
    /// As UUIDs.
    Uuid,
}

impl Ids {
    /// The canonical id of a user or a conversation.
    pub(in crate::dialect) fn named(self, id: &str) -> Id<'_> {
        match self {
            Self::Text => Id::Text(id),
            Self::Number => id::as_number(id).map_or(Id::Text(id), Id::Number),
            Self::Uuid => Id::Uuid(id::to_uuid(id)),
        }
    }

    /// The id of a message or a notification.
    pub(in crate::dialect) fn numbered(self, id: u64) -> Id<'static> {
        match self {
            Self::Text => Id::Digits(id),
            Self::Number => Id::Number(id),
            Self::Uuid => Id::Uuid(id::to_uuid(&id.to_string())),
        }
    }

    /// Ids of users.
    pub(in crate::dialect) fn all(self, ids: &[String]) -> Vec<Id<'_>> {
        ids.iter().map(|id| self.named(id)).collect()
    }
}

/// An id that prints in a dialect's type.
#[derive(Debug, Clone, Copy)]
pub(in crate::dialect) enum Id<'a> {
    /// A string.
    Text(&'a str),
    /// A number as a string.
    Digits(u64),
    /// An integer.
    Number(u64),
    /// A UUID.
    Uuid(Uuid),
}

impl Serialize for Id<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(id) => serializer.serialize_str(id),
            Self::Digits(id) => serializer.collect_str(id),
            Self::Number(id) => serializer.serialize_u64(*id),
            Self::Uuid(id) => serializer.collect_str(id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::shape::text;

    #[test]
    fn an_id_prints_in_the_dialects_type() {
        assert_eq!(text(&Ids::Text.named("7")), "\"7\"");
        assert_eq!(text(&Ids::Text.numbered(7)), "\"7\"");
        assert_eq!(text(&Ids::Number.named("7")), "7");
        assert_eq!(text(&Ids::Number.numbered(7)), "7");
        assert_eq!(text(&Ids::Uuid.numbered(7)), "\"00000000-0000-8000-8000-000000000007\"");
        assert_eq!(text(&Ids::Uuid.named("7")), text(&Ids::Uuid.numbered(7)));
    }

    #[test]
    fn an_id_that_is_no_integer_prints_as_a_string() {
        for id in ["alice", "007", "-7", "", "6f9619ff-8b86-4011-b42d-00c04fc964ff"] {
            assert_eq!(text(&Ids::Number.named(id)), format!("{id:?}"));
        }
    }

    #[test]
    fn a_uuid_prints_as_it_is() {
        let id = "6f9619ff-8b86-4011-b42d-00c04fc964ff";
        assert_eq!(text(&Ids::Uuid.named(id)), format!("{id:?}"));
    }
}
