//! Users as they are stored.
//!
//! A profile that goes into a message or a receipt is a snapshot without audiences: they are nobody's business there, and
//! would be repeated with each message.

use causeway_kit::{
    Error,
    store::{Mismatch, Reader, Row, Tx, params},
};
use causeway_proto::{
    chat::{User, UserUpdated},
    event::{Source, event},
    time,
    topic::Topic,
};

use crate::{audiences, ids};

/// A profile from ten columns that start at `at`: id, username, name, first_name, last_name, email, source,
/// profile_picture, is_active, created_at.
pub(crate) fn from_row(row: &Row<'_>, at: usize) -> Result<User, Mismatch> {
    Ok(User {
        id: row.get(at)?,
        username: row.get(at + 1)?,
        name: row.get(at + 2)?,
        first_name: row.get(at + 3)?,
        last_name: row.get(at + 4)?,
        email: row.get(at + 5)?,
        source: row.get(at + 6)?,
        profile_picture: row.get(at + 7)?,
        is_active: row.get(at + 8)?,
        created_at: Some(time::from_micros(row.get(at + 9)?)),
        audiences: Vec::new(),
    })
}

/// A user's profile.
pub(crate) fn find(reader: &Reader<'_>, id: &str) -> Result<Option<User>, Error> {
    reader.one(
        "SELECT id, username, name, first_name, last_name, email, source, profile_picture, is_active, created_at
         FROM user WHERE id = ?1",
        [id],
        |row| from_row(row, 0),
    )
}

/// A user's profile, or `NOT_FOUND`.
pub(crate) fn get(reader: &Reader<'_>, id: &str) -> Result<User, Error> {
    find(reader, id)?.ok_or_else(|| Error::not_found("user"))
}

/// The profiles of users who must all exist.
pub(crate) fn get_all(reader: &Reader<'_>, ids: &[String]) -> Result<Vec<User>, Error> {
    ids.iter().map(|id| get(reader, id)).collect()
}

/// A user with audiences.
pub(crate) fn find_full(reader: &Reader<'_>, id: &str) -> Result<Option<User>, Error> {
    audiences::foresee(reader, id)?;
    let Some(mut user) = find(reader, id)? else { return Ok(None) };
    user.audiences = audiences::of(reader, id)?;
    Ok(Some(user))
}

/// Users whose ids come after `after`, with audiences; only those of `audience` when it is not empty.
pub(crate) fn list(reader: &Reader<'_>, after: &str, limit: u32, audience: &str) -> Result<Vec<User>, Error> {
    let users: Vec<User> = if audience.is_empty() {
        reader.all(
            "SELECT id, username, name, first_name, last_name, email, source, profile_picture, is_active, created_at
             FROM user WHERE id > ?1 ORDER BY id LIMIT ?2",
            params![after, limit],
            |row| from_row(row, 0),
        )?
    } else {
        reader.all(
            "SELECT u.id, u.username, u.name, u.first_name, u.last_name, u.email, u.source, u.profile_picture,
                    u.is_active, u.created_at
             FROM audience_member AS m JOIN user AS u ON u.id = m.user_id
             WHERE m.audience = ?1 AND m.user_id > ?2 ORDER BY m.user_id LIMIT ?3",
            params![audience, after, limit],
            |row| from_row(row, 0),
        )?
    };
    let full = |mut user: User| {
        user.audiences = audiences::of(reader, &user.id)?;
        Ok(user)
    };
    users.into_iter().map(full).collect()
}

/// A user of whom only the id is known.
pub(crate) fn new(id: String) -> User {
    User { id, is_active: true, ..User::default() }
}

/// Stores a new user, who is seen now. Audiences are stored by [`audiences`].
pub(crate) fn insert(tx: &Tx<'_>, user: &mut User) -> Result<(), Error> {
    user.created_at = Some(tx.now());
    tx.execute(
        "INSERT INTO user (id, uuid, username, name, first_name, last_name, email, source, profile_picture, is_active,
                           created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        params![
            user.id,
            ids::lookup_key(&user.id),
            user.username,
            user.name,
            user.first_name,
            user.last_name,
            user.email,
            user.source,
            user.profile_picture,
            user.is_active,
            tx.now_micros(),
        ],
    )?;
    Ok(())
}

/// Stores what changed in a user's profile.
pub(crate) fn update(tx: &Tx<'_>, user: &User) -> Result<(), Error> {
    tx.execute(
        "UPDATE user SET username = ?2, name = ?3, first_name = ?4, last_name = ?5, email = ?6, source = ?7,
                         profile_picture = ?8, is_active = ?9
         WHERE id = ?1",
        params![
            user.id,
            user.username,
            user.name,
            user.first_name,
            user.last_name,
            user.email,
            user.source,
            user.profile_picture,
            user.is_active,
        ],
    )?;
    Ok(())
}

/// Tells whoever watches the user that something about the user changed.
pub(crate) fn announce(tx: &mut Tx<'_>, user: &User) -> Result<(), Error> {
    let body = event::Body::UserUpdated(UserUpdated { user: Some(user.clone()) });
    tx.append(Source::Chat, Topic::User(&user.id), body)?;
    Ok(())
}
