//! Names of topics. Which service writes a topic is not part of its name: see [`crate::event::Source`].

use std::fmt;

/// The audience that everybody is in who may connect, without being put there.
pub const EVERYBODY: &str = "everybody";

/// What a topic is about, borrowed from whoever names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Topic<'a> {
    /// `conversation/<id>`: everything in one conversation.
    Conversation(&'a str),
    /// `user/<id>`: what concerns one user alone.
    User(&'a str),
    /// `audience/<id>`: what concerns everybody in an audience.
    Audience(&'a str),
    /// `presence/<user id>`: whether a user is online.
    Presence(&'a str),
}

impl<'a> Topic<'a> {
    /// Reads a topic's name; `None` when it is not of one of the four forms.
    pub fn parse(name: &'a str) -> Option<Self> {
        let (kind, id) = name.split_once('/')?;
        if id.is_empty() {
            return None;
        }
        match kind {
            "conversation" => Some(Self::Conversation(id)),
            "user" => Some(Self::User(id)),
            "audience" => Some(Self::Audience(id)),
            "presence" => Some(Self::Presence(id)),
            _ => None,
        }
    }
}

impl fmt::Display for Topic<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conversation(id) => write!(f, "conversation/{id}"),
            Self::User(id) => write!(f, "user/{id}"),
            Self::Audience(id) => write!(f, "audience/{id}"),
            Self::Presence(id) => write!(f, "presence/{id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printed_topic_reads_back() {
        for topic in [
            Topic::Conversation("7"),
            Topic::User("alice"),
            Topic::Audience("college:5"),
            Topic::Presence("a/b"),
        ] {
            assert_eq!(Topic::parse(&topic.to_string()), Some(topic));
        }
    }

    #[test]
    fn anything_else_is_not_a_topic() {
        for name in ["", "user", "user/", "room/7", "/7"] {
            assert_eq!(Topic::parse(name), None, "{name}");
        }
    }
}
