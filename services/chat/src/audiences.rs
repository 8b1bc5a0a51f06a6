//! Audiences: named sets of users. One exists as long as somebody is in it.

use std::collections::BTreeSet;

use causeway_kit::{
    Error,
    store::{Reader, Tx, params},
};
use causeway_proto::{
    chat::{Audience, PutAudienceRequest, PutAudienceResponse},
    id::Given,
};

use crate::{ids, limits, users};

const OF_USER: &str = "SELECT audience FROM audience_member WHERE user_id = ?1 ORDER BY audience";

/// Says that [`of`] will be asked.
pub(crate) fn foresee(reader: &Reader<'_>, user_id: &str) -> Result<(), Error> {
    reader.foresee(OF_USER, [user_id])
}

/// A user's audiences, sorted.
pub(crate) fn of(reader: &Reader<'_>, user_id: &str) -> Result<Vec<String>, Error> {
    reader.all(OF_USER, [user_id], |row| row.get(0))
}

/// The ids of an audience's users, sorted.
pub(crate) fn members(reader: &Reader<'_>, audience: &str) -> Result<Vec<String>, Error> {
    let sql = "SELECT user_id FROM audience_member WHERE audience = ?1 ORDER BY user_id";
    reader.all(sql, [audience], |row| row.get(0))
}

/// An audience, when anybody is in it.
pub(crate) fn find(reader: &Reader<'_>, id: &str) -> Result<Option<Audience>, Error> {
    let sql = "SELECT count(*) FROM audience_member WHERE audience = ?1";
    let user_count = reader.one(sql, [id], |row| row.get(0))?.unwrap_or(0);
    Ok((user_count > 0).then(|| Audience { id: id.to_owned(), user_count }))
}

/// Audiences whose ids come after `after`.
pub(crate) fn list(reader: &Reader<'_>, after: &str, limit: u32) -> Result<Vec<Audience>, Error> {
    reader.all(
        "SELECT audience, count(*) FROM audience_member WHERE audience > ?1 GROUP BY audience ORDER BY audience LIMIT ?2",
        params![after, limit],
        |row| Ok(Audience { id: row.get(0)?, user_count: row.get(1)? }),
    )
}

/// Brings a user from the audiences `from` into the audiences `to`; both are sorted.
pub(crate) fn change(tx: &Tx<'_>, user_id: &str, from: &[String], to: &[String]) -> Result<(), Error> {
    if to.len() > limits::AUDIENCES {
        let most = limits::AUDIENCES;
        return Err(Error::conflict(format!("a user is in at most {most} audiences")));
    }
    for audience in to.iter().filter(|audience| !from.contains(audience)) {
        let sql = "INSERT INTO audience_member (audience, user_id) VALUES (?1, ?2)";
        tx.execute(sql, params![audience, user_id])?;
    }
    for audience in from.iter().filter(|audience| !to.contains(audience)) {
        let sql = "DELETE FROM audience_member WHERE audience = ?1 AND user_id = ?2";
        tx.execute(sql, params![audience, user_id])?;
    }
    Ok(())
}

/// A change of who is in an audience.
pub(crate) struct Put {
    audience: String,
    add: Vec<Given>,
    remove: Vec<Given>,
}

impl Put {
    /// Checks what can be checked without the store.
    pub(crate) fn read(request: PutAudienceRequest) -> Result<Self, Error> {
        limits::audience("audience", &request.audience)?;
        Ok(Self {
            add: ids::read_all("add_user_ids", &request.add_user_ids, limits::USERS)?,
            remove: ids::read_all("remove_user_ids", &request.remove_user_ids, limits::USERS)?,
            audience: request.audience,
        })
    }

    /// Makes the change. A user who is to be added and removed is removed.
    pub(crate) fn run(self, tx: &mut Tx<'_>) -> Result<PutAudienceResponse, Error> {
        let remove = ids::users(tx, &self.remove)?;
        for id in ids::users(tx, &self.add)? {
            users::get(tx, &id)?;
            if !remove.contains(&id) {
                self.place(tx, &id, true)?;
            }
        }
        for id in remove {
            self.place(tx, &id, false)?;
        }
        let empty = || Audience { id: self.audience.clone(), user_count: 0 };
        let audience = find(tx, &self.audience)?.unwrap_or_else(empty);
        Ok(PutAudienceResponse { audience: Some(audience) })
    }

    /// Puts one user in or out, and tells the user, unless it is so already or there is no such user.
    fn place(&self, tx: &mut Tx<'_>, user_id: &str, inside: bool) -> Result<(), Error> {
        let Some(mut user) = users::find_full(tx, user_id)? else { return Ok(()) };
        let mut wanted: BTreeSet<String> = user.audiences.iter().cloned().collect();
        let changed =
            if inside { wanted.insert(self.audience.clone()) } else { wanted.remove(&self.audience) };
        if !changed {
            return Ok(());
        }
        let wanted: Vec<String> = wanted.into_iter().collect();
        change(tx, user_id, &user.audiences, &wanted)?;
        user.audiences = wanted;
        users::announce(tx, &user)
    }
}
