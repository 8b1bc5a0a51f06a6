//! How users come to be and change: by connecting with a token, or by a backend's word.

use std::collections::BTreeSet;

use causeway_kit::{
    Error,
    store::{Reader, Tx},
};
use causeway_proto::{
    chat::{PutUserRequest, PutUserResponse, RegisterUserRequest, RegisterUserResponse, User},
    id::Given,
};

use crate::{audiences, channel::customers, ids, limits, users};

/// A user who connects, with what the token says.
pub(crate) struct Registration {
    id: Given,
    said: User,
}

impl Registration {
    /// Checks what can be checked without the store.
    pub(crate) fn read(request: RegisterUserRequest, allow_http: bool) -> Result<Self, Error> {
        let said = request.user.ok_or_else(|| Error::invalid("user", "is required"))?;
        let id = ids::read("user.id", &said.id)?;
        limits::text("user.username", &said.username, limits::NAME)?;
        limits::text("user.name", &said.name, limits::NAME)?;
        limits::text("user.first_name", &said.first_name, limits::NAME)?;
        limits::text("user.last_name", &said.last_name, limits::NAME)?;
        limits::text("user.email", &said.email, EMAIL)?;
        limits::text("user.source", &said.source, limits::NAME)?;
        if !said.profile_picture.is_empty() {
            limits::url("user.profile_picture", &said.profile_picture, allow_http)?;
        }
        limits::audiences("user.audiences", &said.audiences)?;
        Ok(Self { id, said })
    }

    /// The user as stored, when registering changes nothing. Most connects are of this kind, and need no write.
    pub(crate) fn settled(&self, reader: &Reader<'_>) -> Result<Option<RegisterUserResponse>, Error> {
        let Some(stored) = users::find_full(reader, &ids::user(reader, &self.id)?)? else { return Ok(None) };
        refuse_customer(reader, &stored)?;
        let filled = self.filled(&stored)?;
        Ok((filled == stored).then_some(RegisterUserResponse { user: Some(stored) }))
    }

    /// Makes the user, or fills what is empty.
    pub(crate) fn run(self, tx: &mut Tx<'_>) -> Result<RegisterUserResponse, Error> {
        let id = ids::user(tx, &self.id)?;
        let stored = users::find_full(tx, &id)?;
        if let Some(stored) = &stored {
            refuse_customer(tx, stored)?;
        }
        let filled = self.filled(stored.as_ref().unwrap_or(&users::new(id)))?;
        let user = store(tx, stored, filled)?;
        Ok(RegisterUserResponse { user: Some(user) })
    }

    /// `stored` with what it lacks and the token says.
    fn filled(&self, stored: &User) -> Result<User, Error> {
        if !stored.is_active {
            return Err(Error::denied("the user is not active"));
        }
        let mut user = stored.clone();
        for (field, said) in [
            (&mut user.username, &self.said.username),
            (&mut user.name, &self.said.name),
            (&mut user.first_name, &self.said.first_name),
            (&mut user.last_name, &self.said.last_name),
            (&mut user.email, &self.said.email),
            (&mut user.source, &self.said.source),
            (&mut user.profile_picture, &self.said.profile_picture),
        ] {
            if field.is_empty() {
                field.clone_from(said);
            }
        }
        user.audiences = united(&stored.audiences, &self.said.audiences, &[]);
        Ok(user)
    }
}

/// Nobody connects as a customer of a channel: whoever that is writes at the provider.
fn refuse_customer(reader: &Reader<'_>, stored: &User) -> Result<(), Error> {
    if !stored.source.is_empty() && customers::is_one(reader, &stored.id)? {
        return Err(Error::denied("the user is a customer of a channel"));
    }
    Ok(())
}

/// What a backend says about a user.
pub(crate) struct Put {
    id: Given,
    said: PutUserRequest,
}

impl Put {
    /// Checks what can be checked without the store.
    pub(crate) fn read(request: PutUserRequest, allow_http: bool) -> Result<Self, Error> {
        let id = ids::read("id", &request.id)?;
        for (field, value, max) in [
            ("username", &request.username, limits::NAME),
            ("name", &request.name, limits::NAME),
            ("first_name", &request.first_name, limits::NAME),
            ("last_name", &request.last_name, limits::NAME),
            ("email", &request.email, EMAIL),
            ("source", &request.source, limits::NAME),
        ] {
            limits::text(field, value.as_deref().unwrap_or_default(), max)?;
        }
        if let Some(picture) = request.profile_picture.as_deref().filter(|url| !url.is_empty()) {
            limits::url("profile_picture", picture, allow_http)?;
        }
        limits::audiences("add_audiences", &request.add_audiences)?;
        limits::audiences("remove_audiences", &request.remove_audiences)?;
        Ok(Self { id, said: request })
    }

    /// Makes the user, or changes what is given.
    pub(crate) fn run(self, tx: &mut Tx<'_>) -> Result<PutUserResponse, Error> {
        let id = ids::user(tx, &self.id)?;
        let stored = users::find_full(tx, &id)?;
        let mut wanted = stored.clone().unwrap_or_else(|| users::new(id));
        let said = self.said;
        for (field, said) in [
            (&mut wanted.username, said.username),
            (&mut wanted.name, said.name),
            (&mut wanted.first_name, said.first_name),
            (&mut wanted.last_name, said.last_name),
            (&mut wanted.email, said.email),
            (&mut wanted.source, said.source),
            (&mut wanted.profile_picture, said.profile_picture),
        ] {
            if let Some(said) = said {
                *field = said;
            }
        }
        wanted.is_active = said.is_active.unwrap_or(wanted.is_active);
        wanted.audiences = united(&wanted.audiences, &said.add_audiences, &said.remove_audiences);
        let user = store(tx, stored, wanted)?;
        Ok(PutUserResponse { user: Some(user) })
    }
}

/// Longest mail address, in characters.
const EMAIL: usize = 254;

/// Audiences with some more and some less, sorted.
fn united(have: &[String], more: &[String], less: &[String]) -> Vec<String> {
    let all: BTreeSet<&String> =
        have.iter().chain(more).filter(|audience| !less.contains(audience)).collect();
    all.into_iter().cloned().collect()
}

/// Stores a user as wanted, and tells whoever watches the user, unless the user is like that already. Both have audiences.
pub(crate) fn store(tx: &mut Tx<'_>, stored: Option<User>, mut wanted: User) -> Result<User, Error> {
    match &stored {
        Some(stored) if *stored == wanted => return Ok(wanted),
        Some(_) => users::update(tx, &wanted)?,
        None => users::insert(tx, &mut wanted)?,
    }
    let before = stored.map(|stored| stored.audiences).unwrap_or_default();
    audiences::change(tx, &wanted.id, &before, &wanted.audiences)?;
    users::announce(tx, &wanted)?;
    Ok(wanted)
}
