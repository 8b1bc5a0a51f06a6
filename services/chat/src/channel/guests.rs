//! Users that stand for no person of ours: a provider account, in whose name somebody wrote by other means than this service,
//! and an agent. They speak in conversations without being in them.

use causeway_kit::{Error, store::Tx};
use causeway_proto::{
    chat::User,
    id::{self, Given},
};

use crate::users;

/// The user that stands for a provider account.
pub(super) fn account(tx: &Tx<'_>, plugin: &str, account: &str) -> Result<User, Error> {
    find_or_make(tx, format!("{plugin}:{account}"), account)
}

/// The user that stands for an agent.
pub(super) fn agent(tx: &Tx<'_>, plugin: &str) -> Result<User, Error> {
    find_or_make(tx, format!("agent:{plugin}"), plugin)
}

fn find_or_make(tx: &Tx<'_>, wanted: String, name: &str) -> Result<User, Error> {
    // An account may be called what no user may; then the UUID form of the name is the id.
    let id = match id::read(&wanted) {
        Ok(Given::Canonical(id)) => id,
        Ok(Given::Hashed(_)) | Err(_) => id::to_uuid(&wanted).to_string(),
    };
    if let Some(user) = users::find(tx, &id)? {
        return Ok(user);
    }
    let mut user = User { name: name.to_owned(), ..users::new(id) };
    users::insert(tx, &mut user)?;
    Ok(user)
}
