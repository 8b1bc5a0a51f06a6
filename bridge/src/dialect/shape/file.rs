//! How files and reactions print, which is the same wherever a dialect has them.

use causeway_proto::chat;
use serde::{Serialize, Serializer};

use super::{Ids, present};

/// The files beside a message.
#[derive(Debug, Clone, Copy)]
pub(in crate::dialect) struct Attachments<'a>(&'a [chat::Attachment]);

impl<'a> Attachments<'a> {
    /// Those of a message; `None` when it has none.
    pub(in crate::dialect) fn of(message: &'a chat::Message) -> Option<Self> {
        if message.attachments.is_empty() { None } else { Some(Self(&message.attachments)) }
    }
}

impl Serialize for Attachments<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|file| Attachment {
            url: &file.url,
            name: present(&file.name),
            mime_type: present(&file.mime_type),
            size: file.size,
        }))
    }
}

#[derive(Serialize)]
struct Attachment<'a> {
    url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mime_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
}

/// The reactions to a message: an object of each reaction and who gave it.
#[derive(Debug, Clone, Copy)]
pub(in crate::dialect) struct Reactions<'a> {
    reactions: &'a [chat::Reaction],
    ids: Ids,
}

impl<'a> Reactions<'a> {
    /// Those to a message, with user ids in a dialect's type.
    pub(in crate::dialect) fn to(message: &'a chat::Message, ids: Ids) -> Self {
        Self { reactions: &message.reactions, ids }
    }
}

impl Serialize for Reactions<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.reactions.iter().map(|it| (&it.reaction, self.ids.all(&it.user_ids))))
    }
}
