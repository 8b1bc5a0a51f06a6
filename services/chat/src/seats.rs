//! A user in a conversation: what every call on behalf of a user starts with. Whoever has no seat is told what is told of
//! a conversation that does not exist.

use causeway_kit::{
    Error,
    store::{Mismatch, Reader, Row, params},
};
use causeway_proto::{
    chat::{ConversationKind, Role, User},
    id::Given,
};

use crate::{
    conversations::{self, Stored},
    ids, users,
};

/// A user in a conversation.
#[derive(Debug, Clone)]
pub(crate) struct Seat {
    pub(crate) conversation: Stored,
    /// The user's profile as it is now.
    pub(crate) user: User,
    /// `Unspecified` for the outside customer, and for a guest.
    pub(crate) role: Role,
    /// The newest message that the user has read, and that reached the user.
    pub(crate) read_message_id: i64,
    pub(crate) delivered_message_id: i64,
    /// When the user last read, in microseconds since the epoch.
    pub(crate) read_at: Option<i64>,
}

impl Seat {
    /// Whether the user is the outside customer of a support conversation.
    pub(crate) fn is_customer(&self) -> bool {
        self.conversation.kind == ConversationKind::Support
            && self.conversation.customer_id.as_deref() == Some(self.user.id.as_str())
    }
}

/// The seat of a user in a conversation.
pub(crate) fn take(reader: &Reader<'_>, conversation: &Given, user: &Given) -> Result<Seat, Error> {
    find(reader, &ids::conversation(reader, conversation)?, &ids::user(reader, user)?)
}

const SEAT: &str =
    "SELECT p.role, p.read_message_id, p.delivered_message_id, p.read_at,
        c.id, c.kind, c.name, c.pair_low, c.pair_high, c.customer_id, c.status, c.priority,
        c.participant_count, c.last_message_id, c.created_at, c.updated_at,
        u.id, u.username, u.name, u.first_name, u.last_name, u.email, u.source, u.profile_picture, u.is_active,
        u.created_at
 FROM participant AS p
 CROSS JOIN conversation AS c ON c.id = p.conversation_id
 CROSS JOIN user AS u ON u.id = p.user_id
 WHERE p.conversation_id = ?1 AND p.user_id = ?2";

/// Says that the seat will be looked for.
pub(crate) fn foresee(reader: &Reader<'_>, conversation_id: &str, user_id: &str) -> Result<(), Error> {
    reader.foresee(SEAT, params![conversation_id, user_id])
}

/// The seat of a user in a conversation, by canonical ids. One statement, because every message starts here.
pub(crate) fn find(reader: &Reader<'_>, conversation_id: &str, user_id: &str) -> Result<Seat, Error> {
    let seat = reader.one(SEAT, params![conversation_id, user_id], from_row)?;
    seat.ok_or_else(conversations::not_found)
}

fn from_row(row: &Row<'_>) -> Result<Seat, Mismatch> {
    const OWN: usize = 4;
    let role: i32 = row.get(0)?;
    Ok(Seat {
        role: Role::try_from(role).unwrap_or_default(),
        read_message_id: row.get(1)?,
        delivered_message_id: row.get(2)?,
        read_at: row.get(3)?,
        conversation: conversations::from_row(row, OWN)?,
        user: users::from_row(row, OWN + conversations::COLUMN_COUNT)?,
    })
}

/// The place of somebody who speaks in a conversation without being in it, as a channel's account or an agent does.
pub(crate) fn guest(conversation: Stored, user: User) -> Seat {
    let role = Role::Unspecified;
    Seat { conversation, user, role, read_message_id: 0, delivered_message_id: 0, read_at: None }
}

/// A conversation that somebody looks at: a user who is in it, or the backend itself when there is none.
pub(crate) fn look(
    reader: &Reader<'_>,
    conversation: &Given,
    viewer: Option<&Given>,
) -> Result<(Stored, Option<String>), Error> {
    match viewer {
        Some(viewer) => {
            let seat = take(reader, conversation, viewer)?;
            Ok((seat.conversation, Some(seat.user.id)))
        }
        None => Ok((conversations::get(reader, &ids::conversation(reader, conversation)?)?, None)),
    }
}
